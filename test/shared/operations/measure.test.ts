import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../../shared/clock.ts';
import { measure } from '../../../shared/operations/measure.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { CONTAINERS, POISON_QUEUES, QUEUES } from '../../../shared/storage-names.ts';
import { FakeApp } from '../../fakes/app.ts';
import { SECOND_OBJECT } from '../connections/support.ts';

async function measured(fake: FakeApp) {
  fake.events.splice(0);
  await measure(fake.app.operations, fake.invocation());
  return fake.events.map(({ name, fields }) => ({ event: name, ...fields }));
}

const of = (events: readonly { event: string }[], event: string) => events.filter((each) => each.event === event);

describe('a measurement', () => {
  test('tells of every queue, how deep it is and how old what lies there', async () => {
    const fake = new FakeApp();
    await fake.queues.send(QUEUES.mail, 'x');
    fake.clock.advance(90_000);
    await fake.queues.send(QUEUES.mail, 'y');
    await fake.queues.send(QUEUES.lanes, 'hidden', 60);
    const queues = of(await measured(fake), 'measure.queue');
    expect(queues).toHaveLength(Object.values(QUEUES).length + POISON_QUEUES.length);
    expect(queues).toContainEqual({ event: 'measure.queue', queue: QUEUES.mail, depth: 2, oldestSeconds: 90 });
    expect(queues).toContainEqual({ event: 'measure.queue', queue: QUEUES.lanes, depth: 1, oldestSeconds: 0 });
    expect(queues).toContainEqual({ event: 'measure.queue', queue: POISON_QUEUES[0], depth: 0, oldestSeconds: 0 });
  });

  test('tells of connections by status, of lanes by gate, and of those that will die by themselves', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    fake.identity.claims = { oid: SECOND_OBJECT };
    const dead = (await fake.link()).connection;
    await fake.app.mail.health.shut(dead, 'needs_relink', 'x', fake.invocation().log);
    await fake.app.linking.connections.change('acme', connection.connectionId, () => ({
      troubleAt: new Date(fake.clock.now().getTime() + 10 * DAY).toISOString(),
    }));
    const events = await measured(fake);
    expect(of(events, 'measure.connections')).toContainEqual({
      event: 'measure.connections',
      status: 'connected',
      count: 1,
    });
    expect(of(events, 'measure.lanes')).toContainEqual({ event: 'measure.lanes', gate: 'open', count: 1 });
    expect(of(events, 'measure.lanes')).toContainEqual({ event: 'measure.lanes', gate: 'needs_relink', count: 1 });
    expect(of(events, 'measure.lanes')).toContainEqual({ event: 'measure.lanes', gate: 'removed', count: 0 });
    expect(of(events, 'measure.trouble')).toEqual([
      { event: 'measure.trouble', within: '7d', count: 0 },
      { event: 'measure.trouble', within: '14d', count: 1 },
      { event: 'measure.trouble', within: '30d', count: 1 },
      { event: 'measure.trouble', within: '60d', count: 1 },
    ]);
  });

  test('counts what was rejected, and ends with how long it took', async () => {
    const fake = new FakeApp();
    await fake.blobs.put(CONTAINERS.rejected, 'a', Buffer.from('x'));
    await fake.blobs.put(CONTAINERS.drop, 'b', Buffer.from('x'));
    const events = await measured(fake);
    expect(of(events, 'measure.rejected')).toEqual([{ event: 'measure.rejected', count: 1 }]);
    expect(events.at(-1)).toEqual({ event: 'measure.done', durationMs: 0 });
  });

  test('that could not see everything tells the rest, and is not done', async () => {
    const fake = new FakeApp();
    fake.blobs.list = async () => {
      throw new StoreUnavailable('blob storage');
    };
    const events = await measured(fake);
    expect(of(events, 'measure.connections').length).toBeGreaterThan(0);
    expect(of(events, 'measure.failed')).toEqual([{ event: 'measure.failed', part: 'rejected' }]);
    expect(of(events, 'measure.done')).toEqual([]);
  });

  test('stays cheap at 100,000 connections: about two requests a minute in the long run', async () => {
    const fake = new FakeApp();
    let scans = 0;
    fake.connections.scan = async (_filter, limit, after, select) => {
      expect(select).toEqual(['status', 'troubleAt', 'refreshTokenStoredAt']);
      scans += 1;
      const page = Number(after ?? 0) + 1;
      const properties = { status: 'connected', refreshTokenStoredAt: fake.clock.now().toISOString() };
      const row = { partitionKey: 'acme', rowKey: 'con_x', etag: '', timestamp: new Date(), properties };
      const rows = Array.from({ length: limit }, () => row);
      return { rows, ...(page < 100 && { next: String(page) }) };
    };
    for (let n = 0; n < 288; n += 1) {
      const events = await measured(fake);
      expect(of(events, 'measure.connections')).toContainEqual({
        event: 'measure.connections',
        status: 'connected',
        count: 100_000,
      });
      fake.clock.advance(5 * MINUTE);
    }
    expect(scans).toBe(24 * 100);
    expect(fake.connections.requests).toBeLessThan(3 * 288);
  });

  test('of few connections is as fresh as it is', async () => {
    const fake = new FakeApp();
    await measured(fake);
    await fake.link();
    fake.clock.advance(5 * MINUTE);
    expect(of(await measured(fake), 'measure.connections')).toContainEqual({
      event: 'measure.connections',
      status: 'connected',
      count: 1,
    });
  });

  test('is not what a check or a list of connections meets', async () => {
    const fake = new FakeApp();
    await fake.link();
    await measured(fake);
    fake.clock.advance(2 * DAY);
    const { due } = await fake.app.checks.connections.due(fake.clock.now(), 100);
    expect(due.map(({ customerId }) => customerId)).toEqual(['acme']);
    fake.clock.advance(HOUR);
    expect(
      of(await measured(fake), 'measure.connections').reduce(
        (sum, each) => sum + (each as unknown as { count: number }).count,
        0,
      ),
    ).toBe(1);
  });
});
