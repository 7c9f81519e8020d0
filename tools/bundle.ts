import { type BuildResult, build } from 'esbuild';

/** Bundles a function app into one file, self-contained but for what the Functions worker supplies. */
export function bundle(entryPoint: string, outfile: string): Promise<BuildResult<{ metafile: true }>> {
  return build({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    // The worker answers require('@azure/functions-core') itself; it is in no package.
    external: ['@azure/functions-core'],
    // CommonJS dependencies call require(); going through createRequire keeps the worker's hook on it alive.
    banner: {
      js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
    },
    logLevel: 'warning',
  });
}
