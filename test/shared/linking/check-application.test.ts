import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { checkApplication } from '../../../shared/linking/check-application.ts';
import { type CheckApplicationRequest, checkApplicationSchema } from '../../../shared/linking/requests.ts';
import type { MicrosoftErrorFacts } from '../../../shared/microsoft/identity-platform.ts';
import { CUSTOMER_CLIENT_ID, FakeApp } from '../../fakes/app.ts';
import { ACME_TENANT } from '../../fakes/microsoft.ts';
import { errorOf } from './support.ts';

const SECRET = 'abc8Q~the-value-of-a-secret';
const REQUEST: CheckApplicationRequest = { tenant: ACME_TENANT, clientId: CUSTOMER_CLIENT_ID, clientSecret: SECRET };

const check = (fake: FakeApp, changes: Partial<CheckApplicationRequest> = {}) =>
  checkApplication(fake.app.linking, { ...REQUEST, ...changes }, fake.invocation());

test('what Microsoft knows is right: one request, and nothing is kept', async () => {
  const fake = new FakeApp();
  expect(await check(fake, { clientId: CUSTOMER_CLIENT_ID.toUpperCase() })).toEqual({ ok: true });
  const proof = { kind: 'secret', value: SECRET };
  expect(fake.identity.proven).toEqual([{ credential: { clientId: CUSTOMER_CLIENT_ID, proof }, tenant: ACME_TENANT }]);
  expect(fake.secrets.kept.size).toBe(0);
  for (const table of [fake.links, fake.connections, fake.applications, fake.mails]) expect(table.requests).toBe(0);
});

describe('says which is wrong:', () => {
  test.each<[string, MicrosoftErrorFacts]>([
    ['tenant_unknown', { error: 'invalid_tenant', number: 90002, status: 400 }],
    ['tenant_unknown', { error: 'invalid_tenant', status: 400 }],
    ['tenant_unknown', { error: 'invalid_request', number: 90002, status: 400 }],
    ['app_not_found', { error: 'unauthorized_client', number: 700016, status: 400 }],
    ['app_not_found', { error: 'unauthorized_client', status: 400 }],
    ['admin_approval_needed', { error: 'invalid_client', number: 7000229, status: 401 }],
    ['app_disabled', { error: 'unauthorized_client', number: 7000112, status: 400 }],
    ['secret_wrong', { error: 'invalid_client', number: 7000215, status: 401 }],
    ['secret_wrong', { error: 'invalid_client', status: 401 }],
    ['secret_expired', { error: 'invalid_client', number: 7000222, status: 401 }],
    ['conditional_access', { error: 'invalid_grant', number: 53003, status: 400 }],
  ])('%s for %j', async (code, facts) => {
    const fake = new FakeApp();
    fake.identity.failures.push(facts);
    expect(await check(fake)).toEqual({ ok: false, code });
  });

  test('a secret’s ID, before anything is asked', async () => {
    const fake = new FakeApp();
    expect(await check(fake, { clientSecret: randomUUID() })).toEqual({ ok: false, code: 'secret_is_id' });
    expect(fake.identity.proven).toEqual([]);
  });

  test('a missing tenant, before anything is asked: nothing could be proven', async () => {
    const fake = new FakeApp();
    expect(await check(fake, { tenant: undefined })).toEqual({ ok: false, code: 'tenant_unknown' });
    expect(fake.identity.proven).toEqual([]);
  });
});

test.each<[MicrosoftErrorFacts, number]>([
  [{ error: 'network_error' }, 30],
  [{ error: 'timeout' }, 30],
  [{ error: 'unusable_answer', status: 502 }, 30],
  [{ error: 'temporarily_unavailable', status: 503, retryAfterSeconds: 7 }, 7],
  [{ error: 'invalid_request', status: 429, retryAfterSeconds: 20 }, 20],
])('Microsoft that is away proves nothing: %j', async (facts, seconds) => {
  const fake = new FakeApp();
  fake.identity.failures.push(facts);
  const error = await errorOf(check(fake));
  expect([error.code, error.options.retryAfterSeconds]).toEqual(['microsoft_unavailable', seconds]);
});

test('the log says who was checked and how it ended, and holds no secret', async () => {
  const fake = new FakeApp();
  await check(fake);
  fake.identity.failures.push({ error: 'invalid_client', number: 7000215, correlationId: 'c' });
  await check(fake);
  expect(fake.events.map(({ name, fields }) => [name, fields?.['code'], fields?.['aadsts']])).toEqual([
    ['application.checked', 'ok', undefined],
    ['application.checked', 'secret_wrong', 7000215],
  ]);
  expect(JSON.stringify(fake.events)).not.toContain(SECRET);
});

describe('the request', () => {
  test.each<[string, object]>([
    ['a shared authority as tenant', { tenant: 'common' }],
    ['another shared authority', { tenant: 'organizations' }],
    ['the tenant of personal accounts', { tenant: '9188040d-6c67-4c5b-b112-36a304b66dad' }],
    ['a tenant with a path', { tenant: 'acme.example/../common' }],
    ['an address as tenant', { tenant: 'https://acme.example' }],
    ['a client ID that is none', { clientId: 'acme' }],
    ['no secret', { clientSecret: '' }],
    ['a secret with a line break', { clientSecret: 'abcdefgh\r\nx: y' }],
    ['something unknown', { customerId: 'acme' }],
  ])('refuses %s', (_what, changes) => {
    expect(checkApplicationSchema.safeParse({ ...REQUEST, ...changes }).success).toBe(false);
  });

  test('takes a tenant by GUID or domain, or none', () => {
    for (const tenant of [ACME_TENANT, 'Acme.Example', undefined])
      expect(checkApplicationSchema.safeParse({ ...REQUEST, tenant }).success).toBe(true);
  });
});
