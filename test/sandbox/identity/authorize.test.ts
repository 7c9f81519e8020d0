import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { IdentityPlatform } from '../../../sandbox/identity/identity.ts';
import {
  ACME,
  authorizePath,
  Browser,
  customerOwnedSingleTenant,
  formsOf,
  GLOBEX,
  PASSWORD,
  REDIRECT_URI,
  serviceProvider,
  start,
} from './fixture.ts';

let identity: IdentityPlatform;
beforeAll(async () => {
  identity = await start();
});
afterEach(() => {
  vi.useRealTimers();
  identity.restore();
});
afterAll(() => identity.close());

const open = (tenant = 'common', changes: Record<string, string | undefined> = {}) =>
  new Browser(identity.url).goTo(authorizePath(tenant, changes));

describe('what Entra shows itself is never redirected', () => {
  const single = customerOwnedSingleTenant.clientId;
  test.each<[string, number, string, Record<string, string | undefined>]>([
    ['an unknown tenant', 90002, 'nobody.example', {}],
    ['an unknown client', 700016, 'common', { client_id: '5e41ce00-0000-4000-8000-00000000ffff' }],
    ['no client', 900144, 'common', { client_id: undefined }],
    ['an unregistered redirect URI', 50011, 'common', { redirect_uri: 'https://attacker.example/' }],
    ['a redirect URI with another path', 50011, 'common', { redirect_uri: `${REDIRECT_URI}/` }],
    ['no redirect URI', 900144, 'common', { redirect_uri: undefined }],
    ['a single-tenant application on /common', 50194, 'common', { client_id: single }],
    ['a single-tenant application on /organizations', 50194, 'organizations', { client_id: single }],
    ['a single-tenant application on /consumers', 9002332, 'consumers', { client_id: single }],
    ['a single-tenant application in another tenant', 700016, GLOBEX, { client_id: single }],
  ])('%s: AADSTS%i', async (_what, number, tenant, changes) => {
    const browser = await open(tenant, changes);
    expect(browser.status).toBe(400);
    expect(browser.redirected).toBeUndefined();
    expect(browser.alert).toMatch(new RegExp(`^AADSTS${number}: `));
    expect(formsOf(browser.html)).toEqual([]);
  });

  test('a disabled application: AADSTS7000112', async () => {
    identity.disableApp(serviceProvider.clientId);
    expect((await open()).alert).toMatch(/^AADSTS7000112: /);
  });

  test('what came in the request is shown as text', async () => {
    const browser = await open('common', { client_id: '<script>alert(1)</script>' });
    expect(browser.html).not.toContain('<script');
  });
});

describe('what concerns the application goes back to it, with its state', () => {
  test.each<[string, string, number, Record<string, string | undefined>]>([
    ['no response type', 'invalid_request', 900144, { response_type: undefined }],
    ['another response type', 'unsupported_response_type', 700054, { response_type: 'id_token' }],
    ['another response mode', 'invalid_request', 70007, { response_mode: 'form_post' }],
    ['no scope', 'invalid_request', 900144, { scope: undefined }],
    ['a scope that Graph does not have', 'invalid_client', 650053, { scope: 'Mail.Nonsense' }],
    ['a plain challenge', 'invalid_request', 9002313, { code_challenge: 'x', code_challenge_method: 'plain' }],
    ['silence', 'login_required', 50058, { prompt: 'none' }],
  ])('%s: %s', async (_what, error, number, changes) => {
    const browser = await open('common', changes);
    expect(browser.status).toBe(302);
    expect(browser.location.startsWith(`${REDIRECT_URI}?`)).toBe(true);
    expect(browser.redirected).toMatchObject({ error, state: 'the-state' });
    expect(browser.redirected?.['error_description']).toContain(`AADSTS${number}: `);
  });
});

