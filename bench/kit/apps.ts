import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../tools/bundle.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Inside the project, so that what is not bundled finds its packages. */
export const CACHE = join(ROOT, 'node_modules/.cache/bench');

/** Builds an app of `bench/apps` as the product is built. Returns the folder that a worker is started with. */
export async function buildApp(name: 'floor' | 'plain' | 'hello'): Promise<string> {
  const folder = appFolder(name, 'index.js');
  await bundle(join(ROOT, `bench/apps/${name}.ts`), folder);
  return folder;
}

/** A folder with a package.json that names `main`, and the product's host.json. */
export function appFolder(name: string, main: string): string {
  const folder = join(CACHE, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, type: 'module', main }));
  copyFileSync(join(ROOT, 'host.json'), join(folder, 'host.json'));
  return folder;
}
