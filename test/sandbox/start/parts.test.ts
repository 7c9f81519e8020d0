import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArguments } from '../../../sandbox/start/arguments.ts';
import { Closers } from '../../../sandbox/start/closers.ts';
import {
  foreignLocalSettings,
  removeLocalSettings,
  writeLocalSettings,
} from '../../../sandbox/start/local-settings.ts';
import { writeTrustFiles } from '../../../sandbox/start/trust.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outlook-sandbox-test-'));
});

afterAll(() => rm(folder, { recursive: true }));

describe('arguments', () => {
  it('have defaults', () => {
    expect(readArguments([], {})).toEqual({ json: false, host: true, help: false });
  });

  it('are read from the command line and the environment', () => {
    expect(readArguments(['--json', '--no-host', '--workers', '3'], { SANDBOX_REDELIVERY_SECONDS: '5' })).toEqual({
      json: true,
      host: false,
      help: false,
      workers: 3,
      redeliverySeconds: 5,
    });
  });

  it.each([[['--workers', '0']], [['--workers', 'x']], [['--nohost']], [['extra']]])('%j are refused', (argv) => {
    expect(() => readArguments(argv, {})).toThrow();
  });

  it('name the variable that is wrong', () => {
    expect(() => readArguments([], { SANDBOX_REDELIVERY_SECONDS: '1.5' })).toThrow('SANDBOX_REDELIVERY_SECONDS');
  });
});

describe('local.settings.json', () => {
  it('is removed with the sandbox that it names, unless it is a developer’s own', async () => {
    const file = join(folder, 'removed.settings.json');
    await writeLocalSettings(file, { KEY: '1' }, 'http://localhost:4280');
    await removeLocalSettings(file);
    await expect(stat(file)).rejects.toThrow('ENOENT');
    await removeLocalSettings(file);
    await writeFile(file, '{"Values":{}}');
    await removeLocalSettings(file);
    expect((await stat(file)).isFile()).toBe(true);
  });

  it('is written for other hosts, readable by its owner only, and may be written again', async () => {
    const file = join(folder, 'local.settings.json');
    for (const value of ['1', '2']) await writeLocalSettings(file, { KEY: value }, 'http://localhost:4280');
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      WrittenBySandbox: true,
      IsEncrypted: false,
      Values: { FUNCTIONS_WORKER_RUNTIME: 'node', KEY: '2' },
      Host: { LocalHttpPort: 7071, CORS: 'http://localhost:4280', CORSCredentials: false },
    });
    if (process.platform !== 'win32') expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it.each(['{"IsEncrypted":false}', 'not JSON', '{"WrittenBySandbox":"true"}', 'null'])(
    'is not overwritten when it holds %s',
    async (content) => {
      const file = join(folder, 'foreign.json');
      await writeFile(file, content);
      expect(await foreignLocalSettings(file)).toContain(file);
      await expect(writeLocalSettings(file, {}, '')).rejects.toThrow('was not written by the sandbox');
      expect(await readFile(file, 'utf8')).toBe(content);
    },
  );
});

describe('trust', () => {
  it('keeps the authorities that a developer has already', async () => {
    const own = join(folder, 'own.pem');
    await writeFile(own, 'OWN\n');
    const { certificate, forFunctions } = await writeTrustFiles(folder, 'OURS\n', own);
    expect(await readFile(certificate, 'utf8')).toBe('OURS\n');
    expect(await readFile(forFunctions, 'utf8')).toBe('OURS\nOWN\n');
  });

  it('needs one file when there are none', async () => {
    const { certificate, forFunctions } = await writeTrustFiles(folder, 'OURS\n', undefined);
    expect(forFunctions).toBe(certificate);
  });
});

describe('closers', () => {
  it('close everything in reverse order, whatever fails', async () => {
    const closed: string[] = [];
    const closers = new Closers();
    const started = (name: string) => ({ close: () => void closed.push(name) });
    await closers.keep(Promise.resolve(started('first')));
    await expect(closers.keep(Promise.reject(new Error('did not start')))).rejects.toThrow('did not start');
    await closers.keep(Promise.resolve({ close: () => Promise.reject(new Error('does not close')) }));
    await closers.keep(Promise.resolve(started('last')));
    await expect(closers.close()).rejects.toThrow('does not close');
    expect(closed).toEqual(['last', 'first']);
    await closers.close();
    expect(closed).toHaveLength(2);
  });
});
