import { describe, expect, test } from 'vitest';
import { DAY } from '../../../shared/clock.ts';
import { pauseConnection } from '../../../shared/connections/change-connection.ts';
import type { StartLinkRequest } from '../../../shared/linking/requests.ts';
import { CUSTOMER_CLIENT_ID, FakeApp } from '../../fakes/app.ts';
import { HR_OBJECT } from '../../fakes/microsoft.ts';
import { codeOf, confirm, customerOwned, expectTidy, passHours } from './support.ts';

const OTHER_OBJECT = '0b1ec700-0000-4000-8000-000000000002';

async function linkedTwice(first: Partial<StartLinkRequest>, second: (id: string) => Partial<StartLinkRequest>) {
  const fake = new FakeApp();
  const before = (await fake.link(first)).connection;
  fake.clock.advance(DAY);
  const after = (await fake.link(second(before.connectionId))).connection;
  return { fake, before, after };
}

describe.each([
  ['re-linked', (connectionId: string) => ({ connectionId })],
  ['linked again', () => ({})],
])('a mailbox that is %s', (_, second) => {
  test('keeps its connection; the credentials are new, and the old ones are retired', async () => {
    const { before, after } = await linkedTwice({}, second);
    expect(after.connectionId).toBe(before.connectionId);
    expect(after).toMatchObject({
      credentialVersion: 2,
      previousSecretName: before.secretName,
      previousRetiredAt: after.linkedAt,
      displayName: before.displayName,
    });
    expect(after.secretName).not.toBe(before.secretName);
  });

  test('loses its retired secret after a day, and not before', async () => {
    const { fake, before, after } = await linkedTwice({}, second);
    expect([...fake.secrets.kept.keys()].sort()).toEqual([before.secretName, after.secretName].sort());
    await passHours(fake, 49);
    expect([...fake.secrets.kept.keys()]).toEqual([after.secretName]);
    await expectTidy(fake);
  });

  test('works again after it needed a re-link', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    await fake.app.mail.health.shut(connection, 'needs_relink', 'invalid_grant', fake.invocation().log);
    const after = (await fake.link(second(connection.connectionId))).connection;
    expect(after).toMatchObject({ status: 'connected', reason: '' });
    await expectTidy(fake);
  });

  test('stays paused when it was paused', async () => {
    const fake = new FakeApp();
    const { connectionId } = (await fake.link()).connection;
    await pauseConnection(fake.app.connections, 'acme', connectionId, fake.invocation());
    const after = (await fake.link(second(connectionId))).connection;
    expect(after.status).toBe('paused');
    expect((await fake.app.linking.lanes.get(connectionId)).lane?.gate).toBe('paused');
  });
});

describe('mailbox identity', () => {
  test('a re-link by another account is refused, whatever its address', async () => {
    const fake = new FakeApp();
    const { connectionId } = (await fake.link()).connection;
    const back = await fake.authorize({ connectionId });
    fake.identity.claims = { oid: OTHER_OBJECT };
    expect(await codeOf(confirm(fake, back))).toBe('wrong_account');
    fake.identity.claims = {};
    await expectTidy(fake);
  });

  test('a mailbox that was renamed is the same mailbox', async () => {
    const fake = new FakeApp();
    const { connectionId } = (await fake.link()).connection;
    fake.identity.claims = { preferred_username: 'people@acme.example', oid: HR_OBJECT.toUpperCase() };
    const after = (await fake.link()).connection;
    expect(after).toMatchObject({ connectionId, signInName: 'people@acme.example' });
  });

  test('another account with the same name is another mailbox', async () => {
    const fake = new FakeApp();
    const first = (await fake.link()).connection;
    fake.identity.claims = { oid: OTHER_OBJECT };
    const second = (await fake.link()).connection;
    expect(second.connectionId).not.toBe(first.connectionId);
  });

  test('the same mailbox is another connection for another customer and through another application', async () => {
    const fake = new FakeApp();
    const ids = [
      (await fake.link()).connection.connectionId,
      (await fake.link({ customerId: 'other' })).connection.connectionId,
      (await fake.link(customerOwned())).connection.connectionId,
    ];
    expect(new Set(ids).size).toBe(3);
  });
});

describe('a customer’s application', () => {
  const application = (fake: FakeApp) => fake.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID);

  test('gets the secret that was proven; the one before stays a day as fallback', async () => {
    const { fake } = await linkedTwice(customerOwned(), () => customerOwned('Acme~client.secret-0002'));
    const kept = await application(fake);
    expect(fake.secrets.kept.get(kept?.secretName ?? '')?.value).toBe('Acme~client.secret-0002');
    expect(fake.secrets.kept.get(kept?.previousSecretName ?? '')?.value).toBe('Acme~client.secret-0001');
    await passHours(fake, 49);
    expect((await application(fake))?.previousSecretName).toBe('');
    await expectTidy(fake);
  });

  test('keeps the expiry that was given, and marks one that was assumed', async () => {
    const fake = new FakeApp();
    await fake.link(customerOwned());
    expect(await application(fake)).toMatchObject({ secretExpiresOn: '2028-11-22', secretExpiryAssumed: false });
    const { application: given } = customerOwned();
    if (given?.kind !== 'customerOwned') throw new Error();
    const { clientSecretExpiresOn: _, ...without } = given;
    await fake.link({ application: without });
    expect(await application(fake)).toMatchObject({ secretExpiresOn: '2028-11-22', secretExpiryAssumed: true });
  });

  test('that was broken is whole again with a new secret', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link(customerOwned());
    const { log } = fake.invocation();
    await fake.app.mail.health.shut(connection, 'broken', 'invalid_client', log, await application(fake));
    expect((await application(fake))?.broken).toBe(true);
    await fake.link(customerOwned('Acme~client.secret-0002'));
    expect((await application(fake))?.broken).toBe(false);
    await expectTidy(fake);
  });
});
