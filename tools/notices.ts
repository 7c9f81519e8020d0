/** Writes THIRD-PARTY-NOTICES.txt: `npm run notices`. A test holds it equal to what is in the bundle. */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BundledPackage, bundledPackages } from './bundled.ts';

const FILE = fileURLToPath(new URL('../THIRD-PARTY-NOTICES.txt', import.meta.url));
const LINE = '-'.repeat(80);

/** Licences that let us deploy the code as we do, if their text goes along. Anything else is somebody's decision. */
const ACCEPTED = new Set(['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0']);

/** The text of the file: who wrote what is in the bundle, and on which terms. @throws when a licence is not accepted */
export async function notices(): Promise<string> {
  const packages = await bundledPackages();
  const strange = packages.filter(({ license }) => !ACCEPTED.has(license));
  if (strange.length > 0)
    throw new Error(`Not accepted yet: ${strange.map(({ name, license }) => `${name} (${license})`).join(', ')}.`);
  const head = `This product contains code of ${packages.length} packages, each on its own terms.`;
  const rights = packages.map((each) => `${each.name} ${each.version} (${each.license})\n\n${termsOf(each)}`);
  return `${[head, ...rights].join(`\n\n${LINE}\n\n`)}\n`;
}

function termsOf({ name, license, path }: BundledPackage): string {
  const files = readdirSync(path).filter((file) => /^(licen[cs]e|copying|notice|copyright)/i.test(file));
  const texts = files.sort().map((file) => readFileSync(join(path, file), 'utf8').replaceAll('\r\n', '\n').trim());
  if (texts.length > 0) return texts.join('\n\n');
  return `The package ${name} comes without the text of its licence, ${license}: https://spdx.org/licenses/${license}.html`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(FILE, await notices());
