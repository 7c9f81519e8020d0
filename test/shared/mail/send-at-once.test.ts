import { beforeEach, describe, expect, test } from 'vitest';
import { MINUTE } from '../../../shared/clock.ts';
import { pauseConnection } from '../../../shared/connections/change-connection.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { MailWorld } from './support.ts';

let world: MailWorld;

/** A mailbox through which this very instance sent a mail a moment ago. */
beforeEach(async () => {
  world = await MailWorld.create();
  await world.deliver(world.message({ mailId: 'before' }));
  world.mails.requests = 0;
});

const next = (fields: Record<string, unknown> = {}) => world.deliver(world.message(fields));

describe('a mailbox that sent a moment ago', () => {
  test('takes the next mail in and sends it with two requests to the table, one after the other', async () => {
    await next();
    expect(world.mails.requests).toBe(2);
    await next({ mailId: 'mail-2' });
    expect(world.mails.requests).toBe(4);
    expect(await world.record()).toMatchObject({ state: 'accepted', attempts: 1, graph: { status: 202 } });
    expect(await world.record('mail-2')).toMatchObject({ state: 'accepted', attempts: 1 });
    expect(world.graph.posted).toHaveLength(3);
  });

  test('sends the same message once, however often it comes', async () => {
    await Promise.all(Array.from({ length: 20 }, () => next()));
    await world.deliverTickets();
    expect(world.graph.posted).toHaveLength(2);
  });

  test('leaves an id that was used alone', async () => {
    await next({ mailId: 'before', subject: 'Another' });
    expect(world.graph.posted).toHaveLength(1);
    expect(world.told()).toEqual(['mail.rejected']);
  });

  test.each([
    [
      'paused',
      async () => pauseConnection(world.app.connections, 'acme', world.connection.connectionId, world.invocation()),
    ],
    ['unlinked', async () => world.app.mail.lanes.setGate(world.connection.connectionId, { to: () => 'removed' })],
  ] as const)('sends nothing more once it is %s, whatever an instance remembers', async (_what, change) => {
    await change();
    await next();
    expect(world.graph.posted).toHaveLength(1);
    expect((await world.record()).state).toMatch(/^(held|cancelled)$/);
  });

  test('keeps its pace', async () => {
    world = await MailWorld.create({ MAIL_PER_MINUTE: '30' });
    for (let n = 0; n < 12; n += 1) await next({ mailId: `mail-${n}` });
    expect(world.graph.posted).toHaveLength(10);
    expect(await world.record('mail-11')).toMatchObject({ state: 'waiting', reason: 'paced' });
  });

  test('waits when Graph throttles it, as any other', async () => {
    world.graph.answers.push({ kind: 'answer', status: 429, retryAfter: '60' });
    await next();
    await next({ mailId: 'mail-2' });
    expect(world.graph.posted).toHaveLength(2);
    expect(await world.record('mail-2')).toMatchObject({ state: 'waiting', reason: 'throttled' });
    world.clock.advance(MINUTE);
    await world.deliverTickets();
    expect(world.graph.posted).toHaveLength(4);
  });

  test.each(['before', 'after'] as const)(
    'sends the mail once when storage fails %s the claim took effect',
    async (when) => {
      let failed = false;
      const fail = () => {
        if (failed) return;
        failed = true;
        throw new StoreUnavailable('table storage');
      };
      if (when === 'before') world.mails.before = ({ kind }) => void (kind === 'write' && fail());
      else world.mails.after = fail;
      await next();
      expect(failed).toBe(true);
      await world.deliverTickets();
      expect(await world.record()).toMatchObject({ state: 'accepted', attempts: expect.any(Number) });
      expect(world.graph.posted).toHaveLength(2);
    },
  );

  test('of another instance is read as usual', async () => {
    world.app = world.compose();
    await next();
    expect(world.mails.requests).toBe(4);
  });

  test('with mail for later, or too late, goes the usual way', async () => {
    const at = (ms: number) => new Date(world.clock.now().getTime() + ms).toISOString();
    await next({ sendAt: at(10 * MINUTE) });
    await next({ mailId: 'late', expiresAt: at(-MINUTE) });
    await world.deliverTickets(1);
    expect(await world.record('late')).toMatchObject({ state: 'expired' });
    expect(world.graph.posted).toHaveLength(2);
  });
});
