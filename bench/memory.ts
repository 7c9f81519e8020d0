import { ROOT } from './kit/apps.ts';
import { Feeder } from './kit/feeder.ts';
import type { BenchOptions } from './kit/options.ts';
import { Stage } from './kit/stage.ts';
import { rounded } from './kit/statistics.ts';
import type { Usage } from './processes/worker.ts';
import type { Report } from './report/report.ts';

export interface MemoryRow {
  /** Mails sent so far, by one process. */
  readonly mails: number;
  /** After a garbage collection. */
  readonly heapMb: number;
  readonly rssMb: number;
}

const SAMPLES = 10;
const MAILBOXES = 1_000;

/** Memory of one process over many mails. What is kept per mailbox has come in full when the first sample is taken. */
export async function benchMemory({ quick, say }: BenchOptions): Promise<readonly MemoryRow[]> {
  const mails = quick ? 3_000 : 50_000;
  const stage = await Stage.set({ connections: MAILBOXES });
  const feeder = new Feeder(stage);
  const rows: MemoryRow[] = [];
  try {
    await stage.worker.call('start', ROOT);
    feeder.start(mails);
    for (let n = 1; n <= SAMPLES; n += 1) {
      await feeder.until((mails / SAMPLES) * n);
      const { heapMb, rssMb } = await stage.worker.call<Usage>('usage');
      rows.push({ mails: (mails / SAMPLES) * n, heapMb: rounded(heapMb), rssMb: rounded(rssMb) });
      say(JSON.stringify(rows.at(-1)));
    }
    return rows;
  } finally {
    await feeder.stop();
    await stage.close();
  }
}

export function memoryReport(rows: readonly MemoryRow[]): Report {
  const settled = rows.slice(2).map(({ heapMb }) => heapMb);
  return {
    goals: [
      {
        what: 'Largest heap against the smallest, once every mailbox was met twice',
        measured: Math.max(...settled) / Math.min(...settled),
        atMost: 1.1,
      },
    ],
    columns: ['mails sent', 'heap, MB', 'resident, MB'],
    rows: rows.map(({ mails, heapMb, rssMb }) => [mails.toLocaleString('en-US'), heapMb, rssMb]),
    chart: {
      title: 'Memory of one process',
      unit: 'MB of heap after a garbage collection',
      groups: [
        {
          name: 'Mails sent',
          bars: rows.map(({ mails, heapMb }) => ({ label: mails.toLocaleString('en-US'), value: heapMb })),
        },
      ],
    },
  };
}
