import { describe, expect, test } from 'vitest';
import { MINUTE } from '../../../shared/clock.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { FakeApp, linkRequest } from '../../fakes/app.ts';
import { ACME_TENANT } from '../../fakes/microsoft.ts';
import { Browser, codeOf, confirm, customerOwned, errorOf, passHours, SECRET } from './support.ts';

const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad';
const OTHER_TENANT = 'b0b0b0b0-2222-4222-8222-000000000002';

/** The authority that a started link sends the browser to. */
async function authorityOf(fake: FakeApp, request: Parameters<FakeApp['start']>[0]): Promise<string> {
  const started = await fake.start(request);
  const opened = await new Browser(fake).open(started.linkUrl);
  if (opened.kind !== 'redirect') throw new Error(opened.page);
  return new URL(opened.location).searchParams.get('tenant') ?? '';
}

/** A customer's application, of no tenant or of the one that is given. */
function own(tenant?: string) {
  const { application } = customerOwned();
  if (application?.kind !== 'customerOwned') throw new Error();
  const { tenant: _, ...rest } = application;
  return { application: { ...rest, ...(tenant && { tenant }) } };
}

describe('starting a link', () => {
  test('answers with a URL of the configured host that carries the ticket in its query', async () => {
    const fake = new FakeApp();
    const started = await fake.start();
    const url = new URL(started.linkUrl);
    expect(url.origin + url.pathname).toBe('https://hire2retire.example/api/auth/open/Outlook');
    expect([...url.searchParams.keys()]).toEqual(['ticket']);
    expect(url.searchParams.get('ticket')).toMatch(new RegExp(`^${started.linkId}\\.[A-Za-z0-9_-]{43}$`));
    expect(started.expiresAt).toBe('2026-11-23T08:30:00.000Z');
    expect(started.warnings).toEqual([]);
  });

  test('refuses a return address that no setting names', async () => {
    const fake = new FakeApp();
    const error = await errorOf(fake.start({ returnTo: 'elsewhere' }));
    expect(error.code).toBe('invalid_request');
    expect(error.options.errors?.[0]).toMatchObject({ pointer: '/returnTo', code: 'return_not_registered' });
    expect(fake.links.all()).toEqual([]);
  });

  test('keeps neither ticket nor session nor client secret in a row', async () => {
    const fake = new FakeApp();
    const { linkUrl } = await fake.start({ ...customerOwned(), startedBy: 'session-of-ada' });
    const stored = JSON.stringify(fake.links.all());
    expect(stored).not.toContain('session-of-ada');
    expect(stored).not.toContain(SECRET);
    expect(stored).not.toContain(linkUrl.split('.').at(-1));
    expect(JSON.stringify(fake.events)).not.toMatch(new RegExp(`session-of-ada|${SECRET}`));
  });

  test('writes slot, row and secret in that order, and the secret under the name in the row', async () => {
    const fake = new FakeApp();
    const order: string[] = [];
    fake.links.before = ({ kind, operations }) => {
      if (kind === 'write') order.push(operations?.[0]?.rowKey ?? '');
    };
    fake.secrets.before = (call, name) => {
      order.push(`${call} ${name}`);
    };
    const { linkId } = await fake.start(customerOwned());
    const link = await fake.app.linking.links.get(linkId);
    expect(order).toEqual(['open', 'link', `set ${link?.clientSecretName}`]);
    expect(fake.secrets.kept.get(link?.clientSecretName ?? '')).toMatchObject({
      value: SECRET,
      tags: { kind: 'client-secret', customer: 'acme', application: link?.clientId },
      expiresOn: new Date('2028-11-22'),
    });
  });

  test('hands out no URL when the vault does not take the secret, frees the slot, and cleans up later', async () => {
    const fake = new FakeApp();
    fake.secrets.before = () => {
      throw new StoreUnavailable('key vault');
    };
    await expect(fake.start(customerOwned())).rejects.toThrow(StoreUnavailable);
    fake.secrets.before = () => {};
    expect(fake.links.all().find(({ rowKey }) => rowKey === 'open')?.properties['links']).toBe('[]');
    await passHours(fake, 1);
    expect(fake.links.all().find(({ rowKey }) => rowKey === 'link')?.properties).toMatchObject({
      state: 'expired',
      cleaned: true,
    });
  });
});

