import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, LinkState, List, Problem } from './support/api.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { attributeOf } from './support/html.ts';
import { cardOf, comeBack, connectionOn, linkMailbox, linkRequest, proof, signIn, startLink } from './support/link.ts';
import { CUSTOMER, connectionPath } from './support/mails.ts';
import { until } from './support/until.ts';

let flow: Flow;

beforeAll(async () => {
  flow = await startFlow({ extraMailboxes: 12 });
});
afterAll(() => flow?.close());

const hire2retire = (path: string) => `${flow.sandbox.info.hire2retire}${path}`;
const stateOf = (linkId: string) =>
  flow.api.expect<LinkState>(200, 'GET', `/auth/link/Outlook/${linkId}?customerId=${CUSTOMER}`);
const confirm = (linkId: string) => `/auth/link/Outlook/${linkId}/confirm`;
const start = (body: unknown) => flow.api.expect(400, 'POST', '/auth/link/Outlook', { body });
const fields = ({ errors = [] }: Problem) => errors.map(({ pointer, code }) => `${pointer} ${code}`);
const secretsOf = (kind: string) => flow.sandbox.keyVault.snapshot().filter(({ tags }) => tags['kind'] === kind);

describe('an account is linked through the pages', () => {
  it('through the service provider’s application: tab, sign-in with a password, consent, and back to the list', async () => {
    const browser = flow.browser();
    const tab = await browser.open(hire2retire('/service-provider'));
    const signInPage = await browser.click(tab, 'Link account');
    expect(signInPage.text).toContain('to continue to RoboMQ Hire2Retire');
    const typed = { email: 'hr@acme.example', password: 'Sandbox-1' };
    const consent = await browser.click(signInPage, 'Sign in', typed);
    expect(consent.text).toContain('Mail.Send');
    const list = await browser.click(consent, 'Accept');

    expect(list.url).toMatch(/\/connections\?linked=con_[0-9a-f]{32}&tested=/);
    expect(list.text).toContain('hr@acme.example is linked.');
    expect(list.text).toContain('The test mail was accepted by Microsoft.');
    const card = cardOf(list, 'hr@acme.example') ?? '';
    expect(attributeOf(card, 'data-status')).toBe('connected');
    expect(attributeOf(card, 'data-customer-id')).toBe(CUSTOMER);
    const connection = await flow.api.expect<Connection>(
      200,
      'GET',
      connectionPath(connectionOn(list, 'hr@acme.example')),
    );
    expect(connection).toMatchObject({
      status: 'connected',
      mailbox: { signInName: 'hr@acme.example' },
      application: { kind: 'serviceProvider', clientId: flow.sandbox.info.serviceProvider.clientId },
    });
    expect(JSON.stringify(connection)).not.toMatch(/refresh-token-|client-secret-/);
  });

  it.each(['customerOwned', 'customerOwnedSingleTenant'] as const)(
    'through an application of the customer’s own: %s',
    async (kind) => {
      const { clientId, clientSecret, tenant } = flow.sandbox.info[kind];
      const browser = flow.browser();
      const tab = await browser.open(hire2retire('/customer-owned'));
      const typed = { clientId, clientSecret, ...(kind === 'customerOwnedSingleTenant' && { tenant }) };
      const list = await signIn(browser, await browser.click(tab, 'Link account', typed), 'payroll@acme.example');

      const connectionId = new URL(list.url).searchParams.get('linked') ?? '';
      const connection = await flow.api.expect<Connection>(200, 'GET', connectionPath(connectionId));
      expect(connection).toMatchObject({
        status: 'connected',
        mailbox: { signInName: 'payroll@acme.example', tenantId: tenant },
        application: { kind: 'customerOwned', clientId },
      });
      const kept = secretsOf('client-secret').filter(({ tags }) => tags['application'] === clientId);
      expect(kept).toMatchObject([{ value: clientSecret, deleted: false, tags: { customer: CUSTOMER } }]);
    },
  );

  it('and linking the same mailbox once more is a re-link: the connection keeps its id', async () => {
    const first = await linkMailbox(flow, 'sender-1@acme.example');
    const tokenOf = () =>
      secretsOf('refresh-token').filter(({ tags, deleted }) => tags['connection'] === first && !deleted).length;
    expect(tokenOf()).toBe(1);

    expect(await linkMailbox(flow, 'sender-1@acme.example')).toBe(first);
    const { items } = await flow.api.expect<List<Connection>>(200, 'GET', `/customers/${CUSTOMER}/connections`);
    expect(items.filter(({ mailbox }) => mailbox.signInName === 'sender-1@acme.example')).toHaveLength(1);
    // The one before stays for a day, so that an instance that still has it in hand is not cut off.
    expect(tokenOf()).toBe(2);
  });

  it('and confirmed again, in case the first answer was lost: 200 with the same connection', async () => {
    const { linkId, linkUrl } = await startLink(flow, { displayName: 'HR mailbox' });
    const back = await comeBack(flow.browser(), linkUrl, 'sender-2@acme.example');
    expect([...back.keys()].sort()).toEqual(['confirmation', 'linkId']);
    expect(await stateOf(linkId)).toEqual({ linkId, state: 'authorized' });

    const first = await flow.api.expect<Connection>(201, 'POST', confirm(linkId), { body: proof(back) });
    const again = await flow.api.expect<Connection>(200, 'POST', confirm(linkId), { body: proof(back) });
    expect(again).toEqual(first);
    expect(first.displayName).toBe('HR mailbox');
    expect(await stateOf(linkId)).toEqual({ linkId, state: 'connected', connectionId: first.connectionId });
  });

  it('and another account than the hinted one is told, not refused', async () => {
    const { linkId, linkUrl } = await startLink(flow, { loginHint: 'hr@acme.example' });
    const back = await comeBack(flow.browser(), linkUrl, 'sender-3@acme.example');
    const linked = await flow.api.expect<object>(201, 'POST', confirm(linkId), { body: proof(back) });
    expect(linked).toMatchObject({ mailbox: { signInName: 'sender-3@acme.example' }, mailboxDiffers: true });
  });

  it('and the confirm that comes twice at once makes one connection', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, 'sender-4@acme.example');
    const both = await Promise.all([1, 2].map(() => flow.api.call('POST', confirm(linkId), { body: proof(back) })));
    for (const { status, text } of both) {
      if (status === 409) expect(JSON.parse(text)).toMatchObject({ code: 'link_in_progress' });
      else expect([200, 201]).toContain(status);
    }
    const { items } = await flow.api.expect<List<Connection>>(200, 'GET', `/customers/${CUSTOMER}/connections`);
    expect(items.filter(({ mailbox }) => mailbox.signInName === 'sender-4@acme.example')).toHaveLength(1);
  });
});

