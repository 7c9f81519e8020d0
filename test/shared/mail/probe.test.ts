import { beforeEach, describe, expect, test } from 'vitest';
import { HOUR, MINUTE } from '../../../shared/clock.ts';
import { acceptTicket } from '../../../shared/mail/accept-ticket.ts';
import { QUEUES } from '../../../shared/storage-names.ts';
import { MailWorld } from './support.ts';

let world: MailWorld;
const NO_MAILBOX = { kind: 'answer', status: 404, code: 'MailboxNotEnabledForRESTAPI' } as const;

beforeEach(async () => {
  world = await MailWorld.create();
  world.graph.answers.push(NO_MAILBOX);
  await world.deliver(world.message());
});

/** A ticket, as old ones may lie about. */
async function ticket(): Promise<void> {
  const { customerId, connectionId } = world.connection;
  const id = `ticket-${world.clock.now().getTime()}`;
  await acceptTicket(world.app.mail, { v: 1, customerId, connectionId }, world.delivery(id, 1, true));
}

function status() {
  const { customerId, connectionId } = world.connection;
  return world.app.mail.connections.get(customerId, connectionId);
}

describe('a mailbox that Graph refused', () => {
  test('holds its mail, burns no attempt and tells once', async () => {
    expect(await world.record()).toMatchObject({ state: 'held', reason: 'no_mailbox', attempts: 0 });
    expect(await status()).toMatchObject({ status: 'no_mailbox', reason: 'MailboxNotEnabledForRESTAPI' });
    expect(world.told()).toEqual(['connection.no_mailbox']);
  });

  test('is not asked again within the hour, whatever tickets come', async () => {
    await ticket();
    world.clock.advance(30 * MINUTE);
    await ticket();
    await world.deliver(world.message({ mailId: 'mail-2' }));
    expect(world.graph.posted).toHaveLength(1);
  });

  test('is tried after an hour with one mail, the oldest, and stays shut while Graph refuses', async () => {
    await world.deliver(world.message({ mailId: 'mail-2' }));
    world.graph.answers.push(NO_MAILBOX);
    world.clock.advance(HOUR + MINUTE);
    await ticket();
    expect(world.graph.posted.map(({ body }) => body.includes('"mail-1"'))).toEqual([true, true]);
    expect(await world.record()).toMatchObject({ state: 'held' });
    await ticket();
    expect(world.graph.posted).toHaveLength(2);
    expect(world.told()).toEqual(['connection.no_mailbox']);
  });

  test('opens when a mail goes through, and the rest follows', async () => {
    await world.deliver(world.message({ mailId: 'mail-2' }));
    world.clock.advance(HOUR + MINUTE);
    world.queues.sent.splice(0);
    await ticket();
    await world.deliverTickets();
    expect(await status()).toMatchObject({ status: 'connected', reason: '' });
    expect(await world.record('mail-1')).toMatchObject({ state: 'accepted' });
    expect(await world.record('mail-2')).toMatchObject({ state: 'accepted' });
    expect(world.told()).toEqual(['connection.resumed']);
  });

  test('has somebody who comes for the probe, without any further mail', async () => {
    // The tickets that were left while the gate was shut lead to the next probe by themselves.
    await world.deliverTickets(4);
    expect(world.graph.posted.length).toBeGreaterThan(1);
    expect(await world.record()).toMatchObject({ state: 'accepted' });
  });

  test('ends mail that expires meanwhile', async () => {
    await world.deliver(
      world.message({ mailId: 'mail-2', expiresAt: new Date(world.clock.now().getTime() + 10 * MINUTE).toISOString() }),
    );
    world.clock.advance(20 * MINUTE);
    await ticket();
    expect(await world.record('mail-2')).toMatchObject({ state: 'expired' });
    expect(world.queues.of(QUEUES.events).length).toBe(2);
  });
});

test('a gate that a person must open is not probed', async () => {
  const other = await MailWorld.create();
  other.identity.failures.push(
    { error: 'invalid_grant', number: 50173, status: 400 },
    { error: 'invalid_grant', number: 50173, status: 400 },
  );
  await other.deliver(other.message());
  other.clock.advance(2 * HOUR);
  await other.deliverTickets(3);
  expect(other.graph.posted).toHaveLength(0);
  expect(await other.record()).toMatchObject({ state: 'held', reason: 'needs_relink' });
});
