import { describe, expect, test } from 'vitest';
import { DAY, HOUR } from '../../../shared/clock.ts';
import { runCheck, scan } from '../../../shared/connections/checks.ts';
import type { Connection } from '../../../shared/connections/connection.ts';
import { getConnection } from '../../../shared/connections/read-connections.ts';
import { nextCheckAfter } from '../../../shared/connections/schedule.ts';
import type { MicrosoftErrorFacts } from '../../../shared/microsoft/identity-platform.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { QUEUES } from '../../../shared/storage-names.ts';
import { CUSTOMER_CLIENT_ID, FakeApp } from '../../fakes/app.ts';
import { FakeHost } from '../../fakes/host.ts';
import { killedAt } from '../linking/crash.ts';
import { customerOwned, expectTidy } from '../linking/support.ts';
import { current, eventsOf, gateOf, token, wait } from './support.ts';

const PAST = '2026-01-01T00:00:00.000Z';
const INACTIVE = { error: 'invalid_grant', number: 700082, status: 400 };
const DISABLED = { error: 'invalid_grant', number: 50057, status: 400 };
const REFUSED_APP = { error: 'invalid_client', number: 7000222, status: 401 };

async function linked(request: Parameters<FakeApp['link']>[0] = {}, settings: Record<string, string> = {}) {
  const fake = new FakeApp(settings);
  const { connection } = await fake.link(request);
  fake.queues.sent.splice(0);
  return { fake, connection, host: new FakeHost(fake) };
}

/** From now on, every refresh is answered so; undefined for a token. */
function microsoftSays(fake: FakeApp, facts: MicrosoftErrorFacts | undefined): void {
  fake.identity.failures.splice(0);
  if (facts) fake.identity.failures.push(...Array.from({ length: 1000 }, () => facts));
}

const shown = (fake: FakeApp, { connectionId }: Connection) =>
  getConnection(fake.app.connections, 'acme', connectionId);

