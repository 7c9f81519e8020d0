import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SIGN_IN_FAILURES, type SignInFailure } from '../../sandbox/identity/failures.ts';
import { LINK_ERRORS, type LinkErrorCode } from '../../shared/errors.ts';
import { WORDED_BY_NUMBER } from '../../shared/linking/microsoft-errors.ts';
import type { Connection, LinkError, LinkState, Problem } from './support/api.ts';
import { type Flow, startFlow } from './support/flow.ts';
import { comeBack, linkRequest, proof, signIn, startLink } from './support/link.ts';
import { connectionPath } from './support/mails.ts';
import { mail } from './support/messages.ts';
import { QUICK } from './support/quick.ts';
import { until } from './support/until.ts';

const CORRELATION = '11111111-2222-4333-8444-555555555555';
const TRACE = '66666666-7777-4888-8999-aaaaaaaaaaaa';
const ADDRESS = 'hr@acme.example';

let flow: Flow;

beforeAll(async () => {
  flow = await startFlow({ environment: { ...QUICK }, extraMailboxes: 6 });
});
afterEach(async () => {
  for (const standIn of ['identity', 'graph', 'keyVault'])
    await fetch(`${flow.sandbox.info.control}/${standIn}/faults`, { method: 'DELETE' });
});
afterAll(() => flow?.close());

const stateOf = (linkId: string) =>
  flow.api.expect<LinkState>(200, 'GET', `/auth/link/Outlook/${linkId}?customerId=acme`);
const confirm = (linkId: string, body: object) =>
  flow.api.call('POST', `/auth/link/Outlook/${linkId}/confirm`, { body });
const owned = () => {
  const { clientId, clientSecret, tenant } = flow.sandbox.info.customerOwned;
  return { application: { kind: 'customerOwned', clientId, clientSecret, tenant } };
};

/** What Microsoft's token endpoint answers. */
const tokenError = (error: string, number: number, more: object = {}, status = 400) => ({
  match: { path: '/token' },
  status,
  body: {
    error,
    error_description: `AADSTS${number}: Something. Trace ID: ${TRACE} Correlation ID: ${CORRELATION} Timestamp: now`,
    error_codes: [number],
    trace_id: TRACE,
    correlation_id: CORRELATION,
    ...more,
  },
});

/** What Microsoft's authorization endpoint sends back. */
const authorizeError = (error: string, number?: number, more: object = {}) => ({
  redirect: {
    error,
    ...(number !== undefined && {
      error_description: `AADSTS${number}: Something.\r\nTrace ID: ${TRACE}\r\nCorrelation ID: ${CORRELATION}`,
    }),
    ...more,
  },
});

/** A link whose sign-in Microsoft refuses before there is a code. */
async function refusedAtAuthorize(fault: object, changes: object = {}): Promise<LinkError> {
  const { linkId, linkUrl } = await startLink(flow, changes);
  await flow.control('identity/faults', [fault]);
  const back = await flow.browser().open(linkUrl, '/return?');
  const query = new URL(back.location ?? 'http://nowhere/').searchParams;
  const { error } = await stateOf(linkId);
  expect([query.get('linkId'), query.get('error')]).toEqual([linkId, error?.code]);
  return told(error);
}

/** A link whose code Microsoft refuses to redeem. Confirm, confirm again and the state query tell the same. */
async function refusedAtToken(fault: object, changes: object = {}): Promise<LinkError> {
  const { linkId, linkUrl } = await startLink(flow, changes);
  const back = await comeBack(flow.browser(), linkUrl, ADDRESS);
  await flow.control('identity/faults', [fault]);
  const answers = [await confirm(linkId, proof(back))];
  // Where Microsoft did not answer, the next one may succeed.
  if (!answers[0]?.headers.get('retry-after')) answers.push(await confirm(linkId, proof(back)));
  const { error } = await stateOf(linkId);
  for (const { status, text } of answers) {
    const problem = JSON.parse(text) as Problem;
    expect([status, problem.code, problem.error]).toEqual([
      error ? LINK_ERRORS[error.code as LinkErrorCode].status : 0,
      error?.code,
      error,
    ]);
  }
  return told(error);
}

/** What an error must always say. */
function told(error: LinkError | undefined): LinkError {
  expect(error).toMatchObject({
    code: expect.stringMatching(/^[a-z_]+$/),
    person: expect.stringMatching(/^[A-Z].+\.$/),
    operator: expect.stringMatching(/^.+\.$/),
    whoActs: expect.stringMatching(/^(user|customerAdmin|robomq|nobody)$/),
    action: expect.stringMatching(/^[A-Z].+\.$/),
  });
  if (!error) throw new Error('no error');
  if (error.whoActs === 'customerAdmin') expect(error).toHaveProperty('textForIt');
  return error;
}

