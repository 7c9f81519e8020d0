import { spawn } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const BUNDLE = 'dist/index.js';
const SOURCES = ['functions', 'shared', 'tools/build.ts', 'tools/bundle.ts', 'package.json', 'package-lock.json'];

/**
 * Builds the bundle when it is missing or older than its sources. Writing it without need would pull it away under
 * another sandbox that is just loading it.
 */
export async function buildBundle(root: string): Promise<void> {
  const built = await modifiedAt(join(root, BUNDLE));
  const changed = await Promise.all(SOURCES.map((path) => newestIn(join(root, path))));
  if (built <= Math.max(...changed)) await runBuild(root);
}

/** In a process of its own, as `npm run build` does: tools/build.ts works on the current folder. */
async function runBuild(root: string): Promise<void> {
  const child = spawn(process.execPath, ['tools/build.ts'], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`The bundle could not be built:\n${output}`);
}

/** When a file, or anything in a folder, was last written. A folder's own time tells of files that were removed. */
async function newestIn(path: string): Promise<number> {
  const own = await modifiedAt(path);
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => []);
  const times = await Promise.all(entries.map((entry) => modifiedAt(join(entry.parentPath, entry.name))));
  return Math.max(own, ...times);
}

async function modifiedAt(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
}
