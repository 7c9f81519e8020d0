import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../bench/kit/apps.ts';
import { Feeder } from '../../bench/kit/feeder.ts';
import { Stage } from '../../bench/kit/stage.ts';
import { QUEUES } from '../../shared/storage-names.ts';

/** More than are in flight at once, so that no two mails of a mailbox meet. */
const CONNECTIONS = 50;

let stage: Stage;
let feeder: Feeder;

/** Sends up to the n-th mail, each mailbox in turn, and waits until the functions have ended. */
async function send(upTo: number): Promise<void> {
  feeder.start(upTo);
  await feeder.done();
  await feeder.untilDone(upTo);
}

beforeAll(async () => {
  stage = await Stage.set({ connections: CONNECTIONS });
  feeder = new Feeder(stage);
  await stage.worker.call('start', ROOT);
});
afterAll(async () => {
  await feeder?.stop();
  await stage?.close();
});

describe('what a mail costs, counted where the requests arrive', () => {
  it('two mails of each mailbox, from a cold start: one vault read and one token call a mailbox, and one read for the application', async () => {
    await send(2 * CONNECTIONS);
    const { microsoft } = await stage.counts();
    expect(microsoft.accepted).toBe(2 * CONNECTIONS);
    expect(microsoft.vaultReads).toBeLessThanOrEqual(CONNECTIONS + 1);
    expect(microsoft.tokens).toBeLessThanOrEqual(CONNECTIONS);
    expect(microsoft.vaultWrites).toBe(0);
  });

  it('after that, one by one: two table requests and one call of Graph, nothing of the vault, of tokens or of our queues', async () => {
    const [before, mails] = [await stage.counts(), 10];
    for (let n = 1; n <= mails; n += 1) await send(2 * CONNECTIONS + n);
    const after = await stage.counts();
    expect(after.microsoft).toEqual({ ...before.microsoft, accepted: before.microsoft.accepted + mails });
    const since = (service: 'table' | 'queue' | 'blob', counts: (key: string) => boolean) =>
      Object.entries(after.storage[service])
        .filter(([key]) => counts(key))
        .reduce((sum, [key, count]) => sum + count - (before.storage[service][key] ?? 0), 0);
    expect(since('table', () => true)).toBe(2 * mails);
    expect(since('blob', () => true)).toBe(0);
    // Puts on the mail queue are the producer's; the rest is the host's: receiving, deleting, looking for poison.
    expect(since('queue', (key) => key.startsWith('POST ') && !key.endsWith(`/${QUEUES.mail}`))).toBe(0);
  });
});