describe('the daily check', () => {
  test('calls no dead link alive from memory: Microsoft is asked', async () => {
    const { fake, connection } = await linked();
    const { log } = fake.invocation();
    await token(fake, connection);
    fake.clock.advance(HOUR);
    await token(fake, connection);
    await fake.app.mail.health.shut(connection, 'needs_relink', 'invalid_grant_50057', log);
    await fake.app.linking.connections.change('acme', connection.connectionId, () => ({ nextCheckAt: PAST }));
    microsoftSays(fake, DISABLED);
    const { customerId, connectionId } = connection;
    await runCheck(fake.app.checks, { v: 1, kind: 'connection', customerId, connectionId }, fake.invocation());
    expect(await current(fake, connection)).toMatchObject({ status: 'needs_relink' });
    expect(await gateOf(fake, connection)).toBe('needs_relink');
    expect(eventsOf(fake)).not.toContain('connection.resumed');
  });

  test('proves the token of an idle mailbox once a day, and says so', async () => {
    const { fake, connection, host } = await linked();
    await host.pass(10 * DAY);
    expect([9, 10]).toContain(fake.identity.refreshed.length);
    const proven = await current(fake, connection);
    expect(fake.clock.now().getTime() - Date.parse(proven.lastProvenAt)).toBeLessThan(DAY + HOUR);
    expect(proven.troubleAt).toBe(new Date(Date.parse(connection.refreshTokenStoredAt) + 90 * DAY).toISOString());
  });

  test('keeps an idle mailbox alive for years: its stored token is never older than 31 days', async () => {
    const { fake, connection, host } = await linked();
    for (let day = 0; day < 400; day += 1) {
      await host.pass(DAY);
      const { refreshTokenStoredAt } = await current(fake, connection);
      expect(fake.clock.now().getTime() - Date.parse(refreshTokenStoredAt)).toBeLessThan(31 * DAY + 2 * HOUR);
    }
    expect((await shown(fake, connection)).daysToTrouble).toBeGreaterThan(58);
  });

  test('asks nobody when a send asked within the hour', async () => {
    const { fake, connection } = await linked();
    const app = fake.compose();
    const host = new FakeHost(fake, () => app);
    for (let n = 0; n < 27; n += 1) {
      await app.mail.tokens.get(await current(fake, connection), fake.invocation().log);
      const { length } = fake.identity.refreshed;
      await host.pass(59 * 60_000);
      expect(fake.identity.refreshed).toHaveLength(length);
    }
    expect(fake.events.map(({ name }) => name)).toContain('connection.checked');
  });

  test('notices a dead link of which nobody sends, within a day and two hours, and tells how and whom', async () => {
    const { fake, connection, host } = await linked();
    await fake.app.linking.connections.change('acme', connection.connectionId, () => ({
      alertAddress: 'it@acme.example',
    }));
    await wait(fake, connection, 'mail-1');
    fake.queues.sent.splice(0);
    await host.pass(3 * DAY);
    microsoftSays(fake, INACTIVE);
    await host.pass(26 * HOUR);
    expect(await shown(fake, connection)).toMatchObject({
      status: 'needs_relink',
      reason: 'inactive',
      trouble: { whoActs: 'user', meaning: expect.stringContaining('90 days') },
    });
    expect(await gateOf(fake, connection)).toBe('needs_relink');
    const told = fake.queues.of(QUEUES.events).map(({ text }) => JSON.parse(text));
    expect(told.at(-1)).toMatchObject({
      type: 'connection.needs_relink',
      data: { reason: 'inactive', alertAddress: 'it@acme.example', waiting: expect.any(Number) },
    });
  });

  test('wakes mail whose ticket was lost, and leaves none where nothing waits', async () => {
    const { fake, connection, host } = await linked();
    await host.pass(2 * DAY);
    expect(fake.queues.of(QUEUES.lanes)).toEqual([]);
    expect(fake.events.map(({ name }) => name)).not.toContain('mail.attempt');
    await wait(fake, connection, 'mail-1');
    fake.queues.sent.splice(0);
    await host.pass(26 * HOUR);
    expect(fake.graph.posted).toHaveLength(1);
  });

  test('never changes a status for an outage of days, and asks again every three hours', async () => {
    const { fake, connection, host } = await linked(customerOwned());
    for (const facts of [
      { error: 'network_error' },
      { error: 'server_error', status: 503 },
      { error: 'x', status: 429 },
    ]) {
      microsoftSays(fake, facts);
      fake.identity.refreshed.splice(0);
      await host.pass(2 * DAY);
      expect(fake.identity.refreshed.length).toBeGreaterThan(5);
      expect(fake.identity.refreshed.length).toBeLessThan(18);
      expect(await current(fake, connection)).toMatchObject({ status: 'connected', reason: '' });
      expect(await gateOf(fake, connection)).toBe('open');
    }
    microsoftSays(fake, undefined);
    await host.pass(5 * HOUR);
    expect(fake.clock.now().getTime() - Date.parse((await current(fake, connection)).lastProvenAt)).toBeLessThan(
      5 * HOUR,
    );
    fake.identity.refreshed.splice(0);
    await host.pass(4 * DAY);
    expect(fake.identity.refreshed.length).toBeLessThanOrEqual(5);
  });

  test('goes through its other steps while the vault does not answer', async () => {
    const { fake, connection, host } = await linked(customerOwned());
    await fake.app.linking.lanes.setGate(connection.connectionId, { to: () => 'paused' });
    fake.secrets.before = () => {
      throw new StoreUnavailable('key vault', 5);
    };
    await host.pass(DAY);
    expect(host.failures).toEqual([]);
    expect(await gateOf(fake, connection)).toBe('open');
    expect(await current(fake, connection)).toMatchObject({ status: 'connected' });
  });

  test('that dies anywhere is repeated within hours, and comes to the same end', async () => {
    for (const when of ['before', 'after'] as const) {
      for (let n = 1, finished = false; !finished; n += 1) {
        const { fake, connection, host } = await linked(customerOwned());
        await fake.link(customerOwned('Acme~client.secret-0002'));
        await host.pass(40 * DAY);
        const { lastProvenAt } = await current(fake, connection);
        fake.clock.advance(31 * DAY);
        let checks = 0;
        host.execute = async (action, what) => {
          if (what !== 'check') return action();
          checks += 1;
          if (checks !== 1) return action();
          finished = await killedAt(fake, n, when, action);
          if (!finished) throw new Error('killed');
        };
        await host.pass(5 * HOUR);
        const after = await current(fake, connection);
        expect(Date.parse(after.lastProvenAt), `${when} ${n}`).toBeGreaterThan(Date.parse(lastProvenAt) + 30 * DAY);
        expect(Date.parse(after.refreshTokenStoredAt)).toBeGreaterThan(Date.parse(after.lastProvenAt) - 5 * HOUR);
        expect(after).toMatchObject({ previousSecretName: '', checkSlot: '' });
        await expectTidy(fake);
        expect(n).toBeLessThan(40);
      }
    }
  });

  test('of two for one day, one finds it taken', async () => {
    const { fake, connection, host } = await linked();
    await host.pass(2 * DAY);
    fake.identity.refreshed.splice(0);
    fake.clock.advance(DAY);
    const check = { v: 1, kind: 'connection', customerId: 'acme', connectionId: connection.connectionId };
    const instances = [fake.compose(), fake.compose(), fake.compose()];
    await Promise.all(instances.map((app) => runCheck(app.checks, check, fake.invocation())));
    await runCheck(fake.compose().checks, check, fake.invocation());
    expect(fake.identity.refreshed).toHaveLength(1);
  });
});

