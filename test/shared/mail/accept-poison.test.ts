import { beforeEach, expect, test } from 'vitest';
import { acceptPoisonMail, acceptPoisonTicket } from '../../../shared/mail/accept-poison.ts';
import { CONTAINERS, QUEUES } from '../../../shared/storage-names.ts';
import { MailWorld } from './support.ts';

let world: MailWorld;

beforeEach(async () => {
  world = await MailWorld.create();
});

const poison = (body: unknown) => acceptPoisonMail(world.app.mail, { messageId: 'poison-1', body }, world.invocation());

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
  await acceptPoisonTicket(world.app.mail, { v: 1, customerId, connectionId }, world.invocation());
  expect(world.queues.of(QUEUES.lanes)).toMatchObject([{ visibleInSeconds: 600 }]);
});
