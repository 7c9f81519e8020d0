import { beforeEach, describe, expect, test } from 'vitest';
import { DAY, HOUR } from '../../../shared/clock.ts';
import { runCheck, scan } from '../../../shared/connections/checks.ts';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { CONTAINERS, QUEUES } from '../../../shared/storage-names.ts';
import { MailWorld } from '../mail/support.ts';

let world: MailWorld;

beforeEach(async () => {
  world = await MailWorld.create();
});

/** An hourly scan, and every check that it queued. */
async function hour(): Promise<number> {
  world.clock.advance(HOUR);
  await scan(world.app.checks, world.invocation());
  const checks = world.queues.of(QUEUES.checks);
  world.queues.sent.splice(
    0,
    world.queues.sent.length,
    ...world.queues.sent.filter(({ queue }) => queue !== QUEUES.checks),
  );
  for (const { text } of checks) await runCheck(world.app.checks, JSON.parse(text), world.invocation());
  return checks.length;
}

async function days(count: number): Promise<number> {
  let checks = 0;
  for (let n = 0; n < count * 24; n += 1) checks += await hour();
  return checks;
}

function row() {
  const { customerId, connectionId } = world.connection;
  return world.app.checks.connections.get(customerId, connectionId);
}

describe('the hourly scan', () => {
  test('checks a connection once a day, whatever happened before', async () => {
    await days(1);
    world.queues.sent.splice(0);
    expect(await days(5)).toBe(5);
  });

  test('that runs twice in an hour changes nothing: the second check finds the day moved', async () => {
    await days(1);
    const before = (await row())?.nextCheckAt;
    await scan(world.app.checks, world.invocation());
    await scan(world.app.checks, world.invocation());
    for (const { text } of world.queues.of(QUEUES.checks))
      await runCheck(world.app.checks, JSON.parse(text), world.invocation());
    expect((await row())?.nextCheckAt).toBe(before);
  });

  test('wakes mail that is due days ahead, at its time', async () => {
    const sendAt = new Date(world.clock.now().getTime() + 3 * DAY);
    await world.deliver(world.message({ sendAt: sendAt.toISOString() }));
    world.queues.sent.splice(0);
    while ((await world.record()).state !== 'accepted') {
      await hour();
      const tickets = world.queues.of(QUEUES.lanes);
      if (tickets.length > 0) await world.deliverTickets(1);
      expect(world.clock.now().getTime()).toBeLessThan(sendAt.getTime() + 3 * HOUR);
    }
    expect(world.clock.now().getTime()).toBeGreaterThanOrEqual(sendAt.getTime());
  });

  test('ignores a message that is no check', async () => {
    await expect(runCheck(world.app.checks, { v: 1, kind: 'other' }, world.invocation())).resolves.toBeUndefined();
  });
});

describe('the daily check', () => {
  test('finishes an unlink that died between its gate and its row', async () => {
    const { customerId, connectionId } = world.connection;
    await world.app.checks.lanes.setGate(connectionId, { to: () => 'removed' });
    await days(1);
    expect(await row()).toBeUndefined();
    await expect(
      unlinkConnection(world.app.checks, customerId, connectionId, world.invocation()),
    ).rejects.toMatchObject({
      code: 'not_found',
    });
    expect([...world.secrets.kept.values()].filter(({ tags }) => tags.kind === 'refresh-token')).toEqual([]);
  });

  test('deletes a replaced refresh token a day after the re-link, and not before', async () => {
    const first = (await row())?.secretName ?? '';
    await world.link({ connectionId: world.connection.connectionId });
    expect(world.secrets.kept.has(first)).toBe(true);
    await days(3);
    expect(world.secrets.kept.has(first)).toBe(false);
    expect((await row())?.previousSecretName).toBe('');
  });

  test('deletes the content of an ended mail after a week and its record after a month', async () => {
    world.graph.answers.push({ kind: 'answer', status: 400, code: 'ErrorInvalidRecipients' });
    const { customerId, connectionId } = world.connection;
    const name = `${customerId}/${connectionId}/letter.json`;
    const body = { contentType: 'text', content: 'x' };
    await world.blobs.put(CONTAINERS.drop, name, Buffer.from(JSON.stringify({ body })));
    await world.deliver(world.message({ body: undefined, contentBlob: name }));
    const waiting = () => world.mails.all().filter(({ rowKey }) => rowKey.startsWith('2|')).length;
    await days(6);
    expect([waiting(), world.blobs.kept.size]).toEqual([1, 1]);
    await days(3);
    expect([waiting(), world.blobs.kept.size]).toEqual([0, 0]);
    expect(await world.record()).toMatchObject({ state: 'rejected' });
    await days(23);
    await expect(world.record()).rejects.toMatchObject({ code: 'not_found' });
  });
});

test('records of an unlinked connection can be read for a month, and then nothing of it is left', async () => {
  const { customerId, connectionId } = world.connection;
  await world.deliver(world.message());
  await world.deliver(world.message({ mailId: 'later', sendAt: '2026-12-24T08:00:00Z' }));
  await unlinkConnection(world.app.checks, customerId, connectionId, world.invocation());
  const left = () => world.mails.all().length + world.connections.all().length;
  await days(29);
  expect(await world.record()).toMatchObject({ state: 'accepted' });
  expect(await world.record('later')).toMatchObject({ state: 'cancelled', reason: 'connection_removed' });
  await days(3);
  await expect(world.record()).rejects.toMatchObject({ code: 'not_found' });
  expect(left()).toBe(0);
});

test('what is left of a connection goes by itself when a process died on the way', async () => {
  const { customerId, connectionId } = world.connection;
  for (let n = 0; n < 150; n += 1) await world.deliver(world.message({ mailId: `mail-${n}` }));
  await unlinkConnection(world.app.checks, customerId, connectionId, world.invocation());
  world.clock.advance(32 * DAY);
  let writes = 0;
  world.mails.before = ({ kind }) => {
    if (kind !== 'write') return;
    writes += 1;
    if (writes === 2) throw new Error('killed');
  };
  await expect(hour()).rejects.toThrow('killed');
  await hour();
  expect(world.mails.all()).toEqual([]);
  expect(world.connections.all()).toEqual([]);
});

test('an unlink that meets a mail in flight is finished by a check within minutes', async () => {
  const { customerId, connectionId } = world.connection;
  let answer: unknown;
  world.graph.answers.push(async () => {
    answer = await unlinkConnection(world.app.checks, customerId, connectionId, world.invocation());
    return { kind: 'answer', status: 202 };
  });
  await world.deliver(world.message());
  expect(answer).toMatchObject({ state: 'removing' });
  const check = world.queues.of(QUEUES.checks)[0];
  expect(check?.visibleInSeconds).toBe(180);
  await runCheck(world.app.checks, JSON.parse(check?.text ?? ''), world.invocation());
  expect(await row()).toBeUndefined();
});
