import { beforeEach, describe, expect, test } from 'vitest';
import { HOUR, MINUTE } from '../../../shared/clock.ts';
import { type ListedState, listMails } from '../../../shared/mail/read-mails.ts';
import { MailWorld } from './support.ts';

let world: MailWorld;

beforeEach(async () => {
  world = await MailWorld.create();
});

async function listed(state: ListedState): Promise<string[]> {
  const { items } = await listMails(world.app.mail, world.connection.connectionId, state, 200);
  expect(items.every((item) => item.state === state)).toBe(true);
  return items.map(({ mailId }) => mailId).toSorted();
}

const inAnHour = () => new Date(world.clock.now().getTime() + HOUR).toISOString();

describe('a mail that waits says what it waits for', () => {
  test('its time, when it is scheduled', async () => {
    await world.deliver(world.message({ sendAt: inAnHour() }));
    expect(await world.record()).toMatchObject({ state: 'waiting', reason: 'scheduled', dueAt: expect.any(String) });
    expect(await listed('waiting')).toEqual(['mail-1']);
    expect(await listed('queued')).toEqual([]);
  });

  test('the lane, when Graph throttles the mailbox: also mail that was never tried', async () => {
    world.graph.answers.push({ kind: 'answer', status: 429, retryAfter: '600' });
    await world.deliver(world.message());
    await world.deliver(world.message({ mailId: 'mail-2' }));
    expect(await world.record()).toMatchObject({ state: 'waiting', reason: 'throttled', attempts: 0 });
    expect(await world.record('mail-2')).toMatchObject({ state: 'waiting', reason: 'throttled', attempts: 0 });
    expect(await listed('waiting')).toEqual(['mail-1', 'mail-2']);
    world.clock.advance(11 * MINUTE);
    expect(await world.record('mail-2')).toMatchObject({ state: 'queued' });
    expect(await listed('queued')).toEqual(['mail-2']);
  });

  test('the token endpoint, when it has a bad minute', async () => {
    world.identity.failures.push({ error: 'server_error', status: 503 });
    await world.deliver(world.message());
    expect(await world.record()).toMatchObject({ state: 'waiting', reason: 'token_endpoint_server_error' });
  });

  test('its turn, when the mailbox sends at its pace', async () => {
    world = await MailWorld.create({ MAIL_PER_MINUTE: '30' });
    for (let n = 1; n <= 11; n += 1) await world.deliver(world.message({ mailId: `mail-${n}` }));
    expect(await world.record('mail-11')).toMatchObject({ state: 'waiting', reason: 'paced' });
  });

  test('the operator, when all sending is stopped', async () => {
    await world.connections.write('_', [{ kind: 'insert', rowKey: 'stop', properties: { on: true } }]);
    await world.deliver(world.message());
    expect(await world.record()).toMatchObject({ state: 'waiting', reason: 'sending_stopped' });
    expect(await listed('waiting')).toEqual(['mail-1']);
  });

  test('the gate, when it is shut', async () => {
    await world.app.mail.lanes.setGate(world.connection.connectionId, { to: () => 'paused' });
    await world.deliver(world.message());
    expect(await world.record()).toMatchObject({ state: 'held', reason: 'paused' });
    expect(await listed('held')).toEqual(['mail-1']);
    expect(await listed('queued')).toEqual([]);
    expect(await listed('waiting')).toEqual([]);
  });
});
