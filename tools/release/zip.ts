import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { type Zippable, zipSync } from 'fflate';

/** The earliest time that a zip can hold. Files carry none of their own, so that the same content is the same zip. */
const NO_TIME = new Date(1980, 0, 1);

/** A folder's content as a zip, the same bytes for the same content, wherever and whenever it is made. */
export function zipFolder(folder: string): Uint8Array {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
  const content: Zippable = Object.fromEntries(files.map((file) => [file, readFileSync(join(folder, file))]));
  return zipSync(content, { level: 9, mtime: NO_TIME });
}