describe('the sign-in page', () => {
  test('is one form with email, password and failure, and a form per account with its address as button', async () => {
    const [form, ...tiles] = formsOf((await open('common', { login_hint: 'hr@acme.example' })).html);
    expect(Object.keys(form?.fields ?? {})).toEqual(['context', 'email', 'password', 'failure']);
    expect(form?.fields).toMatchObject({ email: 'hr@acme.example', password: '', failure: '' });
    expect(Object.keys(form?.buttons ?? {})).toEqual(['Sign in']);
    expect(tiles.map(({ buttons }) => Object.keys(buttons))).toEqual(
      ['hr@acme', 'payroll@acme', 'kiosk@acme', 'ines@partner', 'pat@outlook', 'hr@globex'].map((name) => [
        `${name}.example`,
      ]),
    );
  });

  test('offers no failure first, then the codes that sign-in can cause', async () => {
    const values = [...(await open()).html.matchAll(/<option value="([^"]*)"/g)].map(([, value]) => value);
    expect(values).toEqual([
      '',
      'consent_declined',
      'admin_approval_needed',
      'wrong_tenant',
      'personal_account',
      'account_unusable',
      'tenant_unknown',
      'app_not_found',
      'app_misconfigured',
      'redirect_uri_not_registered',
      'conditional_access',
      'app_disabled',
      'secret_wrong',
      'secret_expired',
      'microsoft_unavailable',
    ]);
  });

  test('runs no script, is kept by nobody, and leaves the browser a usable Origin and every redirect', async () => {
    const { headers, html } = await open();
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'/);
    expect(policy).not.toContain('form-action');
    expect(headers.get('referrer-policy')).toBe('same-origin');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(html).not.toMatch(/<script| on\w+=| style=/);
    expect(html).toContain('Sandbox stand-in');
    expect(html.match(/<h1>/g)).toHaveLength(1);
  });

  test('carries nothing of the request but an opaque context', async () => {
    const { html } = await open('common', { nonce: 'the-nonce' });
    expect(html).not.toContain('the-state');
    expect(html).not.toContain('the-nonce');
    expect(html).not.toContain(REDIRECT_URI);
  });

  test.each([
    ['a wrong password', 'hr@acme.example', 'wrong', 50126],
    ['an unknown account', 'nobody@acme.example', PASSWORD, 50034],
  ])('comes again after %s, with the email kept and a message', async (_what, email, password, number) => {
    const browser = await (await open()).press('Sign in', { email, password, failure: 'secret_wrong' });
    expect(browser.heading).toBe('Sign in');
    expect(browser.alert).toContain(`AADSTS${number}: `);
    expect(formsOf(browser.html)[0]?.fields['email']).toBe(email);
    expect(browser.html).toContain('<option value="secret_wrong" selected>');
    expect((await browser.press('Sign in', { email: 'hr@acme.example', password: PASSWORD })).heading).toBe(
      'Permissions requested',
    );
  });

  test.each([
    ['hr@globex.example', ACME, 50020],
    ['pat@outlook.example', ACME, 50020],
    ['pat@outlook.example', 'organizations', 500200],
    ['hr@acme.example', 'consumers', 50020],
  ])('says that %s does not belong at /%s, and returns nothing', async (address, tenant, number) => {
    const browser = await (await open(tenant)).press(address);
    expect(browser.redirected).toBeUndefined();
    expect(browser.alert).toContain(`AADSTS${number}: `);
  });

  test.each([
    ['pat@outlook.example', 'common'],
    ['pat@outlook.example', 'consumers'],
    ['hr@globex.example', 'common'],
    ['hr@globex.example', 'organizations'],
    ['ines@partner.example', ACME],
    ['HR@acme.example', 'acme.example'],
  ])('lets %s in at /%s', async (email, tenant) => {
    const browser = await (await open(tenant)).press('Sign in', { email, password: PASSWORD });
    expect(browser.heading).toBe('Permissions requested');
  });

  test('expires, and made-up contexts are refused', async () => {
    const browser = await open();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 16 * 60_000 });
    expect((await browser.press('hr@acme.example')).status).toBe(400);
    expect(browser.heading).toBe('This page has expired');
    expect((await (await open()).press('Sign in', { context: 'made-up' })).heading).toBe('This page has expired');
  });
});