describe('a connection that needs a new link', () => {
  test('is tried once a day where its trouble may pass, and works again when it did', async () => {
    const { fake, connection, host } = await linked();
    await wait(fake, connection, 'mail-1');
    microsoftSays(fake, DISABLED);
    await host.pass(2 * DAY);
    expect(await shown(fake, connection)).toMatchObject({ status: 'needs_relink', reason: 'account_disabled' });
    fake.identity.refreshed.splice(0);
    await host.pass(5 * DAY);
    // Each try asks twice, with what the store holds then.
    expect(fake.identity.refreshed.length).toBeLessThanOrEqual(12);
    expect(fake.identity.refreshed.length).toBeGreaterThanOrEqual(8);
    expect(eventsOf(fake).filter((type) => type === 'connection.needs_relink')).toHaveLength(1);
    microsoftSays(fake, undefined);
    await host.pass(26 * HOUR);
    expect(await shown(fake, connection)).toMatchObject({ status: 'connected' });
    expect(await shown(fake, connection)).not.toHaveProperty('reason');
    expect(await gateOf(fake, connection)).toBe('open');
    expect(eventsOf(fake)).toContain('connection.resumed');
  });

  test('stays paused if somebody had paused it', async () => {
    const { fake, connection, host } = await linked();
    await fake.app.linking.connections.update(connection, { status: 'paused', paused: true });
    await fake.app.linking.lanes.setGate(connection.connectionId, { to: () => 'paused' });
    microsoftSays(fake, DISABLED);
    await host.pass(2 * DAY);
    expect(await current(fake, connection)).toMatchObject({ status: 'needs_relink', paused: true });
    microsoftSays(fake, undefined);
    await host.pass(2 * DAY);
    expect(await current(fake, connection)).toMatchObject({ status: 'paused', reason: '' });
    expect(await gateOf(fake, connection)).toBe('paused');
  });

  test('is not tried where the grant itself is gone', async () => {
    const { fake, host } = await linked();
    microsoftSays(fake, INACTIVE);
    await host.pass(2 * DAY);
    fake.identity.refreshed.splice(0);
    await host.pass(10 * DAY);
    expect(fake.identity.refreshed).toEqual([]);
  });

  test('is not tried any more once its token is too old to work', async () => {
    const { fake, host } = await linked();
    microsoftSays(fake, DISABLED);
    await host.pass(91 * DAY);
    fake.identity.refreshed.splice(0);
    await host.pass(10 * DAY);
    expect(fake.identity.refreshed).toEqual([]);
  });
});

