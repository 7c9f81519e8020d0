import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from './bundle.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** A package of which something is in the bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Its folder. */
  readonly path: string;
}

/** The packages that the bundle contains code of; a package that was imported and left out whole is not among them. */
export async function bundledPackages(): Promise<readonly BundledPackage[]> {
  const options = bundleOptions('functions/index.ts', 'dist');
  const { metafile } = await build({ ...options, absWorkingDir: ROOT, write: false, metafile: true, sourcemap: false });
  const files = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  const folders = new Set(files.filter((file) => file.startsWith('node_modules/')).map(packageFolder));
  return [...folders].map(describe).sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
}

/** Packages may lie inside of each other: the last one in the path is meant. */
function packageFolder(file: string): string {
  const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
  if (folder === undefined) throw new Error(`${file} belongs to no package.`);
  return folder;
}

function describe(folder: string): BundledPackage {
  const path = join(ROOT, folder);
  const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Record<string, unknown>;
  const { name, version, license } = manifest;
  if (typeof name !== 'string' || typeof version !== 'string') throw new Error(`${folder} has no name or version.`);
  if (typeof license !== 'string') throw new Error(`${name} does not say its licence.`);
  return { name, version, license, path };
}
