import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../../shared/clock.ts';
import { getConnection } from '../../../shared/connections/read-connections.ts';
import { FakeApp } from '../../fakes/app.ts';
import { FakeHost } from '../../fakes/host.ts';
import { ACME_TENANT } from '../../fakes/microsoft.ts';
import { customerOwned } from '../linking/support.ts';
import { current, eventsOf, gateOf, wait } from './support.ts';

const GLOBEX_TENANT = 'b0b0b0b0-2222-4222-8222-000000000002';
const DISABLED = { error: 'unauthorized_client', number: 7000112, status: 400 };
const NO_PRINCIPAL = { error: 'invalid_client', number: 7000229, status: 401 };
const NOT_FOUND = { error: 'unauthorized_client', number: 700016, status: 400 };
const NO_TENANT = { error: 'invalid_request', number: 90002, status: 400 };
const SECRET = { error: 'invalid_client', number: 7000222, status: 401 };

/** Two customers through RoboMQ’s application, each in a tenant of its own. */
async function twoTenants() {
  const fake = new FakeApp();
  const acme = (await fake.link()).connection;
  fake.identity.claims = { tid: GLOBEX_TENANT };
  const globex = (await fake.link({ customerId: 'globex' })).connection;
  fake.identity.claims = {};
  fake.clock.advance(HOUR + MINUTE);
  fake.queues.sent.splice(0);
  return { fake, acme, globex, host: new FakeHost(fake) };
}

describe('RoboMQ’s application, refused by one tenant alone', () => {
  test.each([
    ['disabled there', DISABLED, 'app_disabled'],
    ['deleted there', NOT_FOUND, 'app_not_found'],
    ['without a principal there', NO_PRINCIPAL, 'app_not_found'],
    ['whose tenant is gone', NO_TENANT, 'tenant_unknown'],
  ])('%s: known within a day, named, told, and nobody else’s trouble', async (_name, facts, reason) => {
    const { fake, acme, globex, host } = await twoTenants();
    fake.identity.tenantsRefuse.set(ACME_TENANT, facts);
    await host.pass(DAY + HOUR);
    expect(await getConnection(fake.app.connections, 'acme', acme.connectionId)).toMatchObject({
      status: 'needs_relink',
      reason,
      trouble: { whoActs: 'customerAdmin' },
    });
    expect(await gateOf(fake, acme)).toBe('needs_relink');
    expect(eventsOf(fake)).toEqual(['connection.needs_relink']);
    expect(await current(fake, globex)).toMatchObject({ status: 'connected', reason: '' });
  });

  test('works again within a day when the tenant lets it', async () => {
    const { fake, acme, host } = await twoTenants();
    fake.identity.tenantsRefuse.set(ACME_TENANT, DISABLED);
    await host.pass(DAY + HOUR);
    fake.identity.tenantsRefuse.clear();
    await host.pass(DAY + HOUR);
    expect(await current(fake, acme)).toMatchObject({ status: 'connected' });
    expect(await gateOf(fake, acme)).toBe('open');
    expect(eventsOf(fake)).toEqual(['connection.needs_relink', 'connection.resumed']);
  });

  test('met by mail, is found out within hours: the check does not wait for its day', async () => {
    const { fake, acme, host } = await twoTenants();
    await host.pass(DAY);
    fake.queues.sent.splice(0);
    fake.identity.tenantsRefuse.set(ACME_TENANT, DISABLED);
    fake.clock.advance(HOUR);
    const { nextCheckAt } = await current(fake, acme);
    await wait(fake, acme, 'mail-1');
    await host.pass(2 * HOUR);
    expect(await current(fake, acme)).toMatchObject({ status: 'needs_relink' });
    // The time of day stays.
    const before = new Date((await current(fake, acme)).nextCheckAt).toISOString().slice(11);
    expect(before).toBe(nextCheckAt.slice(11));
  });

  test('has one refresh of another tenant’s connection for all of the tenant’s connections', async () => {
    const { fake, globex } = await twoTenants();
    for (const each of [2, 3, 4, 5]) {
      fake.identity.claims = { oid: `0b1ec700-0000-4000-8000-00000000000${each}` };
      await fake.link();
    }
    const { connections } = await fake.app.linking.connections.list('acme', 10);
    for (const each of connections)
      await fake.app.linking.connections.change('acme', each.connectionId, () => ({
        nextCheckAt: '2026-01-01T00:00:00Z',
      }));
    await fake.app.linking.connections.change('globex', globex.connectionId, () => ({
      nextCheckAt: '2027-01-01T00:00:00Z',
    }));
    fake.identity.tenantsRefuse.set(ACME_TENANT, DISABLED);
    fake.identity.refreshed.splice(0);
    fake.clock.advance(HOUR);
    await new FakeHost(fake, () => fake.app).pass(2 * HOUR);
    for (const each of connections) expect(await current(fake, each)).toMatchObject({ status: 'needs_relink' });
    expect(fake.identity.refreshed.filter(({ tenant }) => tenant === GLOBEX_TENANT)).toHaveLength(1);
  });
});

describe('RoboMQ’s application, refused everywhere', () => {
  test.each([
    ['disabled', DISABLED],
    ['with an expired secret', SECRET],
  ])('%s: changes nobody’s status', async (_name, facts) => {
    const { fake, acme, globex, host } = await twoTenants();
    fake.identity.tenantsRefuse.set(ACME_TENANT, facts).set(GLOBEX_TENANT, facts);
    await host.pass(3 * DAY);
    for (const each of [acme, globex]) {
      expect(await current(fake, each)).toMatchObject({ status: 'connected', reason: '' });
      expect(await gateOf(fake, each)).toBe('open');
    }
    expect(eventsOf(fake)).toEqual([]);
  });

  test('is what a tenant’s refusal is taken for while no other tenant can be asked', async () => {
    const fake = new FakeApp();
    const { connection } = await fake.link();
    fake.identity.tenantsRefuse.set(ACME_TENANT, DISABLED);
    await new FakeHost(fake).pass(3 * DAY);
    expect(await current(fake, connection)).toMatchObject({ status: 'connected' });
  });

  test('with a secret that one tenant’s answer calls expired, is nobody’s doing but ours', async () => {
    const { fake, acme, host } = await twoTenants();
    fake.identity.tenantsRefuse.set(ACME_TENANT, SECRET);
    await host.pass(2 * DAY);
    expect(await current(fake, acme)).toMatchObject({ status: 'connected' });
  });
});

test('a customer’s own application in a tenant that is gone needs a new link, once another tenant answers', async () => {
  const { fake, host } = await twoTenants();
  fake.identity.claims = { oid: '0b1ec700-0000-4000-8000-000000000009' };
  const { connection } = await fake.link(customerOwned());
  fake.identity.tenantsRefuse.set(ACME_TENANT, NO_TENANT);
  await host.pass(2 * DAY);
  expect(await current(fake, connection)).toMatchObject({ status: 'needs_relink' });
});
