/** Builds the one bundle that is deployed: dist/index.js. */
import { bundle } from './bundle.ts';

await bundle('functions/index.ts', 'dist/index.js');