describe('a person who cannot link is told why', () => {
  /** Signs in and returns what Hire2Retire's page says of it. */
  async function failing(typed: Record<string, string>, account: string, choose: Record<string, string> = {}) {
    const browser = flow.browser();
    const path = 'clientId' in typed ? '/customer-owned' : '/service-provider';
    const signInPage = await browser.click(await browser.open(hire2retire(path)), 'Link account', typed);
    const credentials = { email: account, password: 'Sandbox-1', ...choose };
    const next = await browser.click(signInPage, 'Sign in', credentials);
    // Some failures end the sign-in before there is anything to consent to.
    const page = next.forms.some(({ buttons }) => buttons.some(({ text }) => text === 'Accept'))
      ? await browser.click(next, 'Accept')
      : next;
    return {
      page,
      code: attributeOf(page.body, 'data-link-error'),
      linkId: new URL(page.url).searchParams.get('linkId'),
    };
  }

  it('Cancel on the consent page: consent_declined, and nothing is kept', async () => {
    const { clientId, clientSecret } = flow.sandbox.info.customerOwned;
    const browser = flow.browser();
    const tab = await browser.open(hire2retire('/customer-owned'));
    const signInPage = await browser.click(tab, 'Link account', { clientId, clientSecret });
    const page = await browser.click(await browser.click(signInPage, 'sender-5@acme.example'), 'Cancel');
    expect(attributeOf(page.body, 'data-link-error')).toBe('consent_declined');
    expect(page.text).toContain('You declined the permissions');
    const { searchParams } = new URL(page.url);
    expect([...searchParams.keys()].sort()).toEqual(['error', 'linkId']);
    expect(await stateOf(searchParams.get('linkId') ?? '')).toMatchObject({
      state: 'failed',
      error: { code: 'consent_declined', whoActs: 'user' },
    });
    const stored = secretsOf('client-secret').filter(({ tags }) => tags['application'] === clientId);
    // One belongs to the application that was linked above; the declined link's own is deleted.
    expect(stored.filter(({ deleted }) => deleted).length).toBe(1);
  });

  it('the expected mailbox did not sign in: wrong_account', async () => {
    const { code } = await failing({ expectedMailbox: 'sender-5@acme.example' }, 'sender-6@acme.example');
    expect(code).toBe('wrong_account');
  });

  it('a guest signed in: guest_account', async () => {
    const { code, page } = await failing({}, 'ines@partner.example');
    expect([code, page.text]).toEqual(['guest_account', expect.stringContaining('a guest has no mailbox there')]);
  });

  it('the client secret is wrong: secret_wrong, with Microsoft’s correlation id, and the secret is deleted', async () => {
    const { clientId } = flow.sandbox.info.customerOwned;
    const wrong = 'wrong~secret-of-nobody';
    const { code, linkId } = await failing({ clientId, clientSecret: wrong }, 'sender-5@acme.example');
    expect(code).toBe('secret_wrong');
    const { error } = await stateOf(linkId ?? '');
    expect(error).toMatchObject({ code: 'secret_wrong', whoActs: 'customerAdmin' });
    expect(error?.microsoft?.correlationId).toMatch(/^[0-9a-f-]{36}$/);
    expect(flow.sandbox.keyVault.snapshot().filter(({ value }) => value === wrong)).toMatchObject([{ deleted: true }]);
  });

  it.each([
    ['conditional_access', 'customerAdmin'],
    ['app_disabled', 'customerAdmin'],
    // RoboMQ's own application: nobody at the customer can renew its secret.
    ['secret_expired', 'robomq'],
    ['microsoft_unavailable', 'nobody'],
  ])('what only Microsoft can say: %s', async (failure, whoActs) => {
    const { code, linkId } = await failing({}, 'sender-5@acme.example', { failure });
    expect(code).toBe(failure);
    expect((await stateOf(linkId ?? '')).error).toMatchObject({ code: failure, whoActs });
  });

  it('only an administrator may approve: the page carries the address where that is done, and it works', async () => {
    const { code, page, linkId } = await failing({}, 'sender-5@acme.example', { failure: 'admin_approval_needed' });
    expect(code).toBe('admin_approval_needed');
    expect(page.text).toContain('Text for your IT');
    const { error } = await stateOf(linkId ?? '');
    const address = new URL(error?.adminConsentUrl ?? '');
    expect(address.searchParams.get('scope')).toContain('Mail.Send');
    expect(address.searchParams.has('state')).toBe(false);

    const admin = flow.browser();
    const consent = await admin.open(address.href);
    const approved = await admin.click(consent, 'Accept');
    expect(approved.status).toBe(200);
    expect(approved.text).toContain('Approved, now link');
  });

  it('a secret’s ID in place of its value: refused before anybody signs in, at the field', async () => {
    const clientSecret = '11111111-2222-4333-8444-555555555555';
    const typed = { clientId: flow.sandbox.info.customerOwned.clientId, clientSecret };
    const browser = flow.browser();
    const page = await browser.click(await browser.open(hire2retire('/customer-owned')), 'Link account', typed);
    expect(page.status).toBe(400);
    expect(page.text).toMatch(/is the secret’s ID/);
    expect(page.body).not.toContain(clientSecret);
    const application = { kind: 'customerOwned', ...typed };
    const problem = await start(linkRequest({ application }));
    expect(problem.code).toBe('secret_is_id');
    expect(fields(problem)).toEqual(['/application/clientSecret secret_is_id']);
  });
});

