import { AsyncLocalStorage } from 'node:async_hooks';
import type { FakeApp } from '../../fakes/app.ts';
import { unhook } from './crash.ts';

/** Who is to make the next request, of those that wait to make one. */
export type Pick = (waiting: readonly number[]) => number;

const actor = new AsyncLocalStorage<number>();

/**
 * Runs actions side by side, one request to table or vault at a time, in the order that `pick` says.
 * @returns how many requests each of them made
 */
export async function interleaved(
  fake: FakeApp,
  actions: readonly (() => Promise<unknown>)[],
  pick: Pick,
): Promise<readonly number[]> {
  const gates: (() => void)[][] = actions.map(() => []);
  const requests = actions.map(() => 0);
  const point = async () => {
    const me = actor.getStore();
    if (me === undefined) return;
    await new Promise<void>((go) => gates[me]?.push(go));
  };
  for (const table of [fake.links, fake.connections, fake.applications, fake.mails]) table.before = point;
  fake.secrets.before = point;
  let running = actions.length;
  const failures: unknown[] = [];
  for (const [me, action] of actions.entries()) {
    void actor
      .run(me, action)
      .catch((error: unknown) => failures.push(error))
      .finally(() => {
        running -= 1;
      });
  }
  for (;;) {
    // Everything that can go on without a request has gone on by then.
    await new Promise(setImmediate);
    if (running === 0) break;
    const waiting = gates.flatMap((parked, index) => (parked.length > 0 ? [index] : []));
    if (waiting.length === 0) throw new Error('nobody waits, and somebody runs');
    const chosen = pick(waiting);
    requests[chosen] = (requests[chosen] ?? 0) + 1;
    gates[chosen]?.shift()?.();
  }
  unhook(fake);
  if (failures.length > 0) throw failures[0];
  return requests;
}

/** The first makes some requests, then the second, and so on round; when the list is over, each goes on to its end. */
export function inTurns(turns: readonly (readonly [actor: number, requests: number])[]): Pick {
  const left = turns.map(([who, count]) => ({ who, count }));
  return (waiting) => {
    for (let turn = left[0]; turn; turn = left[0]) {
      if (turn.count > 0 && waiting.includes(turn.who)) {
        turn.count -= 1;
        return turn.who;
      }
      left.shift();
    }
    return waiting[0] ?? 0;
  };
}
