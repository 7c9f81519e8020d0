/**
 * Makes a release in dist/release, out of dist/package: the zip that is deployed, its bill of materials (CycloneDX), and the
 * hashes of both. The same sources and Node make the same bytes, whatever npm is used. `npm run release` builds first.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundledPackages } from '../bundled.ts';
import { notices } from '../notices.ts';
import { sbomOf } from './sbom.ts';
import { zipFolder } from './zip.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Files of a release by name.
 * @param folder what tools/package.ts made
 * @throws when the notices are not those of the bundle
 */
export async function release(folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  if (readFileSync(join(ROOT, 'THIRD-PARTY-NOTICES.txt'), 'utf8') !== (await notices()))
    throw new Error('THIRD-PARTY-NOTICES.txt is not what the bundle contains: npm run notices');
  const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, string>;
  const zip = zipFolder(folder);
  if (name === undefined || version === undefined) throw new Error('package.json names no name or version.');
  const sbom = sbomOf(ROOT, await bundledPackages(), { name, version, zip });
  const files = new Map<string, Uint8Array>([
    [`${name}-${version}.zip`, zip],
    [`${name}-${version}.cdx.json`, Buffer.from(`${JSON.stringify(sbom, null, 2)}\n`)],
  ]);
  const hashes = [...files].map(([file, bytes]) => `${createHash('sha256').update(bytes).digest('hex')}  ${file}\n`);
  return files.set('SHA256SUMS', Buffer.from(hashes.join('')));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = join(ROOT, 'dist/release');
  const files = await release(join(ROOT, 'dist/package'));
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const [file, bytes] of files) {
    writeFileSync(join(target, file), bytes);
    console.log(`dist/release/${file} ${bytes.length}`);
  }
}
