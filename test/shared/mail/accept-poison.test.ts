import { beforeEach, describe, expect, test } from 'vitest';
import { MINUTE } from '../../../shared/clock.ts';
import { acceptPoisonMail, acceptPoisonTicket, readPoison } from '../../../shared/mail/accept-poison.ts';
import { actOnMail } from '../../../shared/mail/act-on-mail.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { CONTAINERS, POISON_QUEUES, QUEUES } from '../../../shared/storage-names.ts';
import { MailWorld } from './support.ts';

let world: MailWorld;

beforeEach(async () => {
  world = await MailWorld.create();
});

const poison = (message: object) =>
  acceptPoisonMail(world.app.mail, { messageId: 'poison-1', body: JSON.stringify(message) }, world.invocation());

test('a mail that still waits is declared dead, told of, and can be retried', async () => {
  await world.deliver(world.message({ sendAt: new Date(world.clock.now().getTime() + 600_000).toISOString() }));
  await poison(world.message());
  expect(await world.record()).toMatchObject({ state: 'dead', reason: 'poisoned' });
  expect(world.told()).toEqual(['mail.dead']);
  await world.deliverTickets();
  expect(world.graph.posted).toHaveLength(0);
});

test('a mail that was accepted stays accepted', async () => {
  await world.deliver(world.message());
  await poison(world.message());
  expect(await world.record()).toMatchObject({ state: 'accepted' });
});

test('an uncertain mail stays uncertain', async () => {
  world.graph.answers.push({ kind: 'noAnswer', cause: 'ECONNRESET' });
  await world.deliver(world.message());
  await poison(world.message());
  expect(await world.record()).toMatchObject({ state: 'uncertain' });
});

test('a message that was never taken in is kept in rejected-mail', async () => {
  await poison(world.message({ mailId: 'never-seen' }));
  expect(world.blobs.kept.get(`${CONTAINERS.rejected}/poison-1`)?.metadata['reason']).toBe('poisoned');
});

test('the lane gets a ticket, for the other mail that counted on the message', async () => {
  await poison(world.message());
  expect(world.queues.of(QUEUES.lanes)).toMatchObject([{ visibleInSeconds: 600 }]);
});

test('a poisoned ticket is followed by another, after a rest', async () => {
  const { customerId, connectionId } = world.connection;
  await acceptPoisonTicket(world.app.mail, JSON.stringify({ v: 1, customerId, connectionId }), world.invocation());
  expect(world.queues.of(QUEUES.lanes)).toMatchObject([{ visibleInSeconds: 600 }]);
});

test('a mail that dies twice is told of twice, under two ids', async () => {
  await world.app.mail.lanes.setGate(world.connection.connectionId, { to: () => 'paused' });
  await world.deliver(world.message());
  await poison(world.message());
  await actOnMail(world.app.mail, world.connection, 'mail-1', { kind: 'retry', attempt: 0 }, world.invocation());
  world.clock.advance(1_000);
  await poison(world.message());
  const dead = world.cloudEvents();
  expect(dead.map(({ type }) => type)).toEqual(['mail.dead', 'mail.dead']);
  expect(new Set(dead.map(({ id }) => id)).size).toBe(2);
});

describe('the reader of the poison queues', () => {
  const [ofMail, ofTickets] = POISON_QUEUES;
  const read = () => readPoison(world.app.mail, world.invocation());
  const reasonOf = (messageId: string) => world.blobs.kept.get(`${CONTAINERS.rejected}/${messageId}`)?.metadata;

  test('works off everything on both of them, and leaves nothing there', async () => {
    const { customerId, connectionId } = world.connection;
    for (let each = 0; each < 40; each += 1) await world.queues.send(ofMail, `no JSON ${each}`);
    await world.queues.send(ofTickets, JSON.stringify({ v: 1, customerId, connectionId }));
    await read();
    expect(world.queues.of(ofMail)).toEqual([]);
    expect(world.queues.of(ofTickets)).toEqual([]);
    expect([...world.blobs.kept.values()].map(({ metadata }) => metadata['reason'])).toEqual(
      Array(40).fill('poisoned'),
    );
    expect(world.queues.of(QUEUES.lanes)).toHaveLength(1);
  });

  test('takes JSON that is nested deeper than any program should walk', async () => {
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    await world.queues.send(ofMail, deep);
    await read();
    expect([...world.blobs.kept.values()].map(({ content }) => content.toString())).toEqual([deep]);
    expect(world.queues.of(ofMail)).toEqual([]);
  });

  test('leaves a message that cannot be worked off for the next run, and goes on with the others', async () => {
    await world.queues.send(ofMail, JSON.stringify(world.message()));
    await world.queues.send(ofMail, 'no JSON');
    world.mails.before = () => {
      throw new StoreUnavailable('table storage');
    };
    await read();
    expect(world.queues.of(ofMail)).toHaveLength(1);
    world.mails.before = () => {};
    world.clock.advance(5 * MINUTE);
    await read();
    expect(world.queues.of(ofMail)).toEqual([]);
    expect(world.blobs.kept.size).toBe(2);
  });

  test('puts a message aside that failed here 15 times as well', async () => {
    world.mails.before = () => {
      throw new Error('a bug');
    };
    await world.queues.send(ofMail, JSON.stringify(world.message()));
    for (let run = 1; run <= 15; run += 1) {
      await read();
      world.clock.advance(5 * MINUTE);
    }
    expect(world.blobs.kept.size).toBe(0);
    await read();
    expect(reasonOf('msg-1')).toMatchObject({ reason: 'poisoned' });
    expect(world.queues.of(ofMail)).toEqual([]);
  });

  test('stops before the host would end it', async () => {
    world.queues.after = () => world.clock.advance(3 * MINUTE);
    for (let each = 0; each < 70; each += 1) await world.queues.send(ofMail, `no JSON ${each}`);
    await read();
    expect(world.queues.of(ofMail)).toHaveLength(38);
  });
});
