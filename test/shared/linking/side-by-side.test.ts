import { describe, expect, test } from 'vitest';
import { rotateSecret } from '../../../shared/connections/rotate-secret.ts';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { removeCustomer } from '../../../shared/customers/remove-customer.ts';
import { AppError } from '../../../shared/errors.ts';
import { getLink } from '../../../shared/linking/link-state.ts';
import type { StartLinkRequest } from '../../../shared/linking/requests.ts';
import { CUSTOMER_CLIENT_ID, FakeApp } from '../../fakes/app.ts';
import { Dice } from '../../model/dice.ts';
import { inTurns, interleaved, type Pick } from './interleave.ts';
import { confirm, customerOwned, expectTidy, passHours } from './support.ts';

const SECOND_OBJECT = '0b1ec700-0000-4000-8000-000000000002';
const RANDOM_ROUNDS = 150;
const NEW_SECRET = 'Acme~client.secret-0002';

interface Scene {
  readonly fake: FakeApp;
  readonly actions: readonly (() => Promise<unknown>)[];
}

/** Losing against somebody else is an answer, not a failure. */
function refusable(action: () => Promise<unknown>): () => Promise<unknown> {
  return () =>
    action().catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error;
      return error.code;
    });
}

async function play(name: string, scene: Scene, pick: Pick, afterwards: (fake: FakeApp) => Promise<void>) {
  const { fake, actions } = scene;
  try {
    const requests = await interleaved(fake, actions.map(refusable), pick);
    await passHours(fake, 27);
    await expectTidy(fake);
    await afterwards(fake);
    return requests;
  } catch (error) {
    throw new Error(name, { cause: error });
  }
}

/** One makes i requests, then the other j, then the one goes on to its end, then the other: for every i and j, both ways. */
async function everyOverlap(prepare: () => Promise<Scene>, afterwards: (fake: FakeApp) => Promise<void>) {
  for (const [one, other] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const alone = await play('one after the other', await prepare(), inTurns([[one, 999]]), afterwards);
    for (let i = 0; i <= (alone[one] ?? 0); i += 1)
      for (let j = 1; j <= (alone[other] ?? 0); j += 1)
        await play(
          `${one}: ${i} requests, ${other}: ${j}`,
          await prepare(),
          inTurns([
            [one, i],
            [other, j],
            [one, 999],
          ]),
          afterwards,
        );
  }
}

async function manyOrders(prepare: () => Promise<Scene>, afterwards: (fake: FakeApp) => Promise<void>) {
  for (let seed = 1; seed <= RANDOM_ROUNDS; seed += 1) {
    const dice = new Dice(seed);
    await play(`seed ${seed}`, await prepare(), (waiting) => dice.pick(waiting), afterwards);
  }
}

async function connectionsOf(fake: FakeApp) {
  return (await fake.app.linking.connections.list('acme', 100)).connections;
}

const unlink = (fake: FakeApp, connectionId: string) => () =>
  unlinkConnection(fake.compose().connections, 'acme', connectionId, fake.invocation());

/** One mailbox is linked through the customer's application, and another is about to be. */
async function lastAndNext(): Promise<{ fake: FakeApp; connectionId: string; next: () => Promise<unknown> }> {
  const fake = new FakeApp();
  const { connectionId } = (await fake.link(customerOwned())).connection;
  fake.clock.advance(1000);
  fake.identity.claims = { oid: SECOND_OBJECT };
  const authorized = await fake.authorize(customerOwned(NEW_SECRET));
  return { fake, connectionId, next: () => confirm(fake, authorized, {}, fake.compose()) };
}

const onlySecond = async (fake: FakeApp) =>
  expect((await connectionsOf(fake)).map(({ objectId }) => objectId)).toEqual([SECOND_OBJECT]);

