import { describe, expect, test } from 'vitest';
import { MINUTE } from '../../../shared/clock.ts';
import { pauseConnection, resumeConnection } from '../../../shared/connections/change-connection.ts';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { AppError } from '../../../shared/errors.ts';
import { getLink } from '../../../shared/linking/link-state.ts';
import type { StartLinkRequest } from '../../../shared/linking/requests.ts';
import { tidyLink } from '../../../shared/linking/settle-link.ts';
import { FakeApp } from '../../fakes/app.ts';
import { interruptedAt, killedAt } from './crash.ts';
import { confirm, customerOwned, expectTidy, passHours } from './support.ts';

const MAX_POINTS = 80;

interface Scene {
  readonly fake: FakeApp;
  readonly action: () => Promise<unknown>;
  readonly other: () => Promise<unknown>;
}

/** Something else happens, from beginning to end, at every point between two requests of an action. */
async function everyMoment(prepare: () => Promise<Scene>, afterwards: (fake: FakeApp) => Promise<void>) {
  for (let n = 1; ; n += 1) {
    expect(n, 'the action comes to its end').toBeLessThan(MAX_POINTS);
    const { fake, action, other } = await prepare();
    const undisturbed = await interruptedAt(
      fake,
      n,
      () => refusable(other()),
      () => refusable(action()),
    );
    try {
      await passHours(fake, 27);
      await expectTidy(fake);
      if (!undisturbed) await afterwards(fake);
    } catch (error) {
      throw new Error(`interrupted at request ${n}`, { cause: error });
    }
    if (undisturbed) return;
  }
}

/** Losing against somebody else is an answer, not a failure. */
async function refusable(action: Promise<unknown>): Promise<void> {
  await action.catch((error: unknown) => {
    if (!(error instanceof AppError)) throw error;
  });
}

async function connectionsOf(fake: FakeApp) {
  return (await fake.app.linking.connections.list('acme', 100)).connections;
}

const kinds: [string, Partial<StartLinkRequest>][] = [
  ['RoboMQ’s application', {}],
  ['the customer’s application', customerOwned()],
];

describe.each(kinds)('during a confirm through %s', (_, request) => {
  test('the same confirm may come again: the code is redeemed once', async () => {
    await everyMoment(
      async () => {
        const fake = new FakeApp();
        const authorized = await fake.authorize(request);
        const run = () => confirm(fake, authorized, {}, fake.compose());
        return { fake, action: run, other: run };
      },
      async (fake) => {
        expect(fake.identity.redeemed).toHaveLength(1);
        expect(await connectionsOf(fake)).toHaveLength(1);
      },
    );
  });

  test('the scan and the state query may look at the link', async () => {
    await everyMoment(
      async () => {
        const fake = new FakeApp();
        const authorized = await fake.authorize(request);
        const { linking } = fake.compose();
        const other = async () => {
          await getLink(linking, authorized.linkId, 'acme', fake.invocation());
          await tidyLink(linking, authorized.linkId, fake.invocation());
        };
        return { fake, action: () => confirm(fake, authorized), other };
      },
      async (fake) => expect(await connectionsOf(fake)).toHaveLength(1),
    );
  });

  test('the process may hang until the scan takes it for dead', async () => {
    await everyMoment(
      async () => {
        const fake = new FakeApp();
        const authorized = await fake.authorize(request);
        const { linking } = fake.compose();
        const other = async () => {
          fake.clock.advance(4 * MINUTE);
          await tidyLink(linking, authorized.linkId, fake.invocation());
        };
        return { fake, action: () => confirm(fake, authorized), other };
      },
      async () => {},
    );
  });

  test('another link of the same mailbox may be confirmed: one connection remains, and it works', async () => {
    await everyMoment(
      async () => {
        const fake = new FakeApp();
        const first = await fake.authorize(request);
        const second = await fake.authorize(request);
        return {
          fake,
          action: () => confirm(fake, first),
          other: () => confirm(fake, second, {}, fake.compose()),
        };
      },
      async (fake) => expect(await connectionsOf(fake)).toHaveLength(1),
    );
  });

  test('another re-link of the connection may be confirmed', async () => {
    await everyMoment(
      async () => {
        const fake = new FakeApp();
        const { connectionId } = (await fake.link(request)).connection;
        fake.clock.advance(1000);
        const first = await fake.authorize({ ...request, connectionId });
        const second = await fake.authorize({ ...request, connectionId });
        return {
          fake,
          action: () => confirm(fake, first),
          other: () => confirm(fake, second, {}, fake.compose()),
        };
      },
      async (fake) => expect(await connectionsOf(fake)).toHaveLength(1),
    );
  });

  test.each([['a re-link'], ['a link of the same mailbox']])(
    'the connection may be unlinked: %s either fails or makes a connection that works',
    async (what) => {
      await everyMoment(
        async () => {
          const fake = new FakeApp();
          const { connectionId } = (await fake.link(request)).connection;
          fake.clock.advance(1000);
          const authorized = await fake.authorize(what === 'a re-link' ? { ...request, connectionId } : request);
          const { connections } = fake.compose();
          return {
            fake,
            action: () => confirm(fake, authorized),
            other: () => unlinkConnection(connections, 'acme', connectionId, fake.invocation()),
          };
        },
        async () => {},
      );
    },
  );

  test('the connection may be paused and resumed', async () => {
    await everyMoment(
      async () => {
        const fake = new FakeApp();
        const { connectionId } = (await fake.link(request)).connection;
        fake.clock.advance(1000);
        const authorized = await fake.authorize({ ...request, connectionId });
        const { connections } = fake.compose();
        const other = async () => {
          await pauseConnection(connections, 'acme', connectionId, fake.invocation());
          await resumeConnection(connections, 'acme', connectionId, fake.invocation());
        };
        return { fake, action: () => confirm(fake, authorized), other };
      },
      async (fake) => expect(await connectionsOf(fake)).toHaveLength(1),
    );
  });
});

