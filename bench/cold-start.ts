import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../tools/bundle.ts';
import { appFolder, buildApp, CACHE, ROOT } from './kit/apps.ts';
import { Feeder } from './kit/feeder.ts';
import type { BenchOptions } from './kit/options.ts';
import { Stage } from './kit/stage.ts';
import { median, rounded } from './kit/statistics.ts';
import type { Report } from './report/report.ts';

export interface ColdStartRow {
  readonly app: string;
  /** Importing the app, in a fresh process. */
  readonly importMs: number;
  /** From starting the process to the answer of `GET /api/health`. */
  readonly firstAnswerMs: number;
  /** From starting the process to Graph's first 202, with the mail waiting on the queue; the bench's worker included. */
  readonly firstMailMs?: number;
  readonly rounds: readonly { readonly importMs: number; readonly firstAnswerMs: number }[];
}

export interface ColdStartResult {
  readonly rows: readonly ColdStartRow[];
  readonly bundleMb: number;
}

/** Cold start: the bundle, the same code without bundling, and the least function app there is. */
export async function benchColdStart({ quick, say }: BenchOptions): Promise<ColdStartResult> {
  const program = join(CACHE, 'cold-worker/index.js');
  await bundle(join(ROOT, 'bench/processes/cold-worker.ts'), join(CACHE, 'cold-worker'));
  const apps = { bundle: ROOT, 'no bundle': unbundled(), 'hello world': await buildApp('hello') };
  const stage = await Stage.set({ connections: 1 });
  const rounds = new Map(Object.keys(apps).map((name) => [name, [] as { importMs: number; firstAnswerMs: number }[]]));
  for (let n = 0; n < (quick ? 5 : 21); n += 1) {
    const order = n % 2 === 0 ? Object.entries(apps) : Object.entries(apps).reverse();
    for (const [name, folder] of order) rounds.get(name)?.push(await firstAnswer(program, folder, stage.environment));
  }
  await stage.close();
  const rows: ColdStartRow[] = [];
  for (const [app, own] of rounds) {
    const folder = apps[app as keyof typeof apps];
    const mails = app === 'hello world' ? [] : await firstMails(folder, quick ? 1 : 5);
    const row = {
      app,
      importMs: rounded(median(own.map(({ importMs }) => importMs))),
      firstAnswerMs: rounded(median(own.map(({ firstAnswerMs }) => firstAnswerMs))),
      ...(mails.length > 0 && { firstMailMs: rounded(median(mails)) }),
      rounds: own,
    };
    rows.push(row);
    say(`${app}: import ${row.importMs} ms, first answer ${row.firstAnswerMs} ms, first mail ${row.firstMailMs} ms`);
  }
  return { rows, bundleMb: rounded(statSync(join(ROOT, 'dist/index.js')).size / 1_000_000) };
}

/** The product as the TypeScript compiler leaves it: a file per file, packages from node_modules. */
function unbundled(): string {
  const folder = appFolder('unbundled', 'functions/index.js');
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: { noEmit: false, rootDir: ROOT, outDir: folder, rewriteRelativeImportExtensions: true },
    files: [join(ROOT, 'functions/index.ts')],
    include: [],
  };
  const file = join(CACHE, 'tsconfig.json');
  writeFileSync(file, JSON.stringify(config));
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', file], { stdio: 'inherit' });
  return folder;
}

async function firstAnswer(program: string, folder: string, environment: Readonly<Record<string, string>>) {
  const started = performance.now();
  const child = fork(program, [folder], { env: { ...environment, PATH: process.env['PATH'] }, execArgv: [] });
  try {
    const [{ importMs, port }] = (await once(child, 'message')) as [{ importMs: number; port: number }];
    const response = await fetch(`http://127.0.0.1:${port}/api/health`);
    await response.text();
    if (response.status !== 200) throw new Error(`GET health answered ${response.status}`);
    return { importMs, firstAnswerMs: performance.now() - started };
  } finally {
    child.kill();
    await once(child, 'exit');
  }
}

async function firstMails(folder: string, times: number): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < times; n += 1) {
    const stage = await Stage.set({ connections: 1 });
    const feeder = new Feeder(stage);
    try {
      feeder.start(1);
      await feeder.done();
      const started = performance.now();
      await stage.worker.call('start', folder);
      await feeder.until(1);
      took.push(performance.now() - started);
    } finally {
      await stage.close();
    }
  }
  return took;
}

export function coldStartReport({ rows }: ColdStartResult): Report {
  const of = (app: string, key: 'importMs' | 'firstAnswerMs') =>
    rows.find((row) => row.app === app)?.[key] ?? Number.NaN;
  return {
    goals: [
      {
        what: 'Import, of the unbundled time',
        measured: of('bundle', 'importMs') / of('no bundle', 'importMs'),
        atMost: 0.4,
      },
      {
        what: 'First answer, of hello world’s',
        measured: of('bundle', 'firstAnswerMs') / of('hello world', 'firstAnswerMs'),
        atMost: 1.5,
      },
    ],
    columns: ['app', 'import, ms', 'first answer, ms', 'first mail, ms', 'rounds, first answer'],
    rows: rows.map(({ app, importMs, firstAnswerMs, firstMailMs, rounds }) => [
      app,
      importMs,
      firstAnswerMs,
      firstMailMs ?? Number.NaN,
      rounds.map((round) => Math.round(round.firstAnswerMs)).join(', '),
    ]),
    chart: {
      title: 'Cold start',
      unit: 'milliseconds',
      groups: rows.map(({ app, importMs, firstAnswerMs, firstMailMs }) => ({
        name: app,
        bars: [
          { label: 'import', value: importMs },
          { label: 'first answer', value: firstAnswerMs },
          ...(firstMailMs === undefined ? [] : [{ label: 'first mail', value: firstMailMs }]),
        ],
      })),
    },
  };
}