describe('a link works once, in time, and only where it was opened', () => {
  it('another browser gets the used-link page; the first one can still finish', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const mine = flow.browser();
    await mine.open(linkUrl);
    const theirs = await flow.browser().open(linkUrl);
    expect([theirs.status, theirs.text]).toEqual([409, expect.stringContaining('This link was used already')]);

    const back = await comeBack(mine, linkUrl, 'sender-7@acme.example');
    await flow.api.expect<Connection>(201, 'POST', confirm(linkId), { body: proof(back) });
    const again = await mine.open(linkUrl);
    expect([again.status, again.text]).toEqual([409, expect.stringContaining('This link was used already')]);
  });

  it('a state works once', async () => {
    const { linkUrl } = await startLink(flow);
    const browser = flow.browser();
    await comeBack(browser, linkUrl, 'sender-7@acme.example');
    const callback = browser.history.find(({ url }) => url.includes('/api/auth/callback/Outlook?'));
    const again = await browser.open(callback?.url ?? '');
    expect([again.status, again.text]).toEqual([400, expect.stringContaining('This link is not valid')]);
  });

  it('a forged state gets a page, no redirect and nothing echoed, and spoils nothing', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const browser = flow.browser();
    await browser.open(linkUrl);
    const forged = `${linkId}.${'A'.repeat(43)}`;
    for (const state of [forged, 'nonsense', '', `${linkId}.`]) {
      const query = new URLSearchParams({ code: 'planted-code', state });
      const page = await browser.open(`${flow.sandbox.info.api}/auth/callback/Outlook?${query}`);
      expect([page.status, page.location, page.url]).toEqual([400, undefined, page.url]);
      expect(page.text).toContain('This link is not valid');
      expect(page.body).not.toMatch(/planted-code|AAAAAAAA|nonsense/);
    }
    expect((await stateOf(linkId)).state).toBe('opened');
    await comeBack(browser, linkUrl, 'sender-7@acme.example');
    expect((await stateOf(linkId)).state).toBe('authorized');
  });

  it('a callback without the cookie, or with a foreign one, gets the page; the browser that has it goes on', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const browser = flow.browser();
    const stopped = await signIn(browser, await browser.open(linkUrl), 'sender-7@acme.example', '/auth/callback/');
    const callback = stopped.location ?? '';
    for (const cookie of ['', `${linkId}=${'B'.repeat(43)}`, `${linkId}=x; ${linkId}=y`]) {
      const answer = await fetch(callback, { headers: { cookie }, redirect: 'manual' });
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
      expect(await answer.text()).toContain('This link is not valid');
    }
    expect((await stateOf(linkId)).state).toBe('opened');
    const back = await browser.open(callback, '/return?');
    expect(back.location).toContain(`linkId=${linkId}`);
  });

  it('a repeated parameter is refused', async () => {
    const page = await flow.browser().open(`${flow.sandbox.info.api}/auth/callback/Outlook?state=a&state=b&code=c`);
    expect([page.status, page.text]).toEqual([400, expect.stringContaining('This did not work')]);
  });

  it('pages and redirects of the link carry the headers that keep codes from leaking', async () => {
    const { linkUrl } = await startLink(flow);
    const browser = flow.browser();
    await comeBack(browser, linkUrl, 'sender-7@acme.example');
    const ours = browser.history.filter(({ url }) => url.startsWith(flow.sandbox.info.api));
    expect(ours.map(({ status }) => status)).toEqual([303, 303]);
    for (const { headers } of ours) {
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.getSetCookie()).toEqual([expect.stringMatching(/; path=\/; samesite=lax; httponly$/i)]);
    }
  });

  it('after 30 minutes it is over: the page says so, and so does the state', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    await letExpire(linkId);
    const page = await flow.browser().open(linkUrl);
    expect([page.status, page.text]).toEqual([409, expect.stringContaining('This link has expired')]);
    expect(await stateOf(linkId)).toMatchObject({ state: 'expired', error: { code: 'link_expired' } });
  });

  it('a confirmation after its five minutes is link_expired', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, 'sender-8@acme.example');
    await letExpire(linkId);
    const problem = await flow.api.expect(409, 'POST', confirm(linkId), { body: proof(back) });
    expect([problem.code, problem.error?.code]).toEqual(['link_expired', 'link_expired']);
    expect((await stateOf(linkId)).state).toBe('expired');
  });

  /** Time cannot be turned forward in another process, so the link's end is moved into the past. */
  async function letExpire(linkId: string) {
    const expiresAt = new Date(Date.now() - 1000).toISOString();
    await flow.table('links').updateEntity({ partitionKey: linkId, rowKey: 'link', expiresAt }, 'Merge');
  }
});

