import { describe, expect, test } from 'vitest';
import { getConnection } from '../../../shared/connections/read-connections.ts';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { AppError } from '../../../shared/errors.ts';
import { getLink } from '../../../shared/linking/link-state.ts';
import { openLink } from '../../../shared/linking/open-link.ts';
import type { StartLinkRequest } from '../../../shared/linking/requests.ts';
import { startLink } from '../../../shared/linking/start-link.ts';
import { FakeApp, linkRequest } from '../../fakes/app.ts';
import { HR_OBJECT } from '../../fakes/microsoft.ts';
import { killedAt, type When } from './crash.ts';
import { Browser, confirm, customerOwned, errorOf, expectTidy, passHours } from './support.ts';

const MAX_POINTS = 60;

/** Every point at which a process can die, one world each, until the action has no more of them. */
async function everyDeath(
  prepare: () => Promise<{ fake: FakeApp; action: () => Promise<unknown> }>,
  afterwards: (fake: FakeApp) => Promise<void>,
): Promise<number> {
  let points = 0;
  for (const when of ['before', 'after'] as const satisfies readonly When[]) {
    for (let n = 1; ; n += 1) {
      expect(n, 'the action comes to its end').toBeLessThan(MAX_POINTS);
      const { fake, action } = await prepare();
      const finished = await killedAt(fake, n, when, action);
      try {
        await afterwards(fake);
      } catch (error) {
        throw new Error(`killed ${when} write ${n}`, { cause: error });
      }
      if (finished) break;
      points += 1;
    }
  }
  return points;
}

const kinds: [string, Partial<StartLinkRequest>][] = [
  ['RoboMQ’s application', {}],
  ['the customer’s application', customerOwned()],
];

