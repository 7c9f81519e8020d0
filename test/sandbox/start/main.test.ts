import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { SandboxInfo } from '../../../sandbox/start/info.ts';

const MAIN = fileURLToPath(new URL('../../../sandbox/main.ts', import.meta.url));

function run(...argv: string[]) {
  const child = spawn(process.execPath, [MAIN, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let errors = '';
  const output = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }));
  return { child, lines, output, ended, errors: () => errors };
}

it('prints one line when it is ready, serves, and stops with code 0', async () => {
  const { child, lines, output, ended, errors } = run('--json');
  const ready = await Promise.race([once(output, 'line'), ended]);
  expect(ready, errors()).toBeInstanceOf(Array);
  const info = JSON.parse(lines[0] ?? '') as SandboxInfo;
  expect((await fetch(`${info.api}/health`)).status).toBe(200);
  expect((await fetch(info.hire2retire)).status).toBe(200);
  child.kill('SIGTERM');
  expect(await ended, errors()).toEqual({ code: 0, signal: null });
  expect(lines).toHaveLength(1);
  await expect(fetch(info.hire2retire)).rejects.toThrow();
}, 60_000);

it('stops with code 0 while it starts', async () => {
  const { child, lines, ended, errors } = run('--json');
  // Its first words; far from ready.
  await once(child.stderr, 'data');
  child.kill('SIGINT');
  expect(await ended, errors()).toEqual({ code: 0, signal: null });
  expect(lines).toEqual([]);
}, 60_000);

it('goes on when nobody reads what it prints', async () => {
  const { child, output, ended, errors } = run('--json');
  const [line] = (await once(output, 'line')) as [string];
  child.stdout.destroy();
  child.stderr.destroy();
  const { api } = JSON.parse(line) as SandboxInfo;
  for (let i = 0; i < 3; i++) expect((await fetch(`${api}/health`)).status).toBe(200);
  child.kill('SIGINT');
  expect(await ended, errors()).toEqual({ code: 0, signal: null });
}, 60_000);

it('explains itself', async () => {
  const help = run('--help');
  expect(await help.ended).toEqual({ code: 0, signal: null });
  expect(help.lines.join('\n')).toContain('--no-host');
  const wrong = run('--port', '1');
  expect(await wrong.ended).toEqual({ code: 2, signal: null });
  expect(wrong.lines).toEqual([]);
  expect(wrong.errors()).toContain('--port');
});