describe('the tenant to sign in at', () => {
  test('is the one that was given, by GUID or by domain', async () => {
    const fake = new FakeApp();
    fake.identity.tenants.set('other.example', OTHER_TENANT);
    expect(await authorityOf(fake, own('other.example'))).toBe(OTHER_TENANT);
    expect(await authorityOf(fake, own(OTHER_TENANT))).toBe(OTHER_TENANT);
  });

  test('given wins over the domain of an address', async () => {
    const fake = new FakeApp();
    fake.identity.tenants.set('other.example', OTHER_TENANT);
    expect(await authorityOf(fake, { ...own(OTHER_TENANT), loginHint: 'hr@acme.example' })).toBe(OTHER_TENANT);
  });

  test.each([[{ loginHint: 'hr@ACME.example' }], [{ expectedMailbox: 'hr@acme.example' }]])(
    'is told by an address: %j',
    async (address) => {
      expect(await authorityOf(new FakeApp(), address)).toBe(ACME_TENANT);
      expect(await authorityOf(new FakeApp(), { ...own(), ...address })).toBe(ACME_TENANT);
    },
  );

  test('of a re-link is the one of its connection', async () => {
    const fake = new FakeApp();
    const { connectionId } = (await fake.link(own(ACME_TENANT))).connection;
    const { warnings } = await fake.start({ ...own(), connectionId });
    expect(warnings).toEqual([]);
    expect(await authorityOf(fake, { ...own(), connectionId })).toBe(ACME_TENANT);
  });

  test('that Microsoft does not know is refused where it was demanded, and ignored where it was hinted', async () => {
    const fake = new FakeApp();
    const pointer = async (request: Parameters<FakeApp['start']>[0]) =>
      (await errorOf(fake.start(request))).options.errors?.[0];
    expect(await pointer(own('nobody.example'))).toMatchObject({
      pointer: '/application/tenant',
      code: 'tenant_unknown',
    });
    expect(await pointer({ expectedMailbox: 'hr@nobody.example' })).toMatchObject({ pointer: '/expectedMailbox' });
    expect(await authorityOf(fake, { loginHint: 'hr@nobody.example' })).toBe('organizations');
    expect(fake.secrets.kept.size).toBe(0);
  });

  test('is never the one of personal accounts, whatever domain leads there', async () => {
    const fake = new FakeApp({ SERVICE_PROVIDER_AUDIENCE: 'common' });
    fake.identity.tenants.set('personal.example', CONSUMERS);
    expect(await codeOf(fake.start(own('personal.example')))).toBe('invalid_request');
    expect(await authorityOf(fake, { expectedMailbox: 'me@personal.example' })).toBe('common');
  });

  test('unknown is `organizations` for a customer’s application, with a warning, whatever RoboMQ’s allows', async () => {
    const fake = new FakeApp({ SERVICE_PROVIDER_AUDIENCE: 'common' });
    expect((await fake.start(own())).warnings).toEqual(['tenant_unknown']);
    expect(await authorityOf(fake, own())).toBe('organizations');
    expect((await fake.start()).warnings).toEqual([]);
    expect(await authorityOf(fake, {})).toBe('common');
  });

  test('makes a link wait for Microsoft only where it was demanded', async () => {
    const fake = new FakeApp();
    fake.identity.failures.push({ error: 'network_error' });
    expect(await codeOf(fake.start(own(ACME_TENANT)))).toBe('microsoft_unavailable');
    fake.identity.failures.push({ error: 'network_error' });
    expect(await codeOf(fake.start({ expectedMailbox: 'hr@acme.example' }))).toBe('microsoft_unavailable');
    fake.identity.failures.push({ error: 'network_error' });
    expect(await authorityOf(fake, { loginHint: 'hr@acme.example' })).toBe('organizations');
  });
});

describe('a re-link', () => {
  test('of a connection that another customer has is not found', async () => {
    const fake = new FakeApp();
    const { connectionId } = (await fake.link()).connection;
    expect(await codeOf(fake.start({ customerId: 'other', connectionId }))).toBe('not_found');
    expect(await codeOf(fake.start({ connectionId: 'con_00000000000000000000000000000000' }))).toBe('not_found');
  });

  test('goes through the connection’s own application', async () => {
    const fake = new FakeApp();
    const { connectionId } = (await fake.link()).connection;
    expect(await codeOf(fake.start({ ...customerOwned(), connectionId }))).toBe('relink_other_application');
  });
});

describe('open links', () => {
  async function fill(fake: FakeApp): Promise<void> {
    for (let n = 0; n < 10; n += 1) await fake.start();
  }

  test('are at most ten per customer; the next is told when to come back', async () => {
    const fake = new FakeApp();
    await fill(fake);
    const error = await errorOf(fake.start());
    expect(error.code).toBe('too_many_links');
    expect(error.options.retryAfterSeconds).toBe(1800);
    await fake.start({ customerId: 'other' });
  });

  test('stay at most ten when many start at once', async () => {
    const fake = new FakeApp();
    const results = await Promise.allSettled(Array.from({ length: 15 }, () => fake.start()));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
  });

  test('end with their time even if nobody frees them', async () => {
    const fake = new FakeApp();
    await fill(fake);
    fake.clock.advance(30 * MINUTE);
    await fake.start();
  });

  test('end when they are connected', async () => {
    const fake = new FakeApp();
    const authorized = await fake.authorize();
    for (let n = 0; n < 9; n += 1) await fake.start();
    expect(await codeOf(fake.start())).toBe('too_many_links');
    await confirm(fake, authorized);
    await fake.start();
  });

  test('end when the person declines', async () => {
    const fake = new FakeApp();
    const browser = new Browser(fake);
    const query = await browser.signIn((await fake.start()).linkUrl);
    for (let n = 0; n < 9; n += 1) await fake.start();
    query.delete('code');
    query.set('error', 'access_denied');
    await browser.callback(query);
    await fake.start(linkRequest());
  });
});
