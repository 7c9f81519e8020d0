import { setTimeout as delay } from 'node:timers/promises';
import type { StorageCounts } from '../sandbox/storage/counts.ts';
import { MINUTE } from '../shared/clock.ts';
import { QUEUES } from '../shared/storage-names.ts';
import { ROOT } from './kit/apps.ts';
import { Feeder } from './kit/feeder.ts';
import type { BenchOptions } from './kit/options.ts';
import { type MicrosoftCounts, Stage } from './kit/stage.ts';
import { rounded } from './kit/statistics.ts';
import type { Report } from './report/report.ts';

/** Requests of one phase, divided by what was done in it. */
export interface RequestsRow {
  readonly phase: 'first mail of a mailbox' | 'every further mail' | 'daily check of a connection';
  /** Mails that were accepted, or checks. */
  readonly done: number;
  readonly graph: number;
  readonly token: number;
  readonly vaultRead: number;
  readonly vaultWrite: number;
  readonly table: number;
  /** Ours: events, tickets, checks. What producers put on the mail queue is not counted. */
  readonly queue: number;
  /** The host's: receiving and deleting the messages of this work. Looking at empty queues is not counted. */
  readonly hostQueue: number;
}

export interface RequestsResult {
  readonly connections: number;
  readonly rows: readonly RequestsRow[];
  /** Of all the mails, from a cold start. */
  readonly totals: MicrosoftCounts;
  readonly withinBudget: boolean;
}

interface Counts {
  readonly microsoft: MicrosoftCounts;
  readonly storage: StorageCounts;
}

/** Requests, counted where they arrive: of mail from a cold start of one process, and of the daily checks. */
export async function benchRequests({ quick, say }: BenchOptions): Promise<RequestsResult> {
  const connections = quick ? 100 : 1_000;
  const { rows, totals } = await mailRows(connections, connections * 10);
  say(`${connections} connections, ${connections * 10} mails: ${JSON.stringify(totals)}`);
  const withinBudget = totals.vaultReads <= connections + 1 && totals.tokens <= connections && totals.vaultWrites === 0;
  return { connections, rows: [...rows, await checkRow(connections)], totals, withinBudget };
}

async function mailRows(connections: number, mails: number) {
  const stage = await Stage.set({ connections });
  const feeder = new Feeder(stage);
  const send = async (upTo: number) => {
    feeder.start(upTo);
    await feeder.done();
    await feeder.untilDone(upTo);
    return stage.counts();
  };
  try {
    const before = await stage.counts();
    await stage.worker.call('start', ROOT);
    const first = await send(connections);
    const all = await send(mails);
    const rows = [
      rowOf('first mail of a mailbox', connections, QUEUES.mail, before, first),
      rowOf('every further mail', mails - connections, QUEUES.mail, first, all),
    ];
    return { rows, totals: all.microsoft };
  } finally {
    await feeder.stop();
    await stage.close();
  }
}

/** All connections are due at once, in a process that knows nothing: no mail has proven a token today. */
async function checkRow(connections: number): Promise<RequestsRow> {
  const stage = await Stage.set({ connections, checkInMs: -MINUTE });
  try {
    const before = await stage.counts();
    await stage.worker.call('start', ROOT);
    await stage.worker.call('runTimer', 'connections-scan');
    for (;;) {
      const after = await stage.counts();
      const done = after.storage.queue[`DELETE /${QUEUES.checks}`] ?? 0;
      if (done >= connections) return rowOf('daily check of a connection', connections, QUEUES.checks, before, after);
      await delay(100);
    }
  } finally {
    await stage.close();
  }
}

function rowOf(phase: RequestsRow['phase'], done: number, work: string, from: Counts, to: Counts): RequestsRow {
  const per = (count: number) => rounded(count / done);
  const of = (name: keyof MicrosoftCounts) => per(to.microsoft[name] - from.microsoft[name]);
  const storage = (service: 'table' | 'queue', counts: (method: string, name: string) => boolean) => {
    const sum = (all: StorageCounts) =>
      Object.entries(all[service]).reduce((total, [key, count]) => {
        const [method = '', name = ''] = key.split(' /');
        return total + (counts(method, name) ? count : 0);
      }, 0);
    return per(sum(to.storage) - sum(from.storage));
  };
  return {
    phase,
    done,
    graph: of('accepted'),
    token: of('tokens'),
    vaultRead: of('vaultReads'),
    vaultWrite: of('vaultWrites'),
    table: storage('table', () => true),
    queue: storage('queue', (method, name) => method === 'POST' && name !== QUEUES.mail),
    hostQueue: storage('queue', (method, name) => method !== 'POST' && name === work),
  };
}

export function requestsReport({ rows }: RequestsResult): Report {
  const kinds = ['graph', 'token', 'vaultRead', 'vaultWrite', 'table', 'queue', 'hostQueue'] as const;
  const names = ['Graph', 'token endpoint', 'vault reads', 'vault writes', 'tables', 'our queues', 'the host’s queue'];
  const [first, further] = rows;
  return {
    goals: [
      { what: 'Vault reads of a mailbox from a cold start', measured: first?.vaultRead ?? Number.NaN, atMost: 1.01 },
      { what: 'Token calls of a mailbox from a cold start', measured: first?.token ?? Number.NaN, atMost: 1 },
      { what: 'Table requests of every further mail', measured: further?.table ?? Number.NaN, atMost: 5 },
    ],
    columns: ['requests per', 'counted', ...names],
    rows: rows.map((row) => [row.phase, row.done.toLocaleString('en-US'), ...kinds.map((kind) => row[kind])]),
    chart: {
      title: 'Requests',
      unit: 'per mail or check',
      groups: rows.map((row) => ({
        name: row.phase,
        bars: kinds.map((kind, n) => ({ label: names[n] ?? kind, value: row[kind] })),
      })),
    },
  };
}