/** Signs in with a failure chosen on the page of the stand-in, and returns the code that the link ends with. */
async function chosen(failure: SignInFailure): Promise<string> {
  const { linkId, linkUrl } = await startLink(flow, owned());
  const browser = flow.browser();
  const page = await browser.open(linkUrl);
  const typed = { email: ADDRESS, password: 'Sandbox-1', failure };
  const next = await browser.click(page, 'Sign in', typed, '/return?');
  const back = next.forms.length > 0 ? await browser.click(next, 'Accept', {}, '/return?') : next;
  const query = new URL(back.location ?? 'http://nowhere/').searchParams;
  if (query.has('confirmation')) await confirm(linkId, proof(query));
  const { error } = await stateOf(linkId);
  expect(told(error).microsoft?.correlationId).toMatch(/^[0-9a-f-]{36}$/);
  return error?.code ?? '';
}

async function ends(changes: object, address: string, before?: (linkId: string) => Promise<unknown>, body = {}) {
  const { linkId, linkUrl } = await startLink(flow, changes);
  const back = await comeBack(flow.browser(), linkUrl, address);
  await before?.(linkId);
  const answered = await confirm(linkId, proof(back, body));
  const problem = JSON.parse(answered.text) as Problem;
  expect((await stateOf(linkId)).error).toEqual(problem.error);
  return told(problem.error).code;
}

async function linkedOf(address: string): Promise<Connection> {
  const { linkId, linkUrl } = await startLink(flow);
  const back = await comeBack(flow.browser(), linkUrl, address);
  return JSON.parse((await confirm(linkId, proof(back))).text) as Connection;
}

async function letExpire(linkId: string) {
  const expiresAt = new Date(Date.now() - 1000).toISOString();
  await flow.table('links').updateEntity({ partitionKey: linkId, rowKey: 'link', expiresAt }, 'Merge');
}

/** How a person meets each code. The compiler asks for every code of the catalogue. */
const PRODUCED: Readonly<Record<LinkErrorCode, () => Promise<string>>> = {
  consent_declined: () => chosen('consent_declined'),
  admin_approval_needed: () => chosen('admin_approval_needed'),
  wrong_tenant: () => chosen('wrong_tenant'),
  personal_account: () => chosen('personal_account'),
  account_unusable: () => chosen('account_unusable'),
  tenant_unknown: () => chosen('tenant_unknown'),
  app_not_found: () => chosen('app_not_found'),
  app_misconfigured: () => chosen('app_misconfigured'),
  app_disabled: () => chosen('app_disabled'),
  redirect_uri_not_registered: () => chosen('redirect_uri_not_registered'),
  secret_wrong: () => chosen('secret_wrong'),
  secret_expired: () => chosen('secret_expired'),
  service_provider_credential_refused: async () => (await refusedAtToken(tokenError('invalid_client', 700213))).code,
  conditional_access: () => chosen('conditional_access'),
  microsoft_unavailable: () => chosen('microsoft_unavailable'),
  wrong_account: () => ends({ expectedMailbox: ADDRESS }, 'payroll@acme.example'),
  guest_account: () => ends({}, 'ines@partner.example'),
  no_mailbox: async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, 'kiosk@acme.example');
    const { connectionId } = JSON.parse((await confirm(linkId, proof(back))).text) as Connection;
    expect(await stateOf(linkId)).toEqual({ linkId, state: 'connected', connectionId });
    await flow.api.call('POST', `${connectionPath(connectionId)}/test`, { body: { to: 'ada@example.com' } });
    expect((await flow.api.expect<Connection>(200, 'GET', connectionPath(connectionId))).status).toBe('no_mailbox');
    const { state, error } = await stateOf(linkId);
    expect(state).toBe('connected');
    return told(error).code;
  },
  secret_is_id: async () => {
    const application = { ...owned().application, clientSecret: crypto.randomUUID() };
    return (await flow.api.expect(400, 'POST', '/auth/link/Outlook', { body: linkRequest({ application }) })).code;
  },
  link_expired: () => ends({}, ADDRESS, letExpire),
  link_used: async () => (await refusedAtToken(tokenError('invalid_grant', 54005))).code,
  link_wrong_session: () => ends({}, ADDRESS, undefined, { startedBy: 'session-of-mallory' }),
  interrupted: () =>
    ends({}, ADDRESS, () => flow.control('keyVault/faults', [{ match: { method: 'PUT' }, times: 9, status: 403 }])),
  connection_unlinked: async () => {
    const { connectionId } = await linkedOf('sender-4@acme.example');
    return ends({ connectionId }, 'sender-4@acme.example', () =>
      flow.api.expect(200, 'DELETE', connectionPath(connectionId)),
    );
  },
  sign_in_failed: () =>
    ends({}, ADDRESS, () => flow.control('identity/faults', [{ answer: { id_token: { nonce: 'x' } } }])),
};