describe('only the session that started may confirm', () => {
  it('another session destroys the authorization: link_wrong_session, for the right one too', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, 'sender-9@acme.example');
    const redeemed = async () =>
      (await flow.requests('identity')).filter(({ body }) => body.includes('grant_type=authorization_code')).length;
    const before = await redeemed();
    const body = proof(back, { startedBy: 'session-of-mallory' });
    const problem = await flow.api.expect(409, 'POST', confirm(linkId), { body });
    expect([problem.code, problem.error?.code]).toEqual(['link_wrong_session', 'link_wrong_session']);
    expect(await stateOf(linkId)).toMatchObject({ state: 'failed', error: { code: 'link_wrong_session' } });

    const late = await flow.api.expect(409, 'POST', confirm(linkId), { body: proof(back) });
    expect(late.code).toBe('link_wrong_session');
    const { items } = await flow.api.expect<List<Connection>>(200, 'GET', `/customers/${CUSTOMER}/connections`);
    expect(items.map(({ mailbox }) => mailbox.signInName)).not.toContain('sender-9@acme.example');
    // The code was never redeemed: nothing of the mailbox was stored, not even for a moment.
    expect(await redeemed()).toBe(before);
    const isEvent = (line: string) => line.includes('security.link_wrong_session') && line.includes(linkId);
    await until('the security event', () => flow.sandbox.logs.some(isEvent));
  });

  it('another customer cannot either', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, 'sender-9@acme.example');
    const body = proof(back, { customerId: 'globex' });
    const problem = await flow.api.expect(409, 'POST', confirm(linkId), { body });
    expect(problem.code).toBe('link_wrong_session');
    await flow.api.expect(404, 'GET', `/auth/link/Outlook/${linkId}?customerId=globex`);
  });

  it('through the pages: a victim who follows somebody else’s link is not linked', async () => {
    const attacker = flow.browser();
    const tab = await attacker.open(hire2retire('/service-provider'));
    const redirect = await attacker.click(tab, 'Link account', {}, '/auth/open/');
    const victim = flow.browser();
    const signInPage = await victim.open(redirect.location ?? '');
    const page = await signIn(victim, signInPage, 'sender-9@acme.example');
    expect(attributeOf(page.body, 'data-link-error')).toBe('link_wrong_session');
  });

  it('a wrong confirmation changes nothing', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, 'sender-10@acme.example');
    const body = proof(back, { confirmation: `${linkId}.${'C'.repeat(43)}` });
    const problem = await flow.api.expect(409, 'POST', confirm(linkId), { body });
    expect(problem.code).toBe('link_not_authorized');
    await flow.api.expect<Connection>(201, 'POST', confirm(linkId), { body: proof(back) });
  });

  it('a link that nobody authorized has nothing to confirm, and an unknown one is 404', async () => {
    const { linkId } = await startLink(flow);
    const body = proof(new URLSearchParams({ confirmation: 'anything' }));
    expect((await flow.api.expect(409, 'POST', confirm(linkId), { body })).code).toBe('link_not_authorized');
    const unknown = `lnk_${'0'.repeat(32)}`;
    expect((await flow.api.expect(404, 'POST', confirm(unknown), { body })).code).toBe('not_found');
    expect((await flow.api.expect(404, 'POST', confirm('nonsense'), { body })).code).toBe('not_found');
  });
});

