import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

/**
 * How a function app is bundled: `index.js` in the folder, self-contained but for what the Functions worker supplies. What
 * the code imports with `import()` comes in files of its own below `chunks`, which are read when they are needed.
 */
export function bundleOptions(entryPoint: string, outdir: string) {
  return {
    entryPoints: [{ in: entryPoint, out: 'index' }],
    outdir,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
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
  } satisfies BuildOptions;
}

/** Bundles a function app, and removes what an earlier build left in `chunks`: its names change with what it contains. */
export async function bundle(entryPoint: string, outdir: string): Promise<void> {
  rmSync(join(outdir, 'chunks'), { recursive: true, force: true });
  await build(bundleOptions(entryPoint, outdir));
}
