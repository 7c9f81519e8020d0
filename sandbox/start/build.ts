import { spawn } from 'node:child_process';

/** Builds the bundle in a process of its own, as `npm run build` does: tools/build.ts works on the current folder. */
export async function buildBundle(root: string): Promise<void> {
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
