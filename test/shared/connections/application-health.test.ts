import { beforeEach, describe, expect, test } from 'vitest';
import { HOUR, MINUTE } from '../../../shared/clock.ts';
import { pauseConnection } from '../../../shared/connections/change-connection.ts';
import { runCheck } from '../../../shared/connections/checks.ts';
import type { Connection } from '../../../shared/connections/connection.ts';
import { QUEUES } from '../../../shared/storage-names.ts';
import { CUSTOMER_CLIENT_ID } from '../../fakes/app.ts';
import { HR_OBJECT } from '../../fakes/microsoft.ts';
import { customerOwned } from '../linking/support.ts';
import { MailWorld } from '../mail/support.ts';
import { current, eventsOf, gateOf, SECOND_OBJECT, wait } from './support.ts';

const REFUSED = { error: 'invalid_client', number: 7000222, status: 401 };
const [OLD, NEW] = ['Acme~client.secret-0001', 'Acme~client.secret-0002'];

let world: MailWorld;
let first: Connection;
let second: Connection;
let other: Connection;

/** Two mailboxes linked through the customer's application, and a third through RoboMQ's. */
beforeEach(async () => {
  world = await MailWorld.create();
  other = world.connection;
  first = (await world.link(customerOwned(OLD))).connection;
  world.identity.claims = { oid: SECOND_OBJECT, preferred_username: 'payroll@acme.example' };
  second = (await world.link(customerOwned(OLD))).connection;
  world.identity.claims = {};
  world.connection = first;
  world.queues.sent.splice(0);
});

/** The checks that are on their queue are worked off. */
async function deliverChecks(): Promise<void> {
  const checks = world.queues.of(QUEUES.checks);
  const rest = world.queues.sent.filter(({ queue }) => queue !== QUEUES.checks);
  world.queues.sent.splice(0, world.queues.sent.length, ...rest);
  for (const { text } of checks) await runCheck(world.app.checks, JSON.parse(text), world.invocation());
}

/** The application is refused with every secret that it has. */
async function refuse(): Promise<void> {
  world.identity.failures.push(...Array.from({ length: 4 }, () => REFUSED));
  await world.deliver(world.message());
  world.identity.failures.splice(0);
}

const application = () => world.app.checks.applications.get('acme', CUSTOMER_CLIENT_ID);
const statuses = async () =>
  Promise.all([first, second, other].map(async (each) => (await current(world, each)).status));
const gates = async () => Promise.all([first, second, other].map((each) => gateOf(world, each)));

describe('an application that Microsoft refuses', () => {
  test('is marked, told of once, and shuts the gates of all its connections, and of no other', async () => {
    await refuse();
    await deliverChecks();
    expect(await application()).toMatchObject({ broken: true, brokenReason: 'invalid_client_7000222' });
    expect(await statuses()).toEqual(['broken', 'broken', 'connected']);
    expect(await gates()).toEqual(['broken', 'broken', 'open']);
    expect(eventsOf(world).filter((type) => type === 'application.broken')).toHaveLength(1);
    expect(await world.record()).toMatchObject({ state: 'held', reason: 'broken', attempts: 0 });
    expect(await current(world, second)).toMatchObject({ reason: 'invalid_client_7000222' });
  });

  test('works again with a new secret: all its gates open, and the mail that was held goes', async () => {
    await refuse();
    await deliverChecks();
    await wait(world, second, 'mail-2');
    world.clock.advance(MINUTE);
    await world.link(customerOwned(NEW));
    await deliverChecks();
    expect(await application()).toMatchObject({ broken: false, brokenReason: '' });
    expect(await statuses()).toEqual(['connected', 'connected', 'connected']);
    expect(await gates()).toEqual(['open', 'open', 'open']);
    expect(eventsOf(world)).toContain('connection.resumed');
    await world.deliverTickets();
    expect(world.graph.posted).toHaveLength(2);
  });

  test('is not called broken when it got a new secret while the old one was being refused', async () => {
    world.identity.failures.push(REFUSED, REFUSED);
    const answers = world.connections.before;
    let relinked = false;
    // The moment in which the sender reads the connection again before it says anything.
    world.applications.before = async ({ kind }) => {
      if (kind !== 'write' || relinked) return;
      relinked = true;
      await world.link(customerOwned(NEW));
    };
    await world.deliver(world.message());
    world.connections.before = answers;
    await deliverChecks();
    expect(await application()).toMatchObject({ broken: false });
    expect(await statuses()).toEqual(['connected', 'connected', 'connected']);
    await world.deliverTickets();
    expect(await world.record()).toMatchObject({ state: 'accepted' });
  });

  test('is brought into line by the follow-up when the process died right after marking it', async () => {
    world.identity.failures.push(...Array.from({ length: 4 }, () => REFUSED));
    world.connections.before = async ({ kind }) => {
      if (kind === 'write') throw new Error('killed');
    };
    await expect(world.deliver(world.message())).rejects.toThrow('killed');
    world.identity.failures.splice(0);
    world.connections.before = () => {};
    expect(await statuses()).toEqual(['connected', 'connected', 'connected']);
    await deliverChecks();
    expect(await statuses()).toEqual(['broken', 'broken', 'connected']);
    expect(eventsOf(world)).toContain('application.broken');
  });

  test('recovers by itself when Microsoft takes its secret again', async () => {
    await refuse();
    await deliverChecks();
    const { connectionId, customerId } = second;
    const { log } = world.invocation();
    world.clock.advance(HOUR);
    expect((await world.app.mail.tokens.get(await current(world, second), log)).kind).toBe('token');
    await deliverChecks();
    expect(await statuses()).toEqual(['connected', 'connected', 'connected']);
    expect(await world.app.checks.connections.get(customerId, connectionId)).toMatchObject({ reason: '' });
  });

  test('leaves the trouble of a single connection alone, before and after', async () => {
    await world.app.mail.health.shut(second, 'needs_relink', 'invalid_grant', world.invocation().log);
    await refuse();
    await deliverChecks();
    expect(await statuses()).toEqual(['broken', 'needs_relink', 'connected']);
    world.clock.advance(MINUTE);
    world.identity.claims = { oid: HR_OBJECT };
    await world.link(customerOwned(NEW));
    await deliverChecks();
    expect(await statuses()).toEqual(['connected', 'needs_relink', 'connected']);
  });
});

describe('a pause', () => {
  test('outlives a refused application and its new secret', async () => {
    await pauseConnection(world.app.connections, 'acme', second.connectionId, world.invocation());
    await refuse();
    await deliverChecks();
    expect(await statuses()).toEqual(['broken', 'broken', 'connected']);
    world.clock.advance(MINUTE);
    await world.link(customerOwned(NEW));
    await deliverChecks();
    expect(await statuses()).toEqual(['connected', 'paused', 'connected']);
    expect(await gates()).toEqual(['open', 'paused', 'open']);
  });

  test('outlives a dead refresh token and the new link', async () => {
    await pauseConnection(world.app.connections, 'acme', first.connectionId, world.invocation());
    await world.app.mail.health.shut(await current(world, first), 'needs_relink', 'x', world.invocation().log);
    expect(await current(world, first)).toMatchObject({ status: 'needs_relink', paused: true });
    world.clock.advance(MINUTE);
    await world.link(customerOwned(OLD));
    expect(await current(world, first)).toMatchObject({ status: 'paused' });
    expect(await gateOf(world, first)).toBe('paused');
  });
});
