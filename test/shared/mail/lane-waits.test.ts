import { beforeEach, describe, expect, test } from 'vitest';
import { HOUR, MINUTE } from '../../../shared/clock.ts';
import { leaveTicket } from '../../../shared/mail/tickets.ts';
import { QUEUES } from '../../../shared/storage-names.ts';
import { MailWorld } from './support.ts';

let world: MailWorld;

beforeEach(async () => {
  world = await MailWorld.create();
});

function logged(name: string) {
  const events = world.events.filter((event) => event.name === name);
  return events.map(({ level, fields }): Record<string, unknown> => ({ level, ...fields }));
}

describe('a lane that waits tells why, and for how long', () => {
  const THROTTLED = { kind: 'answer', status: 429, code: 'TooManyRequests', retryAfter: '7' } as const;
  const waits = (reason: string, waitMs: unknown) => {
    const { connectionId, customerId } = world.connection;
    return [{ level: 'event', connectionId, customerId, reason, waitMs }];
  };

  test('when Graph throttles the mail that took the lane', async () => {
    world.graph.answers.push(THROTTLED);
    await world.deliver(world.message());
    expect(logged('lane.waits')).toEqual(waits('throttled', 7000));
  });

  test('when Graph throttles mail that a ticket came for', async () => {
    world.graph.answers.push(THROTTLED, THROTTLED);
    await world.deliver(world.message());
    world.events.splice(0);
    await world.deliverTickets(1);
    expect(logged('lane.waits')).toEqual(waits('throttled', 7000));
  });

  test('when Microsoft gives no token', async () => {
    world.clock.advance(2 * HOUR);
    world.identity.failures.push({ error: 'temporarily_unavailable', number: 0, status: 503 });
    await world.deliver(world.message());
    expect(logged('lane.waits')).toHaveLength(1);
    expect(world.graph.posted).toEqual([]);
  });

  test('when the mailbox has used up its recipients of the day', async () => {
    world = await MailWorld.create({ MAIL_RECIPIENTS_PER_DAY: '1' });
    await world.deliver(world.message());
    await world.deliver(world.message({ mailId: 'mail-2' }));
    expect(logged('lane.waits')).toEqual(waits('daily_recipients', expect.any(Number)));
  });

  test('when an operator has stopped all sending: once for each time that somebody looks again', async () => {
    await world.connections.write('_', [{ kind: 'insert', rowKey: 'stop', properties: { on: true } }]);
    world.clock.advance(MINUTE);
    await world.deliver(world.message());
    await world.deliver(world.message({ mailId: 'mail-2' }));
    expect(logged('lane.waits')).toEqual(waits('sending_stopped', MINUTE));
    await world.deliverTickets(1);
    expect(logged('lane.waits')).toHaveLength(2);
  });

  test('but not when it is paced, as a busy mailbox is all day', async () => {
    world = await MailWorld.create({ MAIL_PER_MINUTE: '1' });
    for (let number = 1; number <= 11; number += 1) await world.deliver(world.message({ mailId: `mail-${number}` }));
    expect(await world.record('mail-11')).toMatchObject({ state: 'waiting' });
    expect(logged('lane.waits')).toEqual([]);
  });
});

describe('a lane without mail', () => {
  const REFUSED = { error: 'invalid_client', number: 7000222, status: 401 };
  const refuse = (times: number) => world.identity.failures.push(...Array.from({ length: times }, () => REFUSED));

  test('asks for no token again and again through an outage, and leaves no ticket', async () => {
    await world.deliver(world.message());
    world.clock.advance(2 * HOUR);
    await leaveTicket(world.queues, world.connection);
    refuse(2);
    await world.deliverTickets(1);
    expect(world.queues.of(QUEUES.lanes)).toEqual([]);
    expect(logged('lane.waits')).toEqual([]);
  });

  test('is looked at again when mail comes at that very moment', async () => {
    await world.deliver(world.message());
    world.clock.advance(2 * HOUR);
    await leaveTicket(world.queues, world.connection);
    refuse(4);
    let came = false;
    world.mails.before = async ({ kind, operations }) => {
      if (
        came ||
        kind !== 'write' ||
        !operations?.some((each) => 'properties' in each && 'ticketAt' in each.properties)
      )
        return;
      came = true;
      const sendAt = new Date(world.clock.now().getTime() + MINUTE).toISOString();
      await world.deliver(world.message({ mailId: 'mail-2', sendAt }));
    };
    await world.deliverTickets(1);
    world.mails.before = () => {};
    expect(came).toBe(true);
    expect(world.queues.of(QUEUES.lanes).length).toBeGreaterThan(0);
    await world.deliverTickets();
    expect(await world.record('mail-2')).toMatchObject({ state: 'accepted' });
  });
});

test('mail that expires is told once, by its id', async () => {
  const expiresAt = new Date(world.clock.now().getTime() - MINUTE).toISOString();
  await world.deliver(world.message({ expiresAt }));
  await world.deliverTickets();
  const { connectionId, customerId } = world.connection;
  expect(logged('mail.expired')).toEqual([{ level: 'warning', connectionId, customerId, mailId: 'mail-1' }]);
});

test('so is mail that expires behind a shut gate', async () => {
  world.graph.answers.push({ kind: 'answer', status: 404, code: 'MailboxNotEnabledForRESTAPI' });
  const expiresAt = new Date(world.clock.now().getTime() + 10 * MINUTE).toISOString();
  await world.deliver(world.message({ expiresAt }));
  world.clock.advance(20 * MINUTE);
  await world.deliverTickets(2);
  expect(logged('mail.expired').map(({ mailId }) => mailId)).toEqual(['mail-1']);
});
