import type { StorageCounts } from '../sandbox/storage/counts.ts';
import { QUEUES } from '../shared/storage-names.ts';
import { ROOT } from './kit/apps.ts';
import { Feeder } from './kit/feeder.ts';
import type { BenchOptions } from './kit/options.ts';
import { type MicrosoftCounts, Stage } from './kit/stage.ts';
import { rounded } from './kit/statistics.ts';
import type { Report } from './report/report.ts';

/** Requests of one phase, divided by its mails. */
export interface RequestsRow {
  readonly phase: string;
  /** Accepted in it. */
  readonly mails: number;
  readonly graph: number;
  readonly token: number;
  readonly vaultRead: number;
  readonly vaultWrite: number;
  readonly table: number;
  /** Ours: events and tickets. */
  readonly queue: number;
  /** The host's: receiving and deleting messages. */
  readonly hostQueue: number;
}

export interface RequestsResult {
  readonly connections: number;
  readonly rows: readonly RequestsRow[];
  /** Over the whole run, from a cold start. */
  readonly totals: MicrosoftCounts;
  readonly withinBudget: boolean;
}

/** Requests per mail, counted where they arrive: from a cold start of one worker, and once everything is known. */
export async function benchRequests({ quick, say }: BenchOptions): Promise<RequestsResult> {
  const [connections, mails] = quick ? [100, 1_000] : [1_000, 10_000];
  const stage = await Stage.set({ connections });
  const feeder = new Feeder(stage);
  try {
    const before = await stage.counts();
    await stage.worker.call('start', ROOT);
    feeder.start(mails);
    // A fifth of the mails: each connection is met for the first time, twice over.
    await feeder.untilDone(mails / 5);
    const warm = await stage.counts();
    await feeder.until(mails);
    await feeder.untilDone(mails);
    const after = await stage.counts();
    const rows = [rowOf('cold start', before, warm), rowOf('afterwards', warm, after)];
    const { microsoft: totals } = after;
    say(`${connections} connections, ${mails} mails: ${JSON.stringify(totals)}`);
    const withinBudget =
      totals.vaultReads <= connections + 1 && totals.tokens <= connections && totals.vaultWrites === 0;
    return { connections, rows, totals, withinBudget };
  } finally {
    await feeder.stop();
    await stage.close();
  }
}

interface Counts {
  readonly microsoft: MicrosoftCounts;
  readonly storage: StorageCounts;
}

function rowOf(phase: string, from: Counts, to: Counts): RequestsRow {
  const of = (name: keyof MicrosoftCounts) => to.microsoft[name] - from.microsoft[name];
  const mails = of('accepted');
  const storage = (service: 'table' | 'queue', counts: (key: string) => boolean) => {
    const sum = (all: StorageCounts) =>
      Object.entries(all[service]).reduce((total, [key, count]) => total + (counts(key) ? count : 0), 0);
    return rounded((sum(to.storage) - sum(from.storage)) / mails);
  };
  const isPut = (key: string) => key.startsWith('POST ');
  const isOfMail = (key: string) => key.endsWith(`/${QUEUES.mail}`);
  return {
    phase,
    mails,
    graph: 1,
    token: rounded(of('tokens') / mails),
    vaultRead: rounded(of('vaultReads') / mails),
    vaultWrite: rounded(of('vaultWrites') / mails),
    table: storage('table', () => true),
    // What is put on the mail queue is the feeder's.
    queue: storage('queue', (key) => isPut(key) && !isOfMail(key)),
    hostQueue: storage('queue', (key) => !isPut(key) && isOfMail(key)),
  };
}

export function requestsReport({ rows }: RequestsResult): Report {
  const kinds = ['graph', 'token', 'vaultRead', 'vaultWrite', 'table', 'queue', 'hostQueue'] as const;
  const names = ['Graph', 'token endpoint', 'vault reads', 'vault writes', 'tables', 'our queues', 'the host’s queue'];
  return {
    columns: ['phase', 'mails', ...names],
    rows: rows.map((row) => [row.phase, row.mails.toLocaleString('en-US'), ...kinds.map((kind) => row[kind])]),
    chart: {
      title: 'Requests',
      unit: 'per mail',
      groups: rows.map((row) => ({
        name: row.phase,
        bars: kinds.map((kind, n) => ({ label: names[n] ?? kind, value: row[kind] })),
      })),
    },
  };
}
