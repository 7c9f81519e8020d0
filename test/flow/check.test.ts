import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Flow, startFlow } from './support/flow.ts';

/** `POST auth/check/Outlook` over HTTP, against the stand-in for Microsoft. */
let flow: Flow;

beforeAll(async () => {
  flow = await startFlow();
});
afterEach(() => flow.control('identity/restore', {}));
afterAll(() => flow?.close());

interface Checked {
  readonly ok: boolean;
  readonly code?: string;
}

const check = (changes: object = {}) =>
  flow.api.expect<Checked>(200, 'POST', '/auth/check/Outlook', {
    body: { ...flow.sandbox.info.customerOwned, ...changes },
  });
const tokenRequests = async () =>
  (await flow.requests('identity')).filter(({ path }) => path.endsWith('/oauth2/v2.0/token'));

describe('an application is proven before anybody signs in', () => {
  it('right, by the tenant’s id or domain; also one for a single tenant', async () => {
    expect(await check()).toEqual({ ok: true });
    expect(await check({ tenant: 'acme.example' })).toEqual({ ok: true });
    expect(await check({ ...flow.sandbox.info.customerOwnedSingleTenant })).toEqual({ ok: true });
  });

  it.each<[string, () => object]>([
    ['tenant_unknown', () => ({ tenant: randomUUID() })],
    ['tenant_unknown', () => ({ tenant: 'nobody.example' })],
    ['app_not_found', () => ({ clientId: randomUUID() })],
    ['admin_approval_needed', () => ({ tenant: 'globex.example' })],
    ['app_not_found', () => ({ ...flow.sandbox.info.customerOwnedSingleTenant, tenant: 'globex.example' })],
    ['secret_wrong', () => ({ clientSecret: 'abc8Q~not-the-right-value' })],
  ])('%s, in one request', async (code, changes) => {
    const before = (await tokenRequests()).length;
    expect(await check(changes())).toEqual({ ok: false, code });
    expect((await tokenRequests()).length).toBe(before + 1);
  });

  it('secret_expired and app_disabled', async () => {
    const { clientId } = flow.sandbox.info.customerOwned;
    await flow.control('identity/expire-secret', { clientId });
    expect(await check()).toEqual({ ok: false, code: 'secret_expired' });
    await flow.control('identity/restore', {});
    await flow.control('identity/disable-app', { clientId });
    expect(await check()).toEqual({ ok: false, code: 'app_disabled' });
  });

  it('secret_is_id, and a tenant that was not given, without any request', async () => {
    const before = (await tokenRequests()).length;
    expect(await check({ clientSecret: randomUUID() })).toEqual({ ok: false, code: 'secret_is_id' });
    expect(await check({ tenant: undefined })).toEqual({ ok: false, code: 'tenant_unknown' });
    expect((await tokenRequests()).length).toBe(before);
  });

  it('503 while Microsoft is away', async () => {
    await flow.control('identity/faults', [
      { match: { path: '/token' }, status: 503, headers: { 'retry-after': '7' } },
    ]);
    const body = flow.sandbox.info.customerOwned;
    const answer = await flow.api.call('POST', '/auth/check/Outlook', { body });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '7']);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'microsoft_unavailable' });
  });

  it('and a request that makes no sense is a 400', async () => {
    for (const changes of [{ tenant: 'common' }, { clientId: 'x' }, { clientSecret: '' }, { customerId: 'acme' }]) {
      const body = { ...flow.sandbox.info.customerOwned, ...changes };
      expect((await flow.api.expect(400, 'POST', '/auth/check/Outlook', { body })).code).toBe('invalid_request');
    }
  });
});

it('nothing of it is stored, and no secret is in any answer or log line', async () => {
  const { clientSecret } = flow.sandbox.info.customerOwned;
  const kept = flow.sandbox.keyVault.snapshot().filter(({ tags }) => tags['kind'] === 'client-secret');
  expect(kept).toEqual([]);
  for (const name of ['applications', 'links']) {
    const rows: unknown[] = [];
    for await (const row of flow.table(name).listEntities()) rows.push(row);
    expect(rows).toEqual([]);
  }
  const told = [...flow.sandbox.logs, ...flow.api.answers.map(({ text }) => text)].join('\n');
  for (const secret of [clientSecret, 'abc8Q~not-the-right-value']) expect(told).not.toContain(secret);
  expect(told).toContain('application.checked');
});
