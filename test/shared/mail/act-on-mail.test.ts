import { beforeEach, describe, expect, test } from 'vitest';
import { HOUR } from '../../../shared/clock.ts';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { actOnMail, actOnMails, cancelMail } from '../../../shared/mail/act-on-mail.ts';
import { leaveTicket } from '../../../shared/mail/tickets.ts';
import { QUEUES } from '../../../shared/storage-names.ts';
import { MailWorld } from './support.ts';

let world: MailWorld;

beforeEach(async () => {
  world = await MailWorld.create();
});

const soon = () => new Date(world.clock.now().getTime() + 600_000).toISOString();
const act = (action: Parameters<typeof actOnMail>[3], id = 'mail-1') =>
  actOnMail(world.app.mail, world.connection, id, action, world.invocation());

describe('cancelling', () => {
  test('a mail that waits is never sent', async () => {
    await world.deliver(world.message({ sendAt: soon() }));
    expect(await cancelMail(world.app.mail, world.connection, 'mail-1', world.invocation())).toMatchObject({
      state: 'cancelled',
    });
    await world.deliverTickets();
    expect(world.graph.posted).toHaveLength(0);
  });

  test('again answers the same', async () => {
    await world.deliver(world.message({ sendAt: soon() }));
    await cancelMail(world.app.mail, world.connection, 'mail-1', world.invocation());
    expect(await cancelMail(world.app.mail, world.connection, 'mail-1', world.invocation())).toMatchObject({
      state: 'cancelled',
    });
  });

  test('a mail that is being sent is refused', async () => {
    let refused: unknown;
    world.graph.answers.push(async () => {
      refused = await cancelMail(world.app.mail, world.connection, 'mail-1', world.invocation()).catch(
        (error: unknown) => error,
      );
      return { kind: 'answer', status: 202 };
    });
    await world.deliver(world.message());
    expect(refused).toMatchObject({ code: 'already_sending' });
    expect(await world.record()).toMatchObject({ state: 'accepted' });
  });

  test('a mail that was sent is refused', async () => {
    await world.deliver(world.message());
    const cancelled = cancelMail(world.app.mail, world.connection, 'mail-1', world.invocation());
    await expect(cancelled).rejects.toMatchObject({ code: 'already_sending' });
  });
});

test('a mail that expires, is retried and expires again is told of twice, under two ids', async () => {
  await world.app.mail.lanes.setGate(world.connection.connectionId, { to: () => 'paused' });
  await world.deliver(world.message());
  for (const _ of [1, 2]) {
    world.clock.advance(73 * HOUR);
    await leaveTicket(world.queues, world.connection);
    await world.deliverTickets(1);
    expect(await world.record()).toMatchObject({ state: 'expired', attempts: 0 });
    await act({ kind: 'retry', attempt: 0 });
  }
  const expired = world.cloudEvents();
  expect(expired.map(({ type }) => type)).toEqual(['mail.expired', 'mail.expired']);
  expect(new Set(expired.map(({ id }) => id)).size).toBe(2);
});

describe('retrying', () => {
  beforeEach(async () => {
    world.graph.answers.push({ kind: 'answer', status: 400, code: 'ErrorInvalidRecipients' });
    await world.deliver(world.message());
    world.queues.sent.splice(0);
  });

  test('a rejected mail sends it once more', async () => {
    expect(await act({ kind: 'retry', attempt: 1 })).toMatchObject({ state: 'waiting', reason: 'retried' });
    await world.deliverTickets();
    expect(await world.record()).toMatchObject({ state: 'accepted', attempts: 2 });
    expect(world.graph.posted).toHaveLength(2);
  });

  test('with a stale attempt is refused', async () => {
    await expect(act({ kind: 'retry', attempt: 0 })).rejects.toMatchObject({ code: 'attempt_changed' });
  });

  test('twice leaves a ticket each time and sends once', async () => {
    await act({ kind: 'retry', attempt: 1 });
    await act({ kind: 'retry', attempt: 1 });
    expect(world.queues.of(QUEUES.lanes)).toHaveLength(2);
    await world.deliverTickets();
    expect(world.graph.posted).toHaveLength(2);
  });

  test('is refused once the content is gone', async () => {
    const waiting = world.mails.all().find(({ rowKey }) => rowKey.startsWith('2|'));
    await world.mails.write(world.connection.connectionId, [{ kind: 'delete', rowKey: waiting?.rowKey ?? '' }]);
    await expect(act({ kind: 'retry', attempt: 1 })).rejects.toMatchObject({ code: 'content_gone' });
  });

  test('is refused for a mail that was accepted', async () => {
    await world.deliver(world.message({ mailId: 'mail-2' }));
    await expect(act({ kind: 'retry', attempt: 1 }, 'mail-2')).rejects.toMatchObject({ code: 'not_retryable' });
  });

  test('in bulk gives each mail its own result', async () => {
    const retry = (mailId: string, attempt: number) => ({ mailId, action: { kind: 'retry', attempt } as const });
    const items = [retry('mail-1', 1), retry('unknown', 1), retry('mail-1', 7)];
    expect(await actOnMails(world.app.mail, world.connection, items, world.invocation())).toEqual({
      items: [
        { mailId: 'mail-1', state: 'waiting' },
        { mailId: 'unknown', code: 'not_found' },
        { mailId: 'mail-1', code: 'attempt_changed' },
      ],
    });
    expect(world.queues.of(QUEUES.lanes)).toHaveLength(1);
  });
});