test('an application that was refused works again for everybody once Microsoft takes its secret', async () => {
  const { fake, connection, host } = await linked(customerOwned());
  microsoftSays(fake, REFUSED_APP);
  await host.pass(2 * DAY);
  expect(await shown(fake, connection)).toMatchObject({ status: 'broken', reason: 'secret_expired' });
  expect((await fake.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID))?.broken).toBe(true);
  microsoftSays(fake, undefined);
  await host.pass(2 * DAY);
  expect(await shown(fake, connection)).toMatchObject({ status: 'connected' });
  expect(await gateOf(fake, connection)).toBe('open');
  expect((await fake.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID))?.broken).toBe(false);
});

describe('the scan', () => {
  test('works off a backlog of days at 50 a second, each connection once, and stops before the host stops it', async () => {
    const fake = new FakeApp();
    const due = Array.from({ length: 40_000 }, (_, n) => ({
      kind: 'connection' as const,
      customerId: 'acme',
      connectionId: `con_${n.toString(16).padStart(32, '0')}`,
    }));
    fake.app.checks.connections.due = async (_now, limit, after) => {
      const from = Number(after ?? 0);
      const next = from + limit < due.length ? { next: String(from + limit) } : {};
      return { due: due.slice(from, from + limit), ...next };
    };
    const started = fake.clock.monotonic();
    await scan(fake.app.checks, fake.invocation());
    const seconds = (fake.clock.monotonic() - started) / 1000;
    const queued = fake.queues.of(QUEUES.checks);
    expect(queued.length / seconds).toBeLessThanOrEqual(50.5);
    expect(seconds).toBeLessThan(9 * 60);
    expect(queued.length).toBeGreaterThan(20_000);
    expect(new Set(queued.map(({ text }) => text)).size).toBe(queued.length);
    expect(fake.events.map(({ name }) => name)).toContain('scan.cut');
    // Nobody works them off: the next scans add no more than that.
    await scan(fake.app.checks, fake.invocation());
    await scan(fake.app.checks, fake.invocation());
    await scan(fake.app.checks, fake.invocation());
    expect(fake.queues.of(QUEUES.checks).length).toBeLessThan(60_000);
    expect(fake.events.map(({ name }) => name)).toContain('scan.skipped');
  });
});

describe('the time of the next check', () => {
  const at = (text: string) => new Date(`2026-11-${text}:00.000Z`);
  test.each([
    ['on time', '23T10:00', '23T10:17', '24T10:00'],
    ['ten hours late', '23T10:00', '23T20:00', '24T10:00'],
    ['nineteen hours late', '23T10:00', '24T05:00', '25T10:00'],
    ['after an outage of three days', '23T10:00', '26T09:00', '27T10:00'],
  ])('keeps its time of day: %s', (_what, slot, now, next) => {
    expect(nextCheckAfter(at(slot), at(now))).toEqual(at(next));
  });
});

test('a token is had from whatever a refused one left behind: two instances that renew at once both go on', async () => {
  const { fake, connection } = await linked();
  const [one, two] = [fake.compose(), fake.compose()];
  const { log } = fake.invocation();
  const results = await Promise.all([one.mail.tokens.get(connection, log), two.mail.tokens.get(connection, log)]);
  fake.clock.advance(HOUR);
  results.push(...(await Promise.all([one.mail.tokens.get(connection, log), two.mail.tokens.get(connection, log)])));
  expect(results.map(({ kind }) => kind)).toEqual(['token', 'token', 'token', 'token']);
  expect((await token(fake, connection)).kind).toBe('token');
});