describe.each(kinds)('a link through %s', (_, request) => {
  test('a start that is killed at any point leaves nothing behind', async () => {
    const points = await everyDeath(
      async () => {
        const fake = new FakeApp();
        return { fake, action: () => startLink(fake.compose().linking, linkRequest(request), fake.invocation()) };
      },
      async (fake) => {
        await passHours(fake, 2);
        await expectTidy(fake);
        expect(fake.secrets.kept.size).toBe(0);
      },
    );
    expect(points).toBeGreaterThanOrEqual(4);
  });

  test('an opening that is killed at any point leaves nothing behind', async () => {
    await everyDeath(
      async () => {
        const fake = new FakeApp();
        const ticket = new URL((await fake.start(request)).linkUrl).searchParams.get('ticket') ?? '';
        const { linking } = fake.compose();
        return { fake, action: () => openLink(linking, ticket, () => undefined, fake.invocation()) };
      },
      async (fake) => {
        await passHours(fake, 2);
        await expectTidy(fake);
        expect(fake.secrets.kept.size).toBe(0);
      },
    );
  });

  test.each([['a code'], ['an error']])(
    'a callback with %s that is killed at any point can be repeated or leaves nothing behind',
    async (what) => {
      const prepare = async () => {
        const fake = new FakeApp();
        const browser = new Browser(fake);
        const query = await browser.signIn((await fake.start(request)).linkUrl);
        if (what === 'an error') {
          query.delete('code');
          query.set('error', 'access_denied');
        }
        return { fake, browser, query, action: () => browser.callback(query) };
      };
      await everyDeath(prepare, async (fake) => {
        await passHours(fake, 2);
        await expectTidy(fake);
        expect(fake.secrets.kept.size).toBe(0);
      });
    },
  );

  test('a confirm that Microsoft did not answer can be repeated, wherever it was killed, or leaves nothing behind', async () => {
    for (const repeated of [true, false]) {
      const retries = new Map<FakeApp, () => Promise<unknown>>();
      await everyDeath(
        async () => {
          const fake = new FakeApp();
          const authorized = await fake.authorize(request);
          const run = () => confirm(fake, authorized, {}, fake.compose());
          retries.set(fake, run);
          fake.identity.failures.push({ error: 'server_error', status: 503 });
          return { fake, action: () => retrying(run) };
        },
        async (fake) => {
          fake.identity.failures.splice(0);
          if (repeated) await retrying(retries.get(fake) ?? (async () => {}));
          await passHours(fake, 2);
          await expectTidy(fake);
          if (!repeated) expect(fake.secrets.kept.size).toBe(0);
        },
      );
    }
  });

  const afterDeath: [string, (fake: FakeApp, retry: () => Promise<unknown>) => Promise<void>][] = [
    ['nobody comes back', async () => {}],
    ['the caller repeats it at once', async (_fake, retry) => retrying(retry)],
    [
      'the caller repeats it an hour later',
      async (fake, retry) => {
        await passHours(fake, 1);
        await retrying(retry);
      },
    ],
    [
      'the person links again at once',
      async (fake) => {
        fake.app = fake.compose();
        await fake.link(request);
      },
    ],
    [
      'the person links again twice',
      async (fake) => {
        fake.app = fake.compose();
        await fake.link(request);
        fake.clock.advance(1000);
        await fake.link(request);
      },
    ],
    [
      'the state is asked for',
      async (fake) => {
        for (const { partitionKey } of fake.links.all().filter(({ rowKey }) => rowKey === 'link'))
          await getLink(fake.compose().linking, partitionKey, 'acme', fake.invocation());
      },
    ],
  ];

  async function retrying(retry: () => Promise<unknown>): Promise<void> {
    await retry().catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error;
    });
  }

  describe.each(afterDeath)('when it died and %s', (_title, next) => {
    test('a confirm of a new mailbox either connected it or left nothing behind', async () => {
      const retries = new Map<FakeApp, () => Promise<unknown>>();
      const points = await everyDeath(
        async () => {
          const fake = new FakeApp();
          const authorized = await fake.authorize(request);
          retries.set(fake, () => confirm(fake, authorized, {}, fake.compose()));
          return { fake, action: () => confirm(fake, authorized, {}, fake.compose()) };
        },
        async (fake) => {
          await next(fake, retries.get(fake) ?? (async () => {}));
          await passHours(fake, 27);
          await expectTidy(fake);
        },
      );
      expect(points).toBeGreaterThanOrEqual(10);
    });

    test('a confirm of a mailbox that is linked already keeps its connection working', async () => {
      const retries = new Map<FakeApp, () => Promise<unknown>>();
      await everyDeath(
        async () => {
          const fake = new FakeApp();
          await fake.link(request);
          fake.clock.advance(1000);
          await fake.link(request);
          fake.clock.advance(1000);
          const authorized = await fake.authorize(request);
          retries.set(fake, () => confirm(fake, authorized, {}, fake.compose()));
          return { fake, action: () => confirm(fake, authorized, {}, fake.compose()) };
        },
        async (fake) => {
          await next(fake, retries.get(fake) ?? (async () => {}));
          await passHours(fake, 27);
          await expectTidy(fake);
          expect((await fake.app.linking.connections.list('acme', 10)).connections).toHaveLength(1);
        },
      );
    });

    test('a re-link keeps the connection and its id', async () => {
      const retries = new Map<FakeApp, () => Promise<unknown>>();
      const ids = new Map<FakeApp, string>();
      await everyDeath(
        async () => {
          const fake = new FakeApp();
          const { connectionId } = (await fake.link(request)).connection;
          ids.set(fake, connectionId);
          fake.clock.advance(1000);
          const authorized = await fake.authorize({ ...request, connectionId });
          retries.set(fake, () => confirm(fake, authorized, {}, fake.compose()));
          return { fake, action: () => confirm(fake, authorized, {}, fake.compose()) };
        },
        async (fake) => {
          await next(fake, retries.get(fake) ?? (async () => {}));
          await passHours(fake, 27);
          await expectTidy(fake);
          const { connections } = await fake.app.linking.connections.list('acme', 10);
          expect(connections.map(({ connectionId }) => connectionId)).toEqual([ids.get(fake)]);
        },
      );
    });
  });

  test('a confirm that died is ended or finished after the application’s other connection was unlinked', async () => {
    await everyDeath(
      async () => {
        const fake = new FakeApp();
        await fake.link(request);
        fake.clock.advance(1000);
        fake.identity.claims = { oid: '0b1ec700-0000-4000-8000-000000000002' };
        const authorized = await fake.authorize(request);
        return { fake, action: () => confirm(fake, authorized, {}, fake.compose()) };
      },
      async (fake) => {
        const { connections } = fake.compose();
        const [first] = (await connections.connections.list('acme', 10)).connections.filter(
          ({ objectId }) => objectId === HR_OBJECT,
        );
        await unlinkConnection(connections, 'acme', first?.connectionId ?? '', fake.invocation());
        await passHours(fake, 27);
        await expectTidy(fake);
      },
    );
  });

  test('an unlink that is killed at any point is finished by the next one or by the check', async () => {
    for (const repeated of [true, false]) {
      const ids = new Map<FakeApp, string>();
      await everyDeath(
        async () => {
          const fake = new FakeApp();
          const { connectionId } = (await fake.link(request)).connection;
          ids.set(fake, connectionId);
          const { connections } = fake.compose();
          return { fake, action: () => unlinkConnection(connections, 'acme', connectionId, fake.invocation()) };
        },
        async (fake) => {
          const connectionId = ids.get(fake) ?? '';
          const { connections } = fake.compose();
          const row = await connections.connections.get('acme', connectionId);
          // Until the row says `removing`, only the caller knows that an unlink was begun.
          if (repeated || row?.status === 'connected')
            await unlinkConnection(connections, 'acme', connectionId, fake.invocation()).catch(() => {});
          await passHours(fake, 2);
          expect((await errorOf(getConnection(connections, 'acme', connectionId))).code).toBe('not_found');
          expect(fake.connectionRows()).toEqual([]);
          expect(fake.applications.all()).toEqual([]);
          expect([...fake.secrets.kept.keys()]).toEqual([]);
          await expectTidy(fake);
        },
      );
    }
  });
});