describe('everything that can go wrong with a link has a code of its own', () => {
  it.each(Object.keys(LINK_ERRORS) as LinkErrorCode[])('%s', async (code) => {
    expect(await PRODUCED[code]()).toBe(code);
  });

  it('and whatever can be chosen on the sign-in page is one of them', () => {
    for (const failure of Object.keys(SIGN_IN_FAILURES)) expect(Object.keys(LINK_ERRORS)).toContain(failure);
  });
});

describe('Microsoft’s numbers choose the wording, at both endpoints, and its ids are kept', () => {
  const transient = new Set([90006, 90024, 90033, 90055]);

  it.each([...WORDED_BY_NUMBER])('AADSTS%i is %s', async (number, code) => {
    const errors = transient.has(number)
      ? ['temporarily_unavailable', 'temporarily_unavailable']
      : ['access_denied', 'invalid_grant'];
    const microsoft = { correlationId: CORRELATION, traceId: TRACE };
    const atAuthorize = await refusedAtAuthorize(authorizeError(errors[0] ?? '', number), owned());
    expect(atAuthorize).toMatchObject({ code, microsoft });
    const atToken = await refusedAtToken(
      tokenError(errors[1] ?? '', number, {}, transient.has(number) ? 503 : 400),
      owned(),
    );
    expect(atToken).toMatchObject({ code, microsoft });
    if (atToken.whoActs === 'customerAdmin') expect(atToken.textForIt).toContain(CORRELATION);
  });

  it.each([
    ['access_denied', 'consent_declined', 'consent_declined'],
    ['consent_required', 'admin_approval_needed', 'admin_approval_needed'],
    ['interaction_required', 'conditional_access', 'conditional_access'],
    ['login_required', 'conditional_access', 'conditional_access'],
    ['invalid_client', 'secret_wrong', 'secret_wrong'],
    ['unauthorized_client', 'app_not_found', 'app_not_found'],
    ['invalid_scope', 'app_misconfigured', 'app_misconfigured'],
    ['invalid_resource', 'app_misconfigured', 'app_misconfigured'],
    ['invalid_tenant', 'tenant_unknown', 'tenant_unknown'],
    ['server_error', 'microsoft_unavailable', 'microsoft_unavailable'],
    ['temporarily_unavailable', 'microsoft_unavailable', 'microsoft_unavailable'],
    ['invalid_request', 'sign_in_failed', 'sign_in_failed'],
    ['unsupported_response_type', 'sign_in_failed', 'sign_in_failed'],
    ['invalid_grant', 'sign_in_failed', 'sign_in_failed'],
    ['something_new', 'sign_in_failed', 'sign_in_failed'],
    ['__proto__', 'sign_in_failed', 'sign_in_failed'],
  ])('a number that nobody knows falls to the meaning of %s', async (error, atAuthorize, atToken) => {
    expect((await refusedAtAuthorize(authorizeError(error, 987654321), owned())).code).toBe(atAuthorize);
    expect((await refusedAtAuthorize(authorizeError(error), owned())).code).toBe(atAuthorize);
    expect((await refusedAtToken(tokenError(error, 987654321), owned())).code).toBe(atToken);
  });

  it.each([
    ['consent_required', 'admin_approval_needed'],
    ['basic_action', 'conditional_access'],
    ['additional_action', 'conditional_access'],
    ['message_only', 'conditional_access'],
    ['user_password_expired', 'account_unusable'],
    ['token_expired', 'link_expired'],
    ['bad_token', 'sign_in_failed'],
    ['constructor', 'sign_in_failed'],
  ])('a refused grant with the suberror %s is %s', async (suberror, code) => {
    expect((await refusedAtToken(tokenError('invalid_grant', 987654321, { suberror }), owned())).code).toBe(code);
  });

  it.each([
    ['429', { match: { path: '/token' }, status: 429, body: { error: 'too_many_requests' } }],
    ['500 without a word', { match: { path: '/token' }, status: 500, body: '<html>Oops</html>' }],
    ['200 without a token', { match: { path: '/token' }, status: 200, body: {} }],
    ['no answer', { match: { path: '/token' }, drop: 'before' }],
    ['the loop throttle', tokenError('invalid_grant', 50196)],
  ])('%s is no refusal: microsoft_unavailable, and the same confirm may be repeated', async (_, fault) => {
    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, ADDRESS);
    await flow.control('identity/faults', [{ ...fault, times: 2 }]);
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const { status, headers, text } = await confirm(linkId, proof(back));
      const { code, error } = JSON.parse(text) as Problem;
      expect([status, code, Number(headers.get('retry-after')) > 0]).toEqual([503, 'microsoft_unavailable', true]);
      expect(await stateOf(linkId)).toMatchObject({ state: 'authorized', error: told(error) });
    }
    expect((await confirm(linkId, proof(back))).status).toBe(201);
    expect(await stateOf(linkId)).toEqual({ linkId, state: 'connected', connectionId: expect.any(String) });
  });

  it('how long Microsoft asks to wait is passed on; nobody asks again: the link ends with that very code', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, ADDRESS);
    const throttled = {
      match: { path: '/token' },
      status: 429,
      headers: { 'retry-after': '37' },
      body: { error: 'x' },
    };
    await flow.control('identity/faults', [throttled]);
    expect((await confirm(linkId, proof(back))).headers.get('retry-after')).toBe('37');
    await letExpire(linkId);
    expect(await stateOf(linkId)).toMatchObject({ state: 'failed', error: { code: 'microsoft_unavailable' } });
    const late = await confirm(linkId, proof(back));
    expect([late.status, late.headers.get('retry-after')]).toEqual([503, null]);
  });

  it('an answer that was lost after Microsoft took the code ends as interrupted', async () => {
    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, ADDRESS);
    await flow.control('identity/faults', [{ match: { path: '/token' }, drop: 'after' }]);
    expect((await confirm(linkId, proof(back))).status).toBe(503);
    const again = await confirm(linkId, proof(back));
    expect([again.status, (JSON.parse(again.text) as Problem).code]).toEqual([409, 'interrupted']);
  });

  it.each([
    'app_not_found',
    'app_misconfigured',
    'redirect_uri_not_registered',
    'secret_wrong',
    'secret_expired',
  ] as const)('%s of RoboMQ’s own application is for RoboMQ to repair', async (code) => {
    const [number = 0] = [...WORDED_BY_NUMBER].find(([, each]) => each === code) ?? [];
    const error = await refusedAtToken(tokenError('invalid_client', number));
    expect(error).toMatchObject({ code, whoActs: 'robomq', action: expect.stringContaining('RoboMQ’s support') });
  });
});

