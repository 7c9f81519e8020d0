/** Builds the one bundle that is deployed: dist/index.js, self-contained but for what the Functions worker supplies. */
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

export const BUNDLE: BuildOptions = {
  entryPoints: ['functions/index.ts'],
  outfile: 'dist/index.js',
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  sourcemap: 'linked',
  sourcesContent: false,
  // The worker answers require('@azure/functions-core') itself; it is in no package.
  external: ['@azure/functions-core'],
  // CommonJS dependencies call require(); going through createRequire keeps the worker's hook on it alive.
  banner: {
    js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
  },
  logLevel: 'warning',
};

if (process.argv[1] === fileURLToPath(import.meta.url)) await build(BUNDLE);
