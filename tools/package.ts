/**
 * Makes what is deployed, in dist/package: the bundle with its source maps, host.json, a package.json that names it, and the
 * notices of the packages in it. No node_modules: the bundle is self-contained. Run after the build. An argument names
 * another folder.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const target = process.argv[2] ?? join(root, 'dist/package');

if (!existsSync(join(root, 'dist/index.js'))) throw new Error('There is no bundle yet: npm run build');
rmSync(target, { recursive: true, force: true });
mkdirSync(join(target, 'dist'), { recursive: true });
for (const file of ['host.json', 'dist/index.js', 'dist/index.js.map', 'THIRD-PARTY-NOTICES.txt'])
  copyFileSync(join(root, file), join(target, file));
cpSync(join(root, 'dist/chunks'), join(target, 'dist/chunks'), { recursive: true });

const { name, version, type, main } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
  string,
  string
>;
writeFileSync(
  join(target, 'package.json'),
  `${JSON.stringify({ name, version, private: true, type, main }, undefined, 2)}\n`,
);
