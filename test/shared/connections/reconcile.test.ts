import { beforeEach, describe, expect, test } from 'vitest';
import { MINUTE } from '../../../shared/clock.ts';
import { pauseConnection, resumeConnection } from '../../../shared/connections/change-connection.ts';
import type { Connection } from '../../../shared/connections/connection.ts';
import { reconcile } from '../../../shared/connections/reconcile.ts';
import { CUSTOMER_CLIENT_ID, FakeApp } from '../../fakes/app.ts';
import { interruptedAt, killedAt } from '../linking/crash.ts';
import { confirm, customerOwned } from '../linking/support.ts';
import { current, eventsOf, gateOf } from './support.ts';

let fake: FakeApp;
let connection: Connection;

beforeEach(async () => {
  fake = new FakeApp();
  connection = (await fake.link(customerOwned())).connection;
});

async function bringIntoLine(): Promise<void> {
  const app = fake.compose();
  await reconcile(app.checks, await current(fake, connection), fake.invocation());
}

/** Status and gate, which must speak of the same. */
async function both() {
  const { status, credentialVersion } = await current(fake, connection);
  const { lane } = await fake.app.linking.lanes.get(connection.connectionId);
  expect(lane?.gate).toBe(status === 'connected' ? 'open' : status);
  expect(lane?.credentialVersion).toBe(credentialVersion);
  return status;
}

const pause = () => pauseConnection(fake.app.connections, 'acme', connection.connectionId, fake.invocation());
const resume = () => resumeConnection(fake.app.connections, 'acme', connection.connectionId, fake.invocation());
const refuse = async (trouble: 'needs_relink' | 'no_mailbox' | 'blocked') =>
  fake.app.mail.health.shut(await current(fake, connection), trouble, 'x', fake.invocation().log);
const application = async () => {
  const row = await fake.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID);
  if (!row) throw new Error('the application is gone');
  return row;
};
const breakApplication = async () =>
  fake.app.mail.health.shut(
    await current(fake, connection),
    'broken',
    'invalid_client_7000222',
    fake.invocation().log,
    await application(),
  );
const mend = async () => {
  await fake.app.linking.applicationHealth.recover(await application(), fake.invocation().log);
  await fake.app.linking.applicationHealth.align('acme', CUSTOMER_CLIENT_ID, fake.invocation().log);
};

/** What moves status and gate, from which state, and which event goes with it. */
const WRITERS: readonly (readonly [string, () => Promise<unknown>, () => Promise<unknown>, string | undefined])[] = [
  ['a pause', async () => {}, pause, 'connection.paused'],
  ['a resume', pause, resume, 'connection.resumed'],
  ['a dead link', async () => {}, () => refuse('needs_relink'), 'connection.needs_relink'],
  ['a lost mailbox', async () => {}, () => refuse('no_mailbox'), 'connection.no_mailbox'],
  [
    'a mailbox that came back',
    () => refuse('blocked'),
    async () => fake.app.mail.health.recover(await current(fake, connection), fake.invocation().log),
    'connection.resumed',
  ],
  [
    'a link that came back',
    () => refuse('needs_relink'),
    async () => fake.app.mail.health.revive(await current(fake, connection), fake.invocation().log),
    'connection.resumed',
  ],
  ['a refused application', async () => {}, breakApplication, 'application.broken'],
  ['an application that is taken again', breakApplication, mend, 'connection.resumed'],
];