describe('errors that Microsoft shows itself and never sends back are told where the link is seen to expire', () => {
  const single = (changes: object = {}) => {
    const { clientId, clientSecret } = flow.sandbox.info.customerOwnedSingleTenant;
    return { application: { kind: 'customerOwned', clientId, clientSecret, ...changes } };
  };

  it.each([
    ['AADSTS50194', 'a single-tenant application without its tenant', () => single()],
    ['AADSTS700016', 'a client ID that nobody has', () => single({ clientId: crypto.randomUUID() })],
  ])('%s: %s', async (number, _, changes) => {
    const { linkId, linkUrl } = await startLink(flow, changes());
    const page = await flow.browser().open(linkUrl);
    expect(page.text).toContain(number);
    expect((await stateOf(linkId)).state).toBe('opened');
    await letExpire(linkId);
    const { state, error } = await stateOf(linkId);
    expect([state, error?.code]).toEqual(['expired', 'link_expired']);
    expect(told(error).operator).toContain(number);
    expect(told(error).operator).toContain('/api/auth/callback/Outlook');
    expect(told(error).action).toContain('give the tenant of your app registration');
    expect(told(error).textForIt).toContain(number);
  });

  it('and how far the link came is told: never opened, never came back, never confirmed', async () => {
    const never = await startLink(flow);
    const opened = await startLink(flow);
    await flow.browser().open(opened.linkUrl);
    const back = await startLink(flow);
    await comeBack(flow.browser(), back.linkUrl, ADDRESS);
    const texts = [];
    for (const { linkId } of [never, opened, back]) {
      await letExpire(linkId);
      texts.push((await stateOf(linkId)).error?.operator);
    }
    expect(texts).toEqual([
      expect.stringContaining('Nobody opened the link URL.'),
      expect.stringContaining('never came back'),
      expect.stringContaining('did not call confirm in time'),
    ]);
  });
});