describe('the application’s last mailbox is unlinked while another is linked through it', () => {
  const prepare = async () => {
    const { fake, connectionId, next } = await lastAndNext();
    return { fake, actions: [unlink(fake, connectionId), next] };
  };

  test('the other is connected and works, however the requests of both lie', async () => {
    await everyOverlap(prepare, onlySecond);
  }, 120_000);

  test('the other is connected and works, in any order of requests', async () => {
    await manyOrders(prepare, onlySecond);
  }, 120_000);

  test('the unlink may be repeated, and the state of the link asked for, meanwhile', async () => {
    await manyOrders(async () => {
      const { fake, connectionId, next } = await lastAndNext();
      const [link] = fake.links.all().filter(({ properties }) => properties['state'] === 'authorized');
      const linkId = link?.partitionKey ?? '';
      const ask = () => getLink(fake.compose().linking, linkId, 'acme', fake.invocation());
      return { fake, actions: [unlink(fake, connectionId), next, unlink(fake, connectionId), ask] };
    }, onlySecond);
  }, 120_000);

  test('the new one may be unlinked, too', async () => {
    await manyOrders(
      async () => {
        const { fake, connectionId, next } = await lastAndNext();
        const both = async () => {
          await next();
          for (const each of await connectionsOf(fake)) await unlink(fake, each.connectionId)();
        };
        return { fake, actions: [unlink(fake, connectionId), both] };
      },
      async (fake) => {
        expect(fake.connectionRows()).toEqual([]);
        expect(fake.applications.all()).toEqual([]);
        expect([...fake.secrets.kept.keys()]).toEqual([]);
      },
    );
  }, 120_000);

  test('the application may get a new secret, and the customer may be removed', async () => {
    await manyOrders(async () => {
      const { fake, connectionId, next } = await lastAndNext();
      const rotate = () => {
        const request = { clientSecret: 'Acme~client.secret-0003' };
        return rotateSecret(fake.compose().connections, 'acme', CUSTOMER_CLIENT_ID, request, fake.invocation());
      };
      return { fake, actions: [unlink(fake, connectionId), next, rotate] };
    }, onlySecond);
    await manyOrders(
      async () => {
        const { fake, connectionId, next } = await lastAndNext();
        const remove = () => removeCustomer(fake.compose().checks, 'acme', fake.invocation());
        return { fake, actions: [unlink(fake, connectionId), next, remove] };
      },
      async (fake) => {
        expect(fake.connectionRows().map(({ rowKey }) => rowKey)).toEqual(['removal']);
        expect([...fake.secrets.kept.keys()]).toEqual([]);
      },
    );
  }, 120_000);
});

const kinds: [string, Partial<StartLinkRequest>][] = [
  ['RoboMQ’s application', {}],
  ['the customer’s application', customerOwned()],
];

describe.each(kinds)('one mailbox is linked several times at once through %s', (_, request) => {
  const several = (count: number, linked: boolean) => async () => {
    const fake = new FakeApp();
    if (linked) {
      await fake.link(request);
      fake.clock.advance(1000);
    }
    const all = [];
    for (let each = 0; each < count; each += 1) all.push(await fake.authorize(request));
    return { fake, actions: all.map((authorized) => () => confirm(fake, authorized, {}, fake.compose())) };
  };
  const one = async (fake: FakeApp) => {
    expect(await connectionsOf(fake)).toHaveLength(1);
    const ended = fake.links.all().filter(({ rowKey }) => rowKey === 'link');
    expect(new Set(ended.map(({ properties }) => properties['state']))).toEqual(new Set(['connected']));
    const [connection] = await connectionsOf(fake);
    expect(new Set(ended.map(({ properties }) => properties['connectionId']))).toEqual(
      new Set([connection?.connectionId]),
    );
  };

  test('twice: one connection, however the requests of both lie', async () => {
    await everyOverlap(several(2, false), one);
  }, 240_000);

  test.each([3, 5, 8])(
    '%d times: one connection, and it works',
    async (count) => {
      await manyOrders(several(count, false), one);
    },
    240_000,
  );

  test.each([3, 8])(
    '%d times, and once before: one connection, and it works',
    async (count) => {
      await manyOrders(several(count, true), one);
    },
    240_000,
  );

  test('and unlinked meanwhile: what remains works', async () => {
    await manyOrders(
      async () => {
        const { fake, actions } = await several(3, true)();
        const [first] = await connectionsOf(fake);
        return { fake, actions: [...actions, unlink(fake, first?.connectionId ?? '')] };
      },
      async () => {},
    );
  }, 240_000);
});