describe('a request that is wrong is told where', () => {
  it('a return address that is not registered', async () => {
    const problem = await start(linkRequest({ returnTo: 'somewhere' }));
    expect(fields(problem)).toEqual(['/returnTo return_not_registered']);
    expect(problem).toMatchObject({ code: 'invalid_request', status: 400 });
    expect(fields(await start(linkRequest({ returnTo: 'https://evil.example/' })))[0]).toMatch(/^\/returnTo /);
  });

  it.each([
    ['an unknown field', { unknown: 1 }, ['/unknown unknown_field']],
    ['a missing field', { startedBy: undefined }, ['/startedBy required']],
    ['a wrong type', { startedBy: 7 }, ['/startedBy wrong_type']],
    ['a customer id that is none', { customerId: '../acme' }, ['/customerId invalid']],
    [
      'a secret missing',
      { application: { kind: 'customerOwned', clientId: crypto.randomUUID() } },
      ['/application/clientSecret required'],
    ],
    [
      'a field of the other kind',
      { application: { kind: 'serviceProvider', clientId: 'x' } },
      ['/application/clientId unknown_field'],
    ],
    [
      'a shared authority as tenant',
      {
        application: {
          kind: 'customerOwned',
          clientId: crypto.randomUUID(),
          clientSecret: 'long-enough',
          tenant: 'common',
        },
      },
      ['/application/tenant invalid'],
    ],
    ['an unknown organization', { expectedMailbox: 'hr@nowhere.example' }, ['/expectedMailbox tenant_unknown']],
  ])('%s', async (_name, changes, expected) => {
    const problem = await start(linkRequest(changes));
    expect(problem.code).toBe('invalid_request');
    expect(fields(problem)).toEqual(expected);
  });

  it('no body, no JSON, no object, another media type', async () => {
    for (const [body, type] of [
      ['', 'application/json'],
      ['{', 'application/json'],
      ['[]', 'application/json'],
      ['null', 'application/json'],
      ['"text"', 'application/json'],
      ['customerId=acme', 'application/x-www-form-urlencoded'],
    ]) {
      const answer = await flow.api.call('POST', '/auth/link/Outlook', {
        body,
        headers: { 'content-type': type ?? '' },
      });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'application/problem+json']);
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '' }] });
    }
  });

  it('an unknown or repeated query parameter', async () => {
    const unknown = await flow.api.expect(400, 'GET', '/customers/acme/connections?limits=3');
    expect(fields(unknown)).toEqual(['?limits unknown_field']);
    const tooMany = await flow.api.expect(400, 'GET', '/customers/acme/connections?limit=201');
    expect(fields(tooMany)).toEqual(['?limit too_large']);
    const tooLong = await flow.api.expect(400, 'GET', '/customers/acme/connections?limit=1000');
    expect(tooLong.errors).toEqual([{ pointer: '?limit', code: 'too_large', detail: 'must be at most 200' }]);
    const word = await flow.api.expect(400, 'GET', '/customers/acme/connections?limit=all');
    expect(word.errors?.[0]?.detail).toBe('must be a whole number');
    await flow.api.expect(400, 'GET', '/customers/acme/connections?limit=1&limit=2');
  });

  it('a correlation id comes back when it is one, and is replaced when it is not', async () => {
    const given = await flow.api.call('GET', '/customers/acme/connections', {
      headers: { 'x-correlation-id': 'ticket-4711' },
    });
    expect(given.headers.get('x-correlation-id')).toBe('ticket-4711');
    const forged = await flow.api.call('GET', '/customers/acme/connections/x', {
      headers: { 'x-correlation-id': '{"a":1}' },
    });
    expect(forged.headers.get('x-correlation-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(forged.text)).toMatchObject({
      code: 'not_found',
      correlationId: forged.headers.get('x-correlation-id'),
    });
  });

  it('more than ten open links of one customer: 429 with Retry-After, and other customers are not affected', async () => {
    const body = linkRequest({ customerId: 'busy' });
    for (let count = 0; count < 10; count += 1) await flow.api.expect(201, 'POST', '/auth/link/Outlook', { body });
    const answer = await flow.api.call('POST', '/auth/link/Outlook', { body });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      429,
      expect.objectContaining({ code: 'too_many_links' }),
    ]);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    await startLink(flow);
  });
});