describe('the consent page', () => {
  const signedIn = async (changes: Record<string, string> = {}) =>
    (await open('common', changes)).press('hr@acme.example');

  test('is one form with Accept and Cancel and a hidden context', async () => {
    const forms = formsOf((await signedIn()).html);
    expect(forms).toHaveLength(1);
    expect(Object.keys(forms[0]?.fields ?? {})).toEqual(['context']);
    expect(Object.keys(forms[0]?.buttons ?? {}).sort()).toEqual(['Accept', 'Cancel']);
  });

  test('says in plain words who asks for what, and as whom', async () => {
    const text = (await signedIn()).html.replace(/<[^>]*>/g, '').replace(/\s+/g, ' ');
    expect(text).toContain('Send mail as you (Mail.Send)');
    expect(text).toContain('Maintain access to data you have given it access to (offline_access)');
    expect(text).toContain('RoboMQ Hire2Retire');
    expect(text).toContain('robomq.example');
    expect(text).toContain('hr@acme.example');
  });

  test('appears at every sign-in', async () => {
    await (await signedIn()).press('Accept');
    expect((await signedIn()).heading).toBe('Permissions requested');
  });

  test('Accept leads straight back with code, state and session', async () => {
    const browser = await (await signedIn({ client_info: '1' })).press('Accept');
    expect(browser.status).toBe(302);
    expect(browser.location.startsWith(`${REDIRECT_URI}?`)).toBe(true);
    expect(Object.keys(browser.redirected ?? {}).sort()).toEqual(['client_info', 'code', 'session_state', 'state']);
    expect(browser.redirected?.['state']).toBe('the-state');
  });

  test('Cancel tells the application that the person declined', async () => {
    const browser = await (await signedIn()).press('Cancel');
    expect(browser.redirected).toMatchObject({ error: 'access_denied', error_subcode: 'cancel', state: 'the-state' });
    expect(browser.redirected?.['error_description']).toContain('AADSTS65004: ');
    expect(browser.redirected).not.toHaveProperty('code');
  });
});

describe('a failure chosen at sign-in', () => {
  const failing = async (failure: string) =>
    (await open()).press('Sign in', { email: 'hr@acme.example', password: PASSWORD, failure });

  test.each([
    ['consent_declined', 'access_denied', 65004],
    ['admin_approval_needed', 'access_denied', 90094],
    ['microsoft_unavailable', 'temporarily_unavailable', 90033],
  ])('%s goes back at once as %s', async (failure, error, number) => {
    const { redirected } = await failing(failure);
    expect(redirected).toMatchObject({ error, state: 'the-state' });
    expect(redirected?.['error_description']).toContain(`AADSTS${number}: `);
  });

  test.each(['conditional_access', 'app_disabled', 'secret_wrong', 'secret_expired'])(
    '%s lets the person consent first',
    async (failure) => {
      expect((await failing(failure)).heading).toBe('Permissions requested');
    },
  );

  test('that nobody offered is refused', async () => {
    expect((await failing('no_mailbox')).alert).toContain('no_mailbox');
  });
});

describe('admin consent', () => {
  const path = (tenant: string, changes: Record<string, string> = {}) =>
    `/${tenant}/v2.0/adminconsent?${new URLSearchParams({
      client_id: serviceProvider.clientId,
      redirect_uri: REDIRECT_URI,
      scope: 'https://graph.microsoft.com/Mail.Send',
      ...changes,
    })}`;
  const openAdmin = (tenant: string, changes: Record<string, string> = {}) =>
    new Browser(identity.url).goTo(path(tenant, changes));

  test('Accept says so, with tenant and scope', async () => {
    const browser = await (await openAdmin(GLOBEX, { state: 's1' })).press('Accept');
    expect(browser.redirected).toEqual({
      admin_consent: 'True',
      tenant: GLOBEX,
      scope: 'https://graph.microsoft.com/Mail.Send',
      state: 's1',
    });
  });

  test('Cancel reports an error', async () => {
    const browser = await (await openAdmin('acme.example')).press('Cancel');
    // As Entra does: the flag names the question, and no tenant comes with a refusal.
    expect(browser.redirected).toMatchObject({ error: 'consent_required', admin_consent: 'True' });
    expect(browser.redirected).not.toHaveProperty('state');
    expect(browser.redirected).not.toHaveProperty('tenant');
  });

  test.each<[string, number, string, Record<string, string>]>([
    ['needs a tenant', 90019, 'common', {}],
    ['needs a registered redirect URI', 50011, 'organizations', { redirect_uri: 'https://attacker.example/' }],
  ])('%s', async (_what, number, tenant, changes) => {
    const browser = await openAdmin(tenant, changes);
    expect(browser.status).toBe(400);
    expect(browser.alert).toContain(`AADSTS${number}: `);
  });
});
