import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../../sandbox/kit/journal.ts';
import type { Sandbox } from '../../sandbox/start.ts';

const GRAPH = { match: { path: '/me/sendMail' } } as const;
const busy = { error: { code: 'ErrorServerBusy', message: 'busy' } };

/** What Graph does now and then. Half of the answers that are lost come after the mail was taken. */
const GRAPH_FAULTS: readonly Fault[] = [
  {
    ...GRAPH,
    status: 429,
    headers: { 'retry-after': '1' },
    body: { error: { code: 'TooManyRequests', message: 'slow down' } },
  },
  { ...GRAPH, status: 503, headers: { 'retry-after': '1' }, body: busy },
  { ...GRAPH, status: 503, body: '<html>unavailable</html>' },
  { ...GRAPH, status: 504, body: { error: { code: 'UnknownError', message: 'timeout' } }, taken: true },
  { ...GRAPH, status: 504, body: { error: { code: 'UnknownError', message: 'timeout' } } },
  { ...GRAPH, drop: 'before' },
  { ...GRAPH, drop: 'after' },
  { ...GRAPH, delayMs: 900 },
];

export interface Trouble {
  /** Workers killed so far. */
  kills(): number;
  /** Stops making trouble and lets everybody recover. */
  end(): Promise<void>;
}

/**
 * Makes trouble until told to end: kills workers at random moments, mixes faults into Graph's answers, and lets the
 * vault and the token endpoint fail for stretches.
 */
export function makeTrouble(sandbox: Sandbox, random: () => number, kills: number): Trouble {
  let running = true;
  let killed = 0;
  const host = sandbox.host;
  if (!host) throw new Error('chaos needs the local host');
  const between = (low: number, high: number) => low + random() * (high - low);

  const killing = async () => {
    while (running && killed < kills) {
      await sleep(between(200, 900));
      if (!running) return;
      const worker = host.workers[Math.floor(random() * host.workers.length)];
      if (!worker) continue;
      killed += 1;
      await host.kill(worker.id);
    }
  };
  const faulting = async () => {
    while (running) {
      // Faults that nobody has met yet wait for the next requests: piled up, they would be all that Graph ever answers.
      const waiting = sandbox.graph.journal.faults.filter(({ left }) => left > 0).length;
      const burst = waiting > 0 ? 0 : Math.floor(between(1, 4));
      const faults = Array.from(
        { length: burst },
        () => GRAPH_FAULTS[Math.floor(random() * GRAPH_FAULTS.length)] ?? {},
      );
      sandbox.graph.journal.addFaults(faults);
      await sleep(between(60, 250));
    }
  };
  const outages = async () => {
    while (running) {
      await sleep(between(1_500, 4_000));
      if (!running) return;
      const standIn = random() < 0.5 ? sandbox.keyVault : sandbox.identity;
      const path = standIn === sandbox.keyVault ? '/secrets' : '/token';
      standIn.journal.addFaults([
        { match: { path }, times: 1_000_000, status: 503, headers: { 'retry-after': '1' }, body: {} },
      ]);
      await sleep(between(500, 1_500));
      standIn.journal.faults.splice(0);
    }
  };
  const all = Promise.all([killing(), faulting(), outages()]);
  return {
    kills: () => killed,
    end: async () => {
      running = false;
      await all;
      for (const standIn of [sandbox.graph, sandbox.keyVault, sandbox.identity]) standIn.journal.faults.splice(0);
    },
  };
}