describe('a mail whose answer was lost', () => {
  beforeEach(async () => {
    world.graph.answers.push({ kind: 'noAnswer', cause: 'ECONNRESET' });
    await world.deliver(world.message());
  });

  test('is uncertain, held and told of, and not sent again by itself', async () => {
    expect(await world.record()).toMatchObject({ state: 'uncertain', reason: 'no_answer', attempts: 1 });
    expect(world.told()).toEqual(['mail.uncertain']);
    await world.deliverTickets();
    expect(world.graph.posted).toHaveLength(1);
  });

  test('is settled as sent without sending', async () => {
    expect(await act({ kind: 'resolve', attempt: 1, as: 'sent' })).toMatchObject({
      state: 'accepted',
      reason: 'resolved_as_sent',
    });
    await world.deliverTickets();
    expect(world.graph.posted).toHaveLength(1);
    expect(world.mails.all().filter(({ rowKey }) => rowKey.startsWith('2|'))).toEqual([]);
  });

  test('is sent once more when somebody settles it so', async () => {
    await act({ kind: 'resolve', attempt: 1, as: 'resend' });
    await world.deliverTickets();
    expect(await world.record()).toMatchObject({ state: 'accepted', attempts: 2 });
  });

  test('is not retried: only resolve settles it', async () => {
    await expect(act({ kind: 'retry', attempt: 1 })).rejects.toMatchObject({ code: 'not_retryable' });
  });
});

test('with onUncertain resend, a mail whose answer was lost is sent once more, and only once', async () => {
  world.graph.answers.push({ kind: 'noAnswer', cause: 'ECONNRESET' }, { kind: 'noAnswer', cause: 'ECONNRESET' });
  await world.deliver(world.message({ onUncertain: 'resend' }));
  await world.deliverTickets();
  expect(await world.record()).toMatchObject({ state: 'uncertain', attempts: 2 });
  expect(world.graph.posted).toHaveLength(2);
});

describe('a mail of unknown fate whose connection was unlinked', () => {
  const ended = () => ({
    customerId: world.connection.customerId,
    connectionId: world.connection.connectionId,
    ended: true,
  });

  beforeEach(async () => {
    world.graph.answers.push({ kind: 'noAnswer', cause: 'ECONNRESET' });
    await world.deliver(world.message());
    const { customerId, connectionId } = world.connection;
    await unlinkConnection(world.app.connections, customerId, connectionId, world.invocation());
  });

  test('can still be settled as sent', async () => {
    const action = { kind: 'resolve', attempt: 1, as: 'sent' } as const;
    expect(await actOnMail(world.app.mail, ended(), 'mail-1', action, world.invocation())).toMatchObject({
      state: 'accepted',
      reason: 'resolved_as_sent',
    });
  });

  test('cannot be sent again: there is nothing left to send, and nobody to send it', async () => {
    const action = { kind: 'resolve', attempt: 1, as: 'resend' } as const;
    await expect(actOnMail(world.app.mail, ended(), 'mail-1', action, world.invocation())).rejects.toMatchObject({
      code: 'content_gone',
    });
  });
});