describe.each(kinds)('after an unlink through %s that died', (_, request) => {
  test('the mailbox is linked anew at once, wherever it died', async () => {
    let over = false;
    for (let n = 1; !over; n += 1) {
      const fake = new FakeApp();
      const { connectionId } = (await fake.link(request)).connection;
      fake.clock.advance(1000);
      over = await killedAt(fake, n, 'after', () =>
        unlinkConnection(fake.compose().connections, 'acme', connectionId, fake.invocation()),
      );
      const { connection } = await fake.link(request);
      expect(connection.status).toBe('connected');
      await passHours(fake, 27);
      expect((await connectionsOf(fake)).map((each) => each.connectionId)).toEqual([connection.connectionId]);
      await expectTidy(fake);
      expect(n).toBeLessThan(MAX_POINTS);
    }
  });
});

describe.each(kinds)('during an unlink through %s', (_, request) => {
  test('a re-link may be confirmed: nothing of either is left', async () => {
    await everyMoment(
      async () => {
        const fake = new FakeApp();
        const { connectionId } = (await fake.link(request)).connection;
        fake.clock.advance(1000);
        const authorized = await fake.authorize({ ...request, connectionId });
        const { connections } = fake.compose();
        return {
          fake,
          action: () => unlinkConnection(connections, 'acme', connectionId, fake.invocation()),
          other: () => confirm(fake, authorized),
        };
      },
      async () => {},
    );
  });

  test('the same unlink may come again', async () => {
    await everyMoment(
      async () => {
        const fake = new FakeApp();
        const { connectionId } = (await fake.link(request)).connection;
        const run = () => unlinkConnection(fake.compose().connections, 'acme', connectionId, fake.invocation());
        return { fake, action: run, other: run };
      },
      async (fake) => {
        expect(await connectionsOf(fake)).toEqual([]);
        expect(fake.secrets.kept.size).toBe(0);
      },
    );
  });

  test('the other connection of the same application may be unlinked', async () => {
    await everyMoment(
      async () => {
        const fake = new FakeApp();
        const first = (await fake.link(request)).connection.connectionId;
        fake.identity.claims = { oid: '0b1ec700-0000-4000-8000-000000000002' };
        const second = (await fake.link(request)).connection.connectionId;
        const unlink = (id: string) => () =>
          unlinkConnection(fake.compose().connections, 'acme', id, fake.invocation());
        return { fake, action: unlink(first), other: unlink(second) };
      },
      async (fake) => {
        expect(await connectionsOf(fake)).toEqual([]);
        expect(fake.applications.all()).toEqual([]);
        expect(fake.secrets.kept.size).toBe(0);
      },
    );
  });

  test('another mailbox may be linked through the same application', async () => {
    await everyMoment(
      async () => {
        const fake = new FakeApp();
        const { connectionId } = (await fake.link(request)).connection;
        fake.clock.advance(1000);
        fake.identity.claims = { oid: '0b1ec700-0000-4000-8000-000000000002' };
        const authorized = await fake.authorize(request);
        return {
          fake,
          action: () => unlinkConnection(fake.compose().connections, 'acme', connectionId, fake.invocation()),
          other: () => confirm(fake, authorized),
        };
      },
      async (fake) => expect(await connectionsOf(fake)).toHaveLength(1),
    );
  });
});
