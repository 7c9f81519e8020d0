/**
 * Makes what is deployed, in dist/package: the bundle with its source maps, host.json and a package.json that names it. No
 * node_modules: the bundle is self-contained. It is built anew, so that no file of an earlier build gets in.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const target = join(root, 'dist/package');

rmSync(target, { recursive: true, force: true });
mkdirSync(join(target, 'dist'), { recursive: true });
await bundle(join(root, 'functions/index.ts'), join(target, 'dist'));
copyFileSync(join(root, 'host.json'), join(target, 'host.json'));

const { name, version, type, main } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
  string,
  string
>;
writeFileSync(
  join(target, 'package.json'),
  `${JSON.stringify({ name, version, private: true, type, main }, undefined, 2)}\n`,
);