describe('what the host answers itself', () => {
  it.each([
    ['no key', undefined],
    ['a wrong key', 'wrong-key'],
    ['an empty key', ''],
  ])('%s: 401 without a body', async (_name, key) => {
    for (const [method, path] of [
      ['POST', '/auth/link/Outlook'],
      ['GET', '/customers/acme/connections'],
      ['POST', '/customers/acme/connections/x/mails'],
    ] as const) {
      const answer = await flow.api.call(method, path, { key });
      expect([answer.status, answer.text]).toEqual([401, '']);
    }
  });

  it('the key in the URL alone is refused, so that nobody gets used to it', async () => {
    const { functionKey } = flow.sandbox.info;
    const path = `/customers/acme/connections?code=${functionKey}`;
    const problem = await flow.api.expect(400, 'GET', path, { key: undefined });
    expect(problem.code).toBe('key_in_url');
    expect(JSON.stringify(problem)).not.toContain(functionKey);
  });

  it('an unknown route, an unlisted method and HEAD: 404 without a body', async () => {
    for (const [method, path] of [
      ['GET', '/nothing'],
      ['GET', '/auth/link/Outlook'],
      ['PUT', '/auth/link/Outlook'],
      ['POST', '/auth/callback/Outlook'],
      ['HEAD', '/health'],
      ['HEAD', '/customers/acme/connections'],
    ] as const) {
      const answer = await flow.api.call(method, path);
      expect([path, method, answer.status, answer.text]).toEqual([path, method, 404, '']);
    }
  });

  it('health needs no key', async () => {
    expect((await flow.api.call('GET', '/health', { key: undefined })).status).toBe(200);
  });
});
