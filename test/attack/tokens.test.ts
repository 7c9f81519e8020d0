import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from '../flow/support/api.ts';
import { type Flow, startFlow } from '../flow/support/flow.ts';
import { comeBack, linkRequest, proof, startLink } from '../flow/support/link.ts';
import {
  authorize,
  callbackUrl,
  confirmPath,
  freeSlots,
  linkCookie,
  mailboxesOf,
  send,
  stateOf,
  withQuery,
} from './support/victim.ts';

const GLOBEX_TENANT = 'b0b0b0b0-2222-4222-8222-000000000002';
const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad';
const issuer = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`;

let flow: Flow;

beforeAll(async () => {
  flow = await startFlow({ extraMailboxes: 2 });
});
afterEach(async () => {
  await freeSlots(flow);
  await freeSlots(flow, 'globex');
  await fetch(`${flow.sandbox.info.control}/identity/faults`, { method: 'DELETE' });
});
afterAll(() => flow?.close());

/** Replaces claims of the next id token, or members of the next token answer. */
const forge = (answer: object) => flow.control('identity/faults', [{ answer }]);
const refreshTokens = () =>
  flow.sandbox.keyVault.snapshot().filter(({ tags, deleted }) => tags['kind'] === 'refresh-token' && !deleted);

/** Confirms a link whose token answer is forged; returns the code of the refusal. */
async function refusedWith(answer: object, start: object = {}, address = 'sender-1@acme.example'): Promise<string> {
  const { linkId, back } = await authorize(flow, address, start);
  await forge(answer);
  const problem = await flow.api.expect(409, 'POST', confirmPath(linkId), { body: proof(back) });
  const { state, error } = await stateOf(flow, linkId);
  expect([state, error?.code]).toEqual(['failed', problem.code]);
  // The answer held a good refresh token: not even that is kept.
  expect(refreshTokens()).toEqual([]);
  return problem.code;
}

describe('an id token', () => {
  it.each([
    ['of another audience', { aud: 'c0570e00-0000-4000-8000-000000000001' }, 'sign_in_failed'],
    ['without an audience', { aud: null }, 'sign_in_failed'],
    [
      'with a list of audiences, ours among them',
      { aud: ['5e41ce00-0000-4000-8000-000000000001', 'x'] },
      'sign_in_failed',
    ],
    ['of another issuer', { iss: 'https://attacker.example/v2.0' }, 'sign_in_failed'],
    ['of the issuer of another tenant than it names', { iss: issuer(GLOBEX_TENANT) }, 'sign_in_failed'],
    ['of the old issuer', { iss: 'https://sts.windows.net/a0a0a0a0-1111-4111-8111-000000000001/' }, 'sign_in_failed'],
    ['without a tenant', { tid: null }, 'sign_in_failed'],
    ['with a tenant that is no id', { tid: '../common', iss: issuer('../common') }, 'sign_in_failed'],
    ['without an object id', { oid: null }, 'sign_in_failed'],
    ['with an object id that is no id', { oid: "x' or true or 'x" }, 'sign_in_failed'],
    ['with the nonce of another sign-in', { nonce: 'N'.repeat(43) }, 'sign_in_failed'],
    ['without a nonce', { nonce: null }, 'sign_in_failed'],
    ['of a guest', { idp: issuer(GLOBEX_TENANT) }, 'guest_account'],
    [
      'of a personal account, where organizations are asked for',
      { tid: CONSUMERS, iss: issuer(CONSUMERS) },
      'personal_account',
    ],
  ])('%s: %s', async (_, claims, code) => {
    expect(await refusedWith({ id_token: claims })).toBe(code);
  });

  it('that is missing, or no token', async () => {
    for (const id_token of [null, {}]) {
      const answer = id_token === null ? { id_token } : { id_token: { tid: 7, oid: {}, aud: [], iss: null } };
      expect(await refusedWith(answer)).toBe('sign_in_failed');
    }
  });

  it('of another tenant than the link was started for', async () => {
    const { clientId, clientSecret, tenant } = flow.sandbox.info.customerOwned;
    const application = { kind: 'customerOwned', clientId, clientSecret, tenant };
    const claims = { tid: GLOBEX_TENANT, iss: issuer(GLOBEX_TENANT) };
    expect(await refusedWith({ id_token: claims }, { application })).toBe('wrong_tenant');
  });
});

describe('nOAuth: claims that whoever owns the account can write', () => {
  it('email and upn of the expected mailbox: not even looked at', async () => {
    const expected = { expectedMailbox: 'hr@acme.example' };
    const claims = { email: 'hr@acme.example', upn: 'hr@acme.example', verified_primary_email: ['hr@acme.example'] };
    expect(await refusedWith({ id_token: claims }, expected)).toBe('wrong_account');
  });

  it('the expected sign-in name, in a tenant of the attacker’s', async () => {
    const claims = { tid: GLOBEX_TENANT, iss: issuer(GLOBEX_TENANT), preferred_username: 'hr@acme.example' };
    expect(await refusedWith({ id_token: claims }, { expectedMailbox: 'hr@acme.example' })).toBe('wrong_tenant');
  });

  it('the expected sign-in name, in the tenant that the application is used in but that does not own the domain', async () => {
    const { clientId, clientSecret } = flow.sandbox.info.customerOwned;
    const application = { kind: 'customerOwned', clientId, clientSecret, tenant: GLOBEX_TENANT };
    const body = linkRequest({ application, expectedMailbox: 'hr@acme.example' });
    const { errors } = await flow.api.expect(400, 'POST', '/auth/link/Outlook', { body });
    expect(errors).toMatchObject([{ pointer: '/expectedMailbox', code: 'wrong_tenant' }]);
  });

  it.each([
    ['a letter of another alphabet', 'hr@аcme.example'],
    ['the Kelvin sign for a k', 'kios\u212A@acme.example'],
    ['a full-width letter', 'hｒ@acme.example'],
    ['a space at the end', 'hr@acme.example '],
    ['a zero byte at the end', 'hr@acme.example\u0000'],
  ])('a sign-in name that only looks like the expected one: %s', async (_, name) => {
    const expectedMailbox = name.startsWith('kios') ? 'kiosk@acme.example' : 'hr@acme.example';
    expect(await refusedWith({ id_token: { preferred_username: name } }, { expectedMailbox })).toBe('wrong_account');
  });

  it('the address of a linked mailbox, renamed to: the mailbox is known by tenant and object, never by address', async () => {
    const { linkId, back } = await authorize(flow, 'hr@acme.example');
    const first = await flow.api.expect<Connection>(201, 'POST', confirmPath(linkId), { body: proof(back) });
    const other = await authorize(flow, 'sender-2@acme.example');
    await forge({ id_token: { preferred_username: 'hr@acme.example', email: 'hr@acme.example' } });
    const second = await flow.api.expect<Connection>(201, 'POST', confirmPath(other.linkId), {
      body: proof(other.back),
    });
    expect(second.connectionId).not.toBe(first.connectionId);
    expect(second.mailbox.objectId).not.toBe(first.mailbox.objectId);
    // And a re-link of the first one refuses the account that now has its name.
    const again = await authorize(flow, 'sender-2@acme.example', { connectionId: first.connectionId });
    await forge({ id_token: { preferred_username: 'hr@acme.example' } });
    const problem = await flow.api.expect(409, 'POST', confirmPath(again.linkId), { body: proof(again.back) });
    expect(problem.code).toBe('wrong_account');
    for (const { connectionId } of [first, second])
      await flow.api.expect(200, 'DELETE', `/customers/acme/connections/${connectionId}`);
  });
});

describe('a token answer', () => {
  it.each([
    ['that does not grant Mail.Send', { scope: 'openid profile email User.Read' }, 'consent_declined'],
    [
      'that grants what only sounds like it',
      { scope: 'https://attacker.example/Mail.Send Mail.Send.Shared' },
      'consent_declined',
    ],
    ['without a refresh token', { refresh_token: null }, 'consent_declined'],
  ])('%s: %s', async (_, answer, code) => {
    expect(await refusedWith(answer)).toBe(code);
  });

  it('with an empty access token: nothing is stored', async () => {
    const { linkId, back } = await authorize(flow, 'sender-1@acme.example');
    await forge({ access_token: '' });
    const problem = await flow.api.expect(503, 'POST', confirmPath(linkId), { body: proof(back) });
    expect(problem.code).toBe('microsoft_unavailable');
    expect(refreshTokens()).toEqual([]);
  });
});

describe('codes and verifiers', () => {
  it('a code of the attacker’s own account, injected into the victim’s link: the verifier does not fit', async () => {
    const attackers = await startLink(flow, { customerId: 'globex' });
    const stolen = await callbackUrl(flow.browser(), attackers.linkUrl, 'hr@globex.example');
    const victims = await startLink(flow);
    const browser = flow.browser();
    const own = await callbackUrl(browser, victims.linkUrl, 'sender-1@acme.example');
    const injected = withQuery(own, { code: new URL(stolen).searchParams.get('code') ?? '' });
    const { location } = await send(injected, { headers: { cookie: linkCookie(browser, victims.linkId) } });
    const body = proof(new URL(location ?? '').searchParams);
    expect((await flow.api.expect(409, 'POST', confirmPath(victims.linkId), { body })).code).toBe('sign_in_failed');
    expect(await mailboxesOf(flow, 'acme')).toEqual([]);
  });

  it('a code of the victim’s, injected into the attacker’s link: the same', async () => {
    const victims = await startLink(flow);
    const stolen = await callbackUrl(flow.browser(), victims.linkUrl, 'sender-1@acme.example');
    const attackers = await startLink(flow, { customerId: 'globex', startedBy: 'session-of-mallory' });
    const browser = flow.browser();
    const own = await callbackUrl(browser, attackers.linkUrl, 'hr@globex.example');
    const injected = withQuery(own, { code: new URL(stolen).searchParams.get('code') ?? '' });
    const { location } = await send(injected, { headers: { cookie: linkCookie(browser, attackers.linkId) } });
    const body = proof(new URL(location ?? '').searchParams, { customerId: 'globex', startedBy: 'session-of-mallory' });
    expect((await flow.api.expect(409, 'POST', confirmPath(attackers.linkId), { body })).code).toBe('sign_in_failed');
    expect(await mailboxesOf(flow, 'globex')).toEqual([]);
  });

  it('a code that was redeemed before, a made-up one, an empty one and one of 100 KB', async () => {
    const first = await authorize(flow, 'sender-1@acme.example');
    const callback = first.browser.history.find(({ url }) => url.includes('/auth/callback/'))?.url ?? '';
    const used = new URL(callback).searchParams.get('code') ?? '';
    const { connectionId } = await flow.api.expect<Connection>(201, 'POST', confirmPath(first.linkId), {
      body: proof(first.back),
    });
    for (const [code, expected] of [
      [used, 'link_used'],
      ['made-up', 'sign_in_failed'],
    ] as const) {
      const { linkId, linkUrl } = await startLink(flow);
      const browser = flow.browser();
      const own = await callbackUrl(browser, linkUrl, 'sender-2@acme.example');
      const headers = { cookie: linkCookie(browser, linkId) };
      for (const impossible of ['', 'c'.repeat(5000)])
        expect((await send(withQuery(own, { code: impossible }), { headers })).status).toBe(400);
      const { location } = await send(withQuery(own, { code }), { headers });
      const body = proof(new URL(location ?? '').searchParams);
      expect((await flow.api.expect(409, 'POST', confirmPath(linkId), { body })).code).toBe(expected);
    }
    await flow.api.expect(200, 'DELETE', `/customers/acme/connections/${connectionId}`);
  });
});

describe('mix-up', () => {
  const owned = (kind: 'customerOwned' | 'customerOwnedSingleTenant') => {
    const { clientId, clientSecret, tenant } = flow.sandbox.info[kind];
    return { kind: 'customerOwned', clientId, clientSecret, tenant };
  };

  /** The code of one link, brought back to another. */
  async function mixed(from: object, to: object): Promise<string> {
    const one = await startLink(flow, from);
    const code = new URL(await callbackUrl(flow.browser(), one.linkUrl, 'sender-1@acme.example')).searchParams.get(
      'code',
    );
    const two = await startLink(flow, to);
    const browser = flow.browser();
    const own = await callbackUrl(browser, two.linkUrl, 'sender-1@acme.example');
    const headers = { cookie: linkCookie(browser, two.linkId) };
    const { location } = await send(withQuery(own, { code: code ?? '' }), { headers });
    const { customerId = 'acme' } = to as { customerId?: string };
    const body = proof(new URL(location ?? '').searchParams, { customerId });
    return (await flow.api.expect(409, 'POST', confirmPath(two.linkId), { body })).code;
  }

  it('between the applications of two customers: the code is worth nothing to the other application', async () => {
    const globex = { customerId: 'globex', application: owned('customerOwnedSingleTenant') };
    expect(await mixed({ application: owned('customerOwned') }, globex)).toBe('sign_in_failed');
  });

  it('between kinds: from RoboMQ’s application to a customer’s own, and back', async () => {
    expect(await mixed({}, { application: owned('customerOwned') })).toBe('sign_in_failed');
    expect(await mixed({ application: owned('customerOwned') }, {})).toBe('sign_in_failed');
  });

  it('a client secret goes to its own application alone, never beside another client ID', async () => {
    const requests = (await flow.requests('identity')).filter(({ path }) => path.endsWith('/token'));
    const { customerOwned, customerOwnedSingleTenant } = flow.sandbox.info;
    expect(requests.length).toBeGreaterThan(5);
    for (const { body } of requests) {
      const form = new URLSearchParams(body);
      for (const { clientId, clientSecret } of [customerOwned, customerOwnedSingleTenant])
        expect(form.get('client_secret') === clientSecret).toBe(form.get('client_id') === clientId);
    }
  });

  it('the connection of one application is not re-linked through another, and the mailbox of one is not that of the other', async () => {
    const first = await authorize(flow, 'sender-1@acme.example');
    const ours = await flow.api.expect<Connection>(201, 'POST', confirmPath(first.linkId), { body: proof(first.back) });
    const body = {
      customerId: 'acme',
      startedBy: 'session-of-ada',
      returnTo: 'settings',
      connectionId: ours.connectionId,
      application: owned('customerOwned'),
    };
    const problem = await flow.api.expect(409, 'POST', '/auth/link/Outlook', { body });
    expect(problem.code).toBe('relink_other_application');
    const second = await authorize(flow, 'sender-1@acme.example', { application: owned('customerOwned') });
    const theirs = await flow.api.expect<Connection>(201, 'POST', confirmPath(second.linkId), {
      body: proof(second.back),
    });
    expect(theirs.connectionId).not.toBe(ours.connectionId);
    for (const { connectionId } of [ours, theirs])
      await flow.api.expect(200, 'DELETE', `/customers/acme/connections/${connectionId}`);
  });
});

describe('the return of an administrator', () => {
  const api = () => `${flow.sandbox.info.api}/auth/callback/Outlook`;

  it('names a tenant: it is not believed, whatever state it brings', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const browser = flow.browser();
    const url = await callbackUrl(browser, linkUrl, 'sender-1@acme.example');
    flow.sandbox.storage.clearCounts();
    const claimed = withQuery(url, { code: undefined, admin_consent: 'True', tenant: GLOBEX_TENANT });
    const answered = await send(claimed, { headers: { cookie: linkCookie(browser, linkId) } });
    expect([answered.status, answered.location]).toEqual([200, null]);
    expect(answered.text).toContain('Approved, now link');
    expect(answered.text).not.toContain(GLOBEX_TENANT);
    // Nothing was read or written: the row of the link is as it was.
    expect(flow.sandbox.storage.counts().table).toEqual({});
    expect((await stateOf(flow, linkId)).state).toBe('opened');
  });

  it('mixed with a code: a code needs its state and its cookie all the same, and the tenant counts for nothing', async () => {
    const query = new URLSearchParams({ admin_consent: 'True', tenant: GLOBEX_TENANT, code: 'planted' });
    expect((await send(`${api()}?${query}`)).text).toContain('This link is not valid');
    const { linkId, linkUrl } = await startLink(flow);
    const browser = flow.browser();
    const url = await callbackUrl(browser, linkUrl, 'sender-1@acme.example');
    const mixedUrl = withQuery(url, { admin_consent: 'True', tenant: GLOBEX_TENANT });
    const { location } = await send(mixedUrl, { headers: { cookie: linkCookie(browser, linkId) } });
    const body = proof(new URL(location ?? '').searchParams);
    const connection = await flow.api.expect<Connection>(201, 'POST', confirmPath(linkId), { body });
    expect(connection.mailbox.tenantId).toBe('a0a0a0a0-1111-4111-8111-000000000001');
    await flow.api.expect(200, 'DELETE', `/customers/acme/connections/${connection.connectionId}`);
  });

  it('declined, though it says admin_consent=True: not told as approved', async () => {
    const query = new URLSearchParams({ admin_consent: 'True', error: 'consent_required', tenant: GLOBEX_TENANT });
    const answered = await send(`${api()}?${query}`);
    expect(answered.text).toContain('Not approved');
    expect(answered.text).not.toContain('Approved, now link');
  });

  it('with a code of a stranger’s link: comeBack of the stranger is not spoiled', async () => {
    const { linkUrl } = await startLink(flow);
    await send(`${api()}?admin_consent=True&tenant=x&state=y`);
    expect((await comeBack(flow.browser(), linkUrl, 'sender-1@acme.example')).get('confirmation')).not.toBeNull();
  });
});