describe('an administrator has to approve', () => {
  it('from the error to the approval to the linked mailbox; the address names the tenant and the scopes, and no state', async () => {
    const error = await refusedAtAuthorize(authorizeError('access_denied', 90094), { loginHint: ADDRESS });
    const address = new URL(error.adminConsentUrl ?? '');
    expect(address.pathname).toBe('/a0a0a0a0-1111-4111-8111-000000000001/v2.0/adminconsent');
    expect(Object.fromEntries(address.searchParams)).toEqual({
      client_id: flow.sandbox.info.serviceProvider.clientId,
      scope: 'https://graph.microsoft.com/Mail.Send offline_access openid profile',
      redirect_uri: `${flow.sandbox.info.api}/auth/callback/Outlook`,
    });
    expect(error.textForIt).toContain(address.href);
    const admin = flow.browser();
    const approved = await admin.click(await admin.open(address.href), 'Accept');
    expect([approved.status, approved.text]).toEqual([200, expect.stringContaining('Approved, now link')]);
    expect(await linked()).toBe(201);
  });

  it('who declines is told so, nothing is read or written, and the same address works later', async () => {
    const error = await refusedAtAuthorize(authorizeError('consent_required', 90095));
    // Nothing was known of the tenant.
    expect(new URL(error.adminConsentUrl ?? '').pathname).toBe('/organizations/v2.0/adminconsent');
    const admin = flow.browser();
    flow.sandbox.storage.clearCounts();
    const declined = await admin.click(await admin.open(error.adminConsentUrl ?? ''), 'Cancel');
    expect(new URL(declined.url).searchParams.get('admin_consent')).toBe('True');
    expect([declined.status, declined.text]).toEqual([200, expect.stringContaining('Not approved')]);
    expect(flow.sandbox.storage.counts().table).toEqual({});
    const approved = await admin.click(await admin.open(error.adminConsentUrl ?? ''), 'Accept');
    expect(approved.text).toContain('Approved, now link');
    expect(await linked()).toBe(201);
  });

  async function linked(): Promise<number> {
    const { linkId, linkUrl } = await startLink(flow);
    const browser = flow.browser();
    const back = await signIn(browser, await browser.open(linkUrl), 'sender-1@acme.example', '/return?');
    const answered = await confirm(linkId, proof(new URL(back.location ?? '').searchParams));
    const { connectionId } = JSON.parse(answered.text) as Connection;
    await flow.api.expect(200, 'DELETE', connectionPath(connectionId));
    return answered.status;
  }
});

describe('what Graph says of a mailbox', () => {
  it.each([
    [404, 'MailboxNotEnabledForRESTAPI', 'no_mailbox'],
    [404, 'ResourceNotFound', 'no_mailbox'],
    [404, 'ErrorNonExistentMailbox', 'no_mailbox'],
    [400, 'ErrorInvalidUser', 'no_mailbox'],
    [403, 'ErrorAccessDenied', 'blocked'],
    [403, 'AccessDenied', 'blocked'],
  ])('%i %s: the connection is %s, with the reason, and the mail waits', async (status, code, expected) => {
    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, 'sender-2@acme.example');
    const { connectionId } = JSON.parse((await confirm(linkId, proof(back))).text) as Connection;
    await flow.control('graph/faults', [{ status, body: { error: { code, message: 'Something.' } } }]);
    const { mailId } = await flow.mails.submit(connectionId, mail());
    await flow.mails.reaches(connectionId, mailId, 'held');
    const shown = await until('the status to change', async () => {
      const current = await flow.api.expect<Connection>(200, 'GET', connectionPath(connectionId));
      return current.status === 'connected' ? undefined : current;
    });
    expect(shown).toMatchObject({ status: expected, reason: code });
    await flow.api.expect(200, 'DELETE', connectionPath(connectionId));
  });

  it.each([
    [403, 'ErrorSendAsDenied'],
    [400, 'ErrorInvalidRecipients'],
    [400, 'ErrorMessageSizeExceeded'],
    [413, 'RequestBodyTooLarge'],
  ])('%i %s is about the message: it is rejected, and the mailbox goes on', async (status, code) => {
    const { linkId, linkUrl } = await startLink(flow);
    const back = await comeBack(flow.browser(), linkUrl, 'sender-3@acme.example');
    const { connectionId } = JSON.parse((await confirm(linkId, proof(back))).text) as Connection;
    await flow.control('graph/faults', [{ status, body: { error: { code, message: 'Something.' } } }]);
    const { mailId } = await flow.mails.submit(connectionId, mail());
    expect(await flow.mails.reaches(connectionId, mailId, 'rejected')).toMatchObject({ reason: code });
    expect((await flow.api.expect<Connection>(200, 'GET', connectionPath(connectionId))).status).toBe('connected');
  });
});