describe.each(WRITERS)('%s', (_name, prepare, write, event) => {
  test('that died between status and gate is finished, and told of once', async () => {
    for (const when of ['before', 'after'] as const) {
      for (let n = 1, finished = false; !finished; n += 1) {
        fake = new FakeApp();
        connection = (await fake.link(customerOwned())).connection;
        await prepare();
        fake.clock.advance(MINUTE);
        const { status: before } = await current(fake, connection);
        const told = eventsOf(fake).length;
        finished = await killedAt(fake, n, when, write);
        await bringIntoLine();
        await fake.app.connections.outbox.flush(connection.connectionId);
        const status = await both();
        const events = eventsOf(fake)
          .slice(told)
          .filter((type) => type === event);
        // At least once, where the event was on the queue and its row still there; never not at all.
        if (status !== before && event !== undefined) expect(events.length, `${when} ${n}`).toBeGreaterThan(0);
        expect(n).toBeLessThan(30);
      }
    }
  });

  test('is not fought by a check that comes in between, nor fights it', async () => {
    for (let n = 1, over = false; !over; n += 1) {
      fake = new FakeApp();
      connection = (await fake.link(customerOwned())).connection;
      await prepare();
      fake.clock.advance(MINUTE);
      over = await interruptedAt(fake, n, bringIntoLine, write);
      const interrupted = await both();
      // Alone, it comes to the same.
      fake = new FakeApp();
      connection = (await fake.link(customerOwned())).connection;
      await prepare();
      fake.clock.advance(MINUTE);
      await write();
      expect(interrupted, `at ${n}`).toBe(await both());
      expect(n).toBeLessThan(60);
    }
  });

  test('in the middle of a check has the last word', async () => {
    for (let n = 1, over = false; !over; n += 1) {
      fake = new FakeApp();
      connection = (await fake.link(customerOwned())).connection;
      await prepare();
      // Something to do for the check: the gate is not where it belongs.
      const { lane } = await fake.app.linking.lanes.get(connection.connectionId);
      await fake.app.linking.lanes.setGate(connection.connectionId, {
        to: () => (lane?.gate === 'open' ? 'paused' : 'open'),
      });
      fake.clock.advance(MINUTE);
      over = await interruptedAt(fake, n, write, bringIntoLine);
      if (over) continue;
      await bringIntoLine();
      await both();
      expect(n).toBeLessThan(60);
    }
  });
});

test('a new link that died before it opened the gate is finished, with its credentials and its event', async () => {
  let between = 0;
  for (let n = 1, finished = false; !finished; n += 1) {
    fake = new FakeApp();
    connection = (await fake.link(customerOwned())).connection;
    await refuse('needs_relink');
    fake.clock.advance(MINUTE);
    const authorized = await fake.authorize(customerOwned());
    finished = await killedAt(fake, n, 'after', () => confirm(fake, authorized, {}, fake.compose()));
    const { credentialVersion } = await current(fake, connection);
    if (credentialVersion === 1 || (await gateOf(fake, connection)) === 'open') continue;
    between += 1;
    await bringIntoLine();
    expect(await both()).toBe('connected');
    // Rolled forward later, the link finds it told.
    await confirm(fake, authorized, {}, fake.compose());
    expect(eventsOf(fake).filter((type) => type === 'connection.linked').length).toBeGreaterThanOrEqual(2);
    expect(await both()).toBe('connected');
  }
  expect(between).toBeGreaterThan(0);
});

test('a gate that is removed, or speaks of newer credentials, is left alone', async () => {
  const { lanes } = fake.app.linking;
  await lanes.setGate(connection.connectionId, { to: () => 'paused', credentialVersion: 9 });
  await bringIntoLine();
  expect(await gateOf(fake, connection)).toBe('paused');
  await lanes.setGate(connection.connectionId, { to: () => 'removed' });
  await bringIntoLine();
  expect(await gateOf(fake, connection)).toBe('removed');
});

test('a lane that is gone is made again', async () => {
  await fake.app.linking.lanes.remove(connection.connectionId);
  await bringIntoLine();
  expect(await both()).toBe('connected');
});

test('where all is well nothing is written', async () => {
  const { lane } = await fake.app.linking.lanes.get(connection.connectionId);
  await bringIntoLine();
  expect((await fake.app.linking.lanes.get(connection.connectionId)).lane?.etag).toBe(lane?.etag);
});
