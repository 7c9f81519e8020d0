import { describe, expect, test } from 'vitest';
import { DAY, MINUTE } from '../../../shared/clock.ts';
import { pauseConnection } from '../../../shared/connections/change-connection.ts';
import { getConnection, listConnections } from '../../../shared/connections/read-connections.ts';
import { LANE_ROW } from '../../../shared/mail/lane.ts';
import { CUSTOMER_CLIENT_ID, FakeApp } from '../../fakes/app.ts';
import { ACME_TENANT, HR_OBJECT } from '../../fakes/microsoft.ts';
import { codeOf, customerOwned } from '../linking/support.ts';
import { wait } from './support.ts';

const get = (fake: FakeApp, connectionId: string, customerId = 'acme') =>
  getConnection(fake.app.connections, customerId, connectionId);

async function many(count: number) {
  const fake = new FakeApp();
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    fake.identity.claims = { oid: `0b1ec700-0000-4000-8000-${String(n).padStart(12, '0')}` };
    ids.push((await fake.link()).connection.connectionId);
  }
  return { fake, ids };
}

describe('a connection', () => {
  test('is shown whole, with its lane, and never with the name of a secret', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link({ ...customerOwned(), displayName: 'HR mailbox' });
    const shown = await get(fake, connection.connectionId);
    expect(shown).toEqual({
      connectionId: connection.connectionId,
      customerId: 'acme',
      displayName: 'HR mailbox',
      status: 'connected',
      mailbox: { signInName: 'hr@acme.example', tenantId: ACME_TENANT, objectId: HR_OBJECT },
      application: {
        kind: 'customerOwned',
        clientId: CUSTOMER_CLIENT_ID,
        tenantId: ACME_TENANT,
        secretExpiresOn: '2028-11-22',
      },
      linkedAt: '2026-11-23T08:00:00.000Z',
      lastProvenAt: '2026-11-23T08:00:00.000Z',
      daysToTrouble: 90,
      onUncertain: 'hold',
      lane: { waiting: 0 },
    });
    expect(JSON.stringify(shown)).not.toMatch(/client-secret-|refresh-token-|vault/);
  });

  test('tells how many mails wait and when they will have gone', async () => {
    const fake = new FakeApp({ MAIL_PER_MINUTE: '30' });
    const { connection } = await fake.link();
    for (let n = 0; n < 30; n += 1) await wait(fake, connection, `m${n}`);
    expect((await get(fake, connection.connectionId)).lane).toEqual({
      waiting: 30,
      expectedFinish: new Date(fake.clock.now().getTime() + MINUTE).toISOString(),
    });
  });

  test('tells until when Graph throttles it, and no finish while its gate is shut', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    const { connectionId } = connection;
    await wait(fake, connection, 'm1');
    const pausedUntil = new Date(fake.clock.now().getTime() + MINUTE).toISOString();
    await fake.mails.write(connectionId, [{ kind: 'merge', rowKey: LANE_ROW, properties: { pausedUntil } }]);
    const { lane } = await get(fake, connectionId);
    expect(lane?.pausedUntil).toBe(pausedUntil);
    expect(lane?.expectedFinish && lane.expectedFinish > pausedUntil).toBe(true);
    await pauseConnection(fake.app.connections, 'acme', connectionId, fake.invocation());
    expect((await get(fake, connectionId)).lane).not.toHaveProperty('expectedFinish');
  });

  test('counts the days to trouble to the nearer end, and never to one that is assumed', async () => {
    const fake = new FakeApp();
    const { application } = customerOwned();
    if (application?.kind !== 'customerOwned') throw new Error();
    const { connection } = await fake.link({ application: { ...application, clientSecretExpiresOn: '2026-12-03' } });
    expect((await get(fake, connection.connectionId)).daysToTrouble).toBe(9);
    fake.clock.advance(30 * DAY);
    expect((await get(fake, connection.connectionId)).daysToTrouble).toBe(0);
    const { clientSecretExpiresOn: _, ...undated } = application;
    await fake.link({ application: undated });
    expect(await get(fake, connection.connectionId)).toMatchObject({
      daysToTrouble: 90,
      application: { secretExpiryAssumed: true },
    });
  });

  test('that does not work has no days left', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    await fake.app.mail.health.shut(connection, 'needs_relink', 'invalid_grant', fake.invocation().log);
    expect(await get(fake, connection.connectionId)).toMatchObject({
      daysToTrouble: 0,
      status: 'needs_relink',
      reason: 'sign_in_again',
      trouble: { whoActs: 'user' },
    });
  });

  test('is not found by another customer, by another kind of id, or while it is removed', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    expect(await codeOf(get(fake, connection.connectionId, 'other'))).toBe('not_found');
    const index = `m|${connection.clientId}|${connection.tenantId}|${connection.objectId}`;
    expect(await codeOf(get(fake, index))).toBe('not_found');
    await fake.app.linking.connections.update(connection, { status: 'removing' });
    expect(await codeOf(get(fake, connection.connectionId))).toBe('not_found');
  });
});

describe('the list', () => {
  test('comes in pages that hold every connection once', async () => {
    const { fake, ids } = await many(7);
    const found: string[] = [];
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const page = await listConnections(fake.app.connections, 'acme', 3, after);
      found.push(...page.items.map(({ connectionId }) => connectionId));
      after = page.next;
    }
    expect(found.sort()).toEqual(ids.sort());
  });

  test('shows neither lanes, nor what is being removed, nor another customer’s', async () => {
    const { fake, ids } = await many(3);
    await fake.link({ customerId: 'other' });
    const removing = await fake.app.linking.connections.get('acme', ids[0] ?? '');
    if (!removing) throw new Error();
    await fake.app.linking.connections.update(removing, { status: 'removing' });
    const { items } = await listConnections(fake.app.connections, 'acme', 100);
    expect(items.map(({ connectionId }) => connectionId).sort()).toEqual(ids.slice(1).sort());
    for (const item of items) expect(item).not.toHaveProperty('lane');
  });

  test('of a customer that has none is empty', async () => {
    expect(await listConnections(new FakeApp().app.connections, 'acme', 100)).toEqual({ items: [] });
  });
});
