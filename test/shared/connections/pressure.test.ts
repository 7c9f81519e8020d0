import { describe, expect, test } from 'vitest';
import { HOUR, MINUTE } from '../../../shared/clock.ts';
import { pauseAfter } from '../../../shared/mail/pause-lane.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { QUEUES } from '../../../shared/storage-names.ts';
import { FakeHost } from '../../fakes/host.ts';
import { customerOwned } from '../linking/support.ts';
import { MailWorld } from '../mail/support.ts';
import { current, gateOf } from './support.ts';

/** Mail comes while what it needs does not answer; an hour later it does again. */
async function outage(begin: (world: MailWorld) => void, end: (world: MailWorld) => void) {
  const world = await MailWorld.create();
  world.connection = (await world.link(customerOwned())).connection;
  const app = world.compose();
  const host = new FakeHost(world, () => app);
  world.queues.sent.splice(0);
  begin(world);
  for (let n = 0; n < 6; n += 1) {
    await world.deliver(world.message({ mailId: `mail-${n}` }));
    await host.pass(10 * MINUTE);
  }
  expect(await world.record('mail-0')).toMatchObject({ state: 'waiting', attempts: 0 });
  expect(await current(world, world.connection)).toMatchObject({ status: 'connected', reason: '' });
  expect(await gateOf(world, world.connection)).toBe('open');
  end(world);
  await host.pass(20 * MINUTE);
  for (let n = 0; n < 6; n += 1) expect(await world.record(`mail-${n}`)).toMatchObject({ state: 'accepted' });
  expect(world.graph.posted).toHaveLength(6);
  expect(world.events.filter(({ name }) => /needs_relink|broken/.test(name))).toEqual([]);
  return world;
}

describe('an hour without', () => {
  test('the vault delays mail, and kills nothing', async () => {
    await outage(
      (world) => {
        world.app = world.compose();
        world.secrets.before = () => {
          throw new StoreUnavailable('key vault', 30);
        };
      },
      (world) => {
        world.secrets.before = () => {};
      },
    );
  });

  test.each([
    [{ error: 'network_error' }],
    [{ error: 'temporarily_unavailable', status: 503, retryAfterSeconds: 60 }],
    [{ error: 'unusable_answer', status: 502 }],
    [{ error: 'too_many_requests', status: 429, retryAfterSeconds: 60 }],
  ])('the token endpoint delays mail, and kills nothing: %j', async (facts) => {
    await outage(
      (world) => {
        world.app = world.compose();
        world.identity.failures.push(...Array.from({ length: 10_000 }, () => facts));
      },
      (world) => {
        world.identity.failures.splice(0);
      },
    );
  });

  test('the vault asks it no more often than it says', async () => {
    const world = await MailWorld.create();
    world.app = world.compose();
    let asked = 0;
    world.secrets.before = () => {
      asked += 1;
      throw new StoreUnavailable('key vault', 60);
    };
    const app = world.app;
    await world.deliver(world.message());
    await new FakeHost(world, () => app).pass(HOUR);
    expect(asked).toBeGreaterThan(20);
    expect(asked).toBeLessThanOrEqual(61);
  });
});

describe('a time to wait that is told to everybody', () => {
  test.each(['store_unavailable', 'token_endpoint_too_many_requests'])(
    'is spread, and never shortened: %s',
    (reason) => {
      const wait = (random: number) => pauseAfter({ random: () => random }, { reason, waitMs: 10_000 }, 0).waitMs;
      expect([wait(0), wait(0.5), wait(0.999)]).toEqual([10_000, 12_500, 14_995]);
    },
  );

  test('is kept as it is where Graph tells it to one mailbox', () => {
    expect(pauseAfter({ random: () => 0.9 }, { reason: 'throttled', waitMs: 10_000 }, 0).waitMs).toBe(10_000);
  });
});

test('tickets of many lanes that wait for the vault do not come at the same moment', async () => {
  const delays = new Set<number>();
  for (let n = 0; n < 20; n += 1) {
    const world = await MailWorld.create();
    world.app = world.compose();
    world.secrets.before = () => {
      throw new StoreUnavailable('key vault', 100);
    };
    await world.deliver(world.message());
    for (const { visibleInSeconds } of world.queues.of(QUEUES.lanes)) delays.add(visibleInSeconds);
  }
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(100);
  expect(delays.size).toBeGreaterThan(5);
});
