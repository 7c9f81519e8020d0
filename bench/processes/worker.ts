/** One instance of a function app, in a process of its own, under the sandbox's worker: what is measured. */
import { startWorker, type Worker } from '../../sandbox/host/worker.ts';
import { serveMethods } from '../kit/serve-methods.ts';

export interface Usage {
  /** CPU seconds since the process started. */
  readonly cpu: number;
  readonly rssMb: number;
  /** After a garbage collection. */
  readonly heapMb: number;
  /** Log lines of executions that failed. */
  readonly failed: number;
}

const MEGABYTE = 1024 * 1024;
let worker: Worker | undefined;
let failed = 0;

serveMethods({
  start: async (appDir: string) => {
    const write = (line: string) => {
      if (/^Executed .*\(Failed/.test(line)) failed += 1;
    };
    const options = { appDir, functionKey: 'bench', masterKey: 'bench-master' };
    worker = await startWorker(options, { write, requestTimer: () => {} });
    return worker.port;
  },
  cpu: () => cpuSeconds(),
  failed: () => failed,
  runTimer: async (name: string) => {
    const started = performance.now();
    await worker?.runTimer(name, { Schedule: { AdjustForDST: true }, IsPastDue: false } as never);
    return performance.now() - started;
  },
  usage: (): Usage => {
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    return { cpu: cpuSeconds(), rssMb: rss / MEGABYTE, heapMb: heapUsed / MEGABYTE, failed };
  },
});

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}
