import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { FIXTURE_APP, type Fixture, type FixtureOptions, startFixture } from './fixture.ts';

const running: Fixture[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map(({ host }) => host.close()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

async function start(options: FixtureOptions = {}): Promise<Fixture> {
  const fixture = await startFixture(options);
  running.push(fixture);
  return fixture;
}

const pidOf = async (url: string) => ((await (await fetch(`${url}/api/echo`)).json()) as { pid: number }).pid;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('workers', () => {
  test('two workers are two processes that share the requests and can be asked one by one', async () => {
    const { host } = await start({ workers: 2 });
    expect(host.workers.map(({ id }) => id)).toEqual([1, 2]);
    const answered = new Set<number>();
    for (let count = 0; count < 4; count += 1) answered.add(await pidOf(host.url));
    expect([...answered].sort()).toEqual(host.workers.map(({ pid }) => pid).sort());
    for (const { pid, url } of host.workers) expect(await pidOf(url)).toBe(pid);
  });

  test('killing one worker replaces that one, and all without a number', async () => {
    const { host } = await start({ workers: 2 });
    const pids = () => host.workers.map(({ pid }) => pid);
    const [first, second] = pids();
    await host.kill(2);
    const [stillFirst, newSecond] = pids();
    expect(stillFirst).toBe(first);
    expect(newSecond).not.toBe(second);
    await host.kill();
    expect(pids()).not.toContain(first);
    expect(pids()).toHaveLength(2);
    await expect(host.kill(3)).rejects.toThrow('There is no worker 3');
  });

  test('two kills at once leave one process', async () => {
    const { host } = await start();
    await Promise.all([host.kill(), host.kill()]);
    expect(host.workers).toHaveLength(1);
    expect(await pidOf(host.url)).toBe(host.workers[0]?.pid);
  });

  test('while no worker is up, requests are answered 503', async () => {
    const { host } = await start();
    const killed = host.kill();
    expect((await fetch(`${host.url}/api/echo`)).status).toBe(503);
    await killed;
    expect((await fetch(`${host.url}/api/echo`)).status).toBe(200);
  });

  test('an uncaught exception ends the worker with its requests, and another worker follows', async () => {
    const { host, line } = await start();
    const before = host.workers[0]?.pid;
    expect((await fetch(`${host.url}/api/crash`, { method: 'POST' })).status).toBe(502);
    await line('uncaught on purpose');
    await line(`Worker 1 (pid ${before}) ended by itself: code 1.`);
    await vi.waitFor(async () => expect((await fetch(`${host.url}/api/echo`)).status).toBe(200), { timeout: 10_000 });
    expect(host.workers[0]?.pid).not.toBe(before);
  });

  test('closing finishes the requests that run', async () => {
    const { host, line } = await startFixture();
    const answer = fetch(`${host.url}/api/slow`);
    await line('slow has begun');
    await host.close();
    expect(await (await answer).text()).toBe('finished');
  });

  test('workers do not outlive a host that is killed', async () => {
    const parent = fork(join(import.meta.dirname, 'host-process.ts'), [], { execArgv: [], stdio: 'ignore' });
    const [pids] = (await once(parent, 'message')) as [number[]];
    expect(pids.filter(isAlive)).toHaveLength(2);
    parent.kill('SIGKILL');
    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 10_000, interval: 20 });
  });

  test('closing leaves no process and no listener', async () => {
    const { host } = await startFixture({ workers: 2 });
    const pids = host.workers.map(({ pid }) => pid);
    await host.close();
    expect(pids.filter(isAlive)).toEqual([]);
    expect(host.workers).toEqual([]);
    await expect(fetch(host.url)).rejects.toThrow();
  });
});

describe('starting', () => {
  test('a start that fails tells the reason that the app printed', async () => {
    await expect(startFixture({ settings: { FIXTURE_REQUIRED: '' } })).rejects.toThrow(
      'The setting FIXTURE_REQUIRED is missing.',
    );
  });

  test('a %SETTING% that does not exist stops the start and names it', async () => {
    const started = startFixture({ settings: { WORK_QUEUE: undefined } });
    await expect(started).rejects.toThrow('%WORK_QUEUE% does not name an app setting.');
  });

  test('a port in use is replaced by a free one, and the environment is told the real address', async () => {
    const { host: first } = await start();
    const { host: second } = await start({ port: first.port });
    expect(second.port).not.toBe(first.port);
    expect(await (await fetch(`${second.url}/api/host-url`)).text()).toBe(`http://localhost:${second.port}`);
  });

  test('the ESM bundle runs far from any node_modules', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'host-bundle-'));
    folders.push(folder);
    await cp(join(FIXTURE_APP, 'host.json'), join(folder, 'host.json'));
    const manifest = JSON.parse(await readFile(join(FIXTURE_APP, 'package.json'), 'utf8')) as object;
    await writeFile(join(folder, 'package.json'), JSON.stringify({ ...manifest, main: 'dist/*.js' }));
    await build({
      entryPoints: [join(FIXTURE_APP, 'app.js')],
      outfile: join(folder, 'dist/index.js'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['@azure/functions-core'],
      banner: {
        js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
      },
    });
    const { host } = await start({ appDir: folder });
    expect(host.functions).toContain('echo');
    expect((await fetch(`${host.url}/api/echo`)).status).toBe(200);
  });
});

describe('timers', () => {
  test('run fires a timer with the data of the real host', async () => {
    const { host, line } = await start();
    await host.run('tick');
    const text = await line('tick {');
    expect(JSON.parse(text.slice(text.indexOf('{')))).toEqual({
      schedule: { adjustForDST: true },
      scheduleStatus: {
        last: '0001-01-01T00:00:00',
        next: `${new Date().getUTCFullYear() + 1}-01-01T00:00:00.000+00:00`,
        lastUpdated: '0001-01-01T00:00:00',
      },
      isPastDue: false,
    });
  });

  test('run rejects when the timer fails, is unknown or is no timer', async () => {
    const { host } = await start();
    await expect(host.run('bad-tick')).rejects.toThrow('bad tick on purpose');
    await expect(host.run('unknown')).rejects.toThrow("There is no timer function 'unknown'.");
    await expect(host.run('work')).rejects.toThrow("There is no timer function 'work'.");
  });

  test('a schedule fires by itself, in one worker only', async () => {
    const { lines, line } = await start({ workers: 2, settings: { TICK_SCHEDULE: '* * * * * *' } });
    await line("Executed 'tick' (Succeeded");
    await vi.waitFor(
      () => expect(lines.filter((text) => text.includes("Executed 'tick'")).length).toBeGreaterThanOrEqual(2),
      { timeout: 5_000 },
    );
    const workers = new Set(lines.filter((text) => text.includes("Executed 'tick'")).map((text) => text.slice(0, 10)));
    expect(workers.size).toBe(1);
  });

  test('run waits for a worker when none is up', async () => {
    const { host } = await start();
    const killed = host.kill();
    await host.run('tick');
    await killed;
  });
});
