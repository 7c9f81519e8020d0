import { describe, expect, test } from 'vitest';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { CUSTOMER_CLIENT_ID, FakeApp } from '../../fakes/app.ts';
import { customerOwned } from '../linking/support.ts';
import { current, eventsOf, gateOf, SECOND_OBJECT } from './support.ts';

function shut(
  fake: FakeApp,
  ...[connection, trouble, reason]: [Parameters<typeof current>[1], 'needs_relink' | 'broken' | 'no_mailbox', string]
) {
  return fake.app.mail.health.shut(connection, trouble, reason, fake.invocation().log);
}

describe('trouble', () => {
  test('is told by status, gate and one event', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    expect(await shut(fake, connection, 'needs_relink', 'invalid_grant')).toBe(true);
    expect(await current(fake, connection)).toMatchObject({ status: 'needs_relink', reason: 'invalid_grant' });
    expect(await gateOf(fake, connection)).toBe('needs_relink');
    await shut(fake, connection, 'needs_relink', 'invalid_grant');
    expect(eventsOf(fake)).toEqual(['connection.linked', 'connection.needs_relink']);
  });

  test('met by four sends at once is told once, under one id', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    const all = await Promise.all([1, 2, 3, 4].map(() => shut(fake, connection, 'needs_relink', 'invalid_grant')));
    expect(all).toEqual([true, true, true, true]);
    expect(eventsOf(fake)).toEqual(['connection.linked', 'connection.needs_relink']);
  });

  test('of an application, met by four sends at once, is told once', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link(customerOwned());
    const { applications } = fake.app.linking;
    const refused = await applications.get('acme', CUSTOMER_CLIENT_ID);
    const log = fake.invocation().log;
    await Promise.all(
      [1, 2, 3, 4].map(() => fake.app.mail.health.shut(connection, 'broken', 'secret_expired', log, refused)),
    );
    expect(eventsOf(fake)).toEqual(['connection.linked', 'application.broken']);
  });

  test('of old credentials never touches a fresh link', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    await fake.link();
    const before = await current(fake, connection);
    expect(await shut(fake, connection, 'needs_relink', 'invalid_grant')).toBe(false);
    expect((await current(fake, connection)).etag).toBe(before.etag);
    expect(await gateOf(fake, connection)).toBe('open');
    expect(eventsOf(fake)).not.toContain('connection.needs_relink');
  });

  test('never shuts the gate of a link that is made between status and gate', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    let relinked = false;
    fake.mails.before = async () => {
      if (relinked) return;
      relinked = true;
      fake.mails.before = () => {};
      await fake.link();
    };
    await shut(fake, connection, 'needs_relink', 'invalid_grant');
    expect(await current(fake, connection)).toMatchObject({ status: 'connected', credentialVersion: 2 });
    expect(await gateOf(fake, connection)).toBe('open');
  });

  test('of a connection that is being removed changes nothing', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    await unlinkConnection(fake.app.connections, 'acme', connection.connectionId, fake.invocation());
    expect(await shut(fake, connection, 'needs_relink', 'invalid_grant')).toBe(false);
    expect(await gateOf(fake, connection)).toBe('removed');
  });

  test('of a customer’s application marks it broken', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link(customerOwned());
    const application = await fake.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID);
    const { log } = fake.invocation();
    await fake.app.mail.health.shut(connection, 'broken', 'invalid_client_7000222', log, application);
    expect((await fake.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID))?.broken).toBe(true);
    expect(eventsOf(fake)).toContain('application.broken');
  });

  test('is finished by the next failure when the process died between status and gate', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    await fake.app.linking.connections.update(connection, { status: 'needs_relink', reason: 'invalid_grant' });
    expect(await shut(fake, connection, 'needs_relink', 'invalid_grant')).toBe(true);
    expect(await gateOf(fake, connection)).toBe('needs_relink');
  });
});

describe('trouble of a connection’s own', () => {
  test.each(['needs_relink', 'no_mailbox', 'blocked'] as const)(
    '%s outlives a refused application and its new secret: the secret would not end it',
    async (trouble) => {
      const fake = new FakeApp();
      const { connection } = await fake.link(customerOwned());
      const { log } = fake.invocation();
      await fake.app.mail.health.shut(connection, trouble, 'invalid_grant_50057', log);
      const refused = await fake.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID);
      await fake.app.mail.health.shut(
        await current(fake, connection),
        'broken',
        'invalid_client_7000222',
        log,
        refused,
      );
      await fake.app.checks.applicationHealth.align('acme', CUSTOMER_CLIENT_ID, log);
      expect(await current(fake, connection)).toMatchObject({ status: trouble });
      expect(await gateOf(fake, connection)).toBe(trouble);
      const application = await fake.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID);
      if (application) await fake.app.checks.applicationHealth.recover(application, log);
      await fake.app.checks.applicationHealth.align('acme', CUSTOMER_CLIENT_ID, log);
      expect(await current(fake, connection)).toMatchObject({ status: trouble });
      expect(await gateOf(fake, connection)).toBe(trouble);
    },
  );

  test('whose cause changes is told of again, with the new reason; the same cause in other words is not', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    for (const reason of ['invalid_grant_50057', 'invalid_grant_bad_token_50057', 'invalid_grant_50173']) {
      fake.clock.advance(1_000);
      await shut(fake, connection, 'needs_relink', reason);
    }
    const told = fake.cloudEvents();
    expect(told.map(({ data }) => data['reason'])).toEqual([undefined, 'account_disabled', 'access_revoked']);
    expect(new Set(told.map(({ id }) => id)).size).toBe(3);
  });
});

test('an application that is refused, recovers and is refused again with the same secret is told of twice', async () => {
  const fake = new FakeApp();
  const { connection } = await fake.link(customerOwned());
  const { log } = fake.invocation();
  for (const _ of [1, 2]) {
    fake.clock.advance(1_000);
    const application = await fake.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID);
    await fake.app.mail.health.shut(
      await current(fake, connection),
      'broken',
      'invalid_client_7000222',
      log,
      application,
    );
    const broken = await fake.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID);
    if (broken) await fake.app.checks.applicationHealth.recover(broken, log);
    await fake.app.checks.applicationHealth.align('acme', CUSTOMER_CLIENT_ID, log);
  }
  const told = fake.cloudEvents();
  const broken = told.filter(({ type }) => type === 'application.broken');
  expect(broken).toHaveLength(2);
  expect(new Set(broken.map(({ id }) => id)).size).toBe(2);
});

test('a refused application is told to the address of any of its connections', async () => {
  const fake = new FakeApp();
  const { connection } = await fake.link(customerOwned());
  fake.identity.claims = { oid: SECOND_OBJECT };
  const other = (await fake.link(customerOwned())).connection;
  await fake.app.linking.connections.change('acme', other.connectionId, () => ({ alertAddress: 'it@acme.example' }));
  const application = await fake.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID);
  await fake.app.mail.health.shut(connection, 'broken', 'invalid_client_7000222', fake.invocation().log, application);
  const told = fake.cloudEvents();
  expect(told.find(({ type }) => type === 'application.broken')?.data).toMatchObject({
    alertAddress: 'it@acme.example',
  });
});
