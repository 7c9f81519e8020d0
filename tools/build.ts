/** Builds what is deployed into dist: index.js, and below dist/chunks what it loads later. */
import { bundle } from './bundle.ts';

await bundle('functions/index.ts', 'dist');
