import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What is not part of the repository: see .gitignore. */
const IGNORED = new Set(['.git', 'node_modules', 'dist', 'local.settings.json', '.sandbox', '.bench', 'test-results']);

/** Every text file of the repository below the folders, or below the root; with forward slashes. */
export function filesBelow(...folders: string[]): string[] {
  const found = (folders.length > 0 ? folders : ['.']).flatMap((folder) => walk(join(ROOT, folder)));
  return found.map((file) => relative(ROOT, file).split(sep).join('/')).sort();
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (IGNORED.has(entry.name) || /\.(png|log)$/.test(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return walk(path);
    return entry.isFile() ? [path] : [];
  });
}

export function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** Source without its comments, so that what people read is not taken for code. */
export function code(file: string): string {
  return read(file)
    .replace(/\/\*.*?\*\//gs, '')
    .replace(/^\s*\/\/.*$/gm, '');
}

/** Rows of the first table below a heading, cells trimmed. */
export function tableBelow(document: string, heading: string): string[][] {
  const [, after = ''] = document.split(`\n${heading}\n`);
  const table = /(?:^\|.*\|\n)+/m.exec(after)?.[0] ?? '';
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}
