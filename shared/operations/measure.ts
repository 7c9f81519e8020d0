import { HOUR, MINUTE } from '../clock.ts';
import type { Invocation } from '../log.ts';
import { CONTAINERS, POISON_QUEUES, QUEUES } from '../storage-names.ts';
import type { OperationsDeps } from './deps.ts';
import { type Figures, TROUBLE_DAYS } from './figures.ts';

/** Rejected messages are counted up to here, which is one request. */
const MOST_REJECTED = 5_000;
/** So many connections may be counted for each minute since they were counted last. */
const COUNTED_PER_MINUTE = 1_000;

/**
 * Every five minutes: how deep queues are and how old what lies in them, how connections are, what was rejected. Logs
 * `measure.done` last, and only when everything was measured: its absence is the alert.
 *
 * What it costs, whatever the number of connections: two requests for each of the queues, one for rejected mail, one for
 * the last count. Connections are counted anew, with one request for a thousand, once a minute has passed for each
 * thousand, after an hour at the latest: about a request a minute up to 60,000 connections, and 2,400 a day at 100,000.
 * Lanes are not read, they lie among all the mail: a gate is where its connection's status says, but for the moment
 * between two writes, and the daily check sees to that.
 */
export async function measure(deps: OperationsDeps, { log }: Invocation): Promise<void> {
  const started = deps.clock.monotonic();
  const parts: Readonly<Record<string, () => Promise<void>>> = {
    queues: async () => {
      for (const queue of [...Object.values(QUEUES), ...POISON_QUEUES]) {
        const depth = await deps.queues.depth(queue);
        const oldest = depth === 0 ? undefined : await deps.queues.oldest(queue);
        const age = oldest ? Math.max(0, deps.clock.now().getTime() - oldest.getTime()) : 0;
        log.event('measure.queue', { queue, depth, oldestSeconds: Math.round(age / 1000) });
      }
    },
    rejected: async () => {
      const names = await deps.blobs.list(CONTAINERS.rejected, '', MOST_REJECTED);
      log.event('measure.rejected', { count: names.length });
    },
    connections: async () => {
      const { byStatus, trouble } = await figures(deps);
      for (const [status, count] of Object.entries(byStatus)) {
        log.event('measure.connections', { status, count });
        log.event('measure.lanes', { gate: gateOf(status), count });
      }
      for (const days of TROUBLE_DAYS) log.event('measure.trouble', { within: `${days}d`, count: trouble[days] });
    },
  };
  let complete = true;
  for (const [part, run] of Object.entries(parts)) {
    try {
      await run();
    } catch (error) {
      log.failure('measure.failed', error, { part });
      complete = false;
    }
  }
  if (complete) log.event('measure.done', { durationMs: Math.round(deps.clock.monotonic() - started) });
}

function gateOf(status: string): string {
  return status === 'connected' ? 'open' : status === 'removing' ? 'removed' : status;
}

async function figures(deps: OperationsDeps): Promise<Figures> {
  const now = deps.clock.now();
  const last = await deps.figures.last();
  if (last) {
    const keepMs = Math.min(HOUR, (last.connections / COUNTED_PER_MINUTE) * MINUTE);
    if (now.getTime() - last.countedAt.getTime() < keepMs) return last;
  }
  return deps.figures.count(now);
}
