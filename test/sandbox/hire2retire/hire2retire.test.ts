import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { functionKeyProof } from '../../../sandbox/hire2retire/caller-proof.ts';
import { startHire2Retire } from '../../../sandbox/hire2retire/hire2retire.ts';
import { json, type LoopbackServer } from '../../../sandbox/kit/serve.ts';
import { Browser } from './browser.ts';
import { connection, type FakeApi, problem, startFakeApi } from './fake-api.ts';

const LINK = 'POST /api/auth/link/Outlook';
const CONNECTIONS = '/api/customers/acme/connections';

let api: FakeApi;
let server: LoopbackServer;
let browser: Browser;

beforeAll(async () => {
  api = await startFakeApi();
  server = await startHire2Retire({ api: () => ({ url: `${api.url}/api`, proof: functionKeyProof('the-key') }) });
});

afterAll(async () => {
  await server.close();
  await api.close();
});

beforeEach(() => {
  api.answers.clear();
  api.calls.length = 0;
  browser = new Browser(server.url);
});

const started = () =>
  json(201, {
    linkId: 'l1',
    linkUrl: 'https://app.example/api/auth/open/Outlook?ticket=t',
    expiresAt: '',
    warnings: [],
  });
const startedBy = (index = 0) => (api.calls[index]?.body as { startedBy: string } | undefined)?.startedBy ?? 'none';

describe('linking', () => {
  it('starts a link through RoboMQ’s application and sends the browser to it', async () => {
    api.answers.set(LINK, started);
    const answer = await browser.post('/service-provider', { expectedMailbox: ' hr@acme.example ' });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('https://app.example/api/auth/open/Outlook?ticket=t');
    expect(api.calls).toEqual([
      {
        method: 'POST',
        path: '/api/auth/link/Outlook',
        key: 'the-key',
        body: {
          customerId: 'acme',
          startedBy: expect.stringMatching(/^[\w-]{43}$/),
          returnTo: 'settings',
          displayName: 'hr@acme.example',
          expectedMailbox: 'hr@acme.example',
          application: { kind: 'serviceProvider' },
        },
      },
    ]);
  });

  it('leaves out what was left empty', async () => {
    api.answers.set(LINK, started);
    await browser.post('/customer-owned', { clientId: 'id', clientSecret: 's', tenant: '', expectedMailbox: '' });
    expect(api.calls[0]?.body).toEqual({
      customerId: 'acme',
      startedBy: expect.any(String),
      returnTo: 'settings',
      displayName: 'Outlook sender',
      application: { kind: 'customerOwned', clientId: 'id', clientSecret: 's' },
    });
  });

  it('shows the form again with what is wrong, and never the secret', async () => {
    api.answers.set(LINK, () =>
      problem(400, {
        title: 'That is the secret’s ID',
        detail: 'for operators',
        code: 'secret_is_id',
        person: 'This is the ID of the secret, not its value.',
        whoActs: 'customerAdmin',
        action: 'Copy the column Value.',
        errors: [{ pointer: '/application/clientSecret', code: 'secret_is_id', detail: 'has the shape of <an ID>' }],
      }),
    );
    const answer = await browser.post('/customer-owned', {
      clientId: '"><script>',
      clientSecret: 'the-planted-secret',
      tenant: 'acme.example',
    });
    const text = await answer.text();
    expect(answer.status).toBe(400);
    expect(text).toContain('role="alert"');
    expect(text).toContain('Please check the fields that are marked.');
    expect(text).toContain('has the shape of &#60;an ID&#62;');
    expect(text).toContain('value="acme.example"');
    expect(text).not.toContain('the-planted-secret');
    expect(text).not.toContain('<script>');
  });

  it('shows who has to act when no field is to blame', async () => {
    const failure = {
      code: 'microsoft_unavailable',
      person: 'Microsoft does not answer.',
      whoActs: 'nobody',
      action: 'Wait.',
    };
    api.answers.set(LINK, () => problem(503, { title: 'x', ...failure }));
    const answer = await browser.post('/service-provider', { expectedMailbox: 'hr@acme.example' });
    const text = await answer.text();
    expect(answer.status).toBe(503);
    expect(text).toMatch(/Microsoft does not answer\..*Wait\./);
    expect(text).toContain('value="hr@acme.example"');
  });

  it('says so when the API does not answer', async () => {
    const lonely = await startHire2Retire({
      api: () => ({ url: 'http://127.0.0.1:1/api', proof: functionKeyProof('k') }),
    });
    const answer = await new Browser(lonely.url).post('/service-provider', {});
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('does not answer right now');
    await lonely.close();
  });

  it('refuses a form posted by another site', async () => {
    api.answers.set(LINK, started);
    const answer = await browser.post('/service-provider', {}, { origin: 'https://evil.example' });
    expect(answer.status).toBe(403);
    expect(api.calls).toEqual([]);
  });
});

describe('the session', () => {
  it('is ada’s without asking, stays the same in a browser, and differs between browsers and users', async () => {
    api.answers.set(LINK, started);
    expect(await (await browser.get('/')).text()).toContain('ada · acme');
    await browser.post('/service-provider', {});
    await browser.post('/service-provider', {});
    await new Browser(server.url).post('/service-provider', {});
    expect(await (await browser.get('/?as=bob')).text()).toContain('bob · acme');
    await browser.post('/service-provider', {});
    expect(await (await browser.get('/?as=ada')).text()).toContain('ada · acme');
    await browser.post('/service-provider', {});
    const ids = api.calls.map((_, index) => startedBy(index));
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(4);
  });

  it('never shows its cookie to the API, and keeps it from scripts and other sites', async () => {
    api.answers.set(LINK, started);
    const answer = await browser.post('/service-provider', {});
    const cookies = answer.headers.getSetCookie();
    expect(cookies.map((line) => line.replace(/=[^;]*/, ''))).toEqual([
      'as; Path=/; HttpOnly; SameSite=Lax',
      'h2r_session; Path=/; HttpOnly; SameSite=Lax',
    ]);
    expect(cookies.join()).not.toContain(startedBy());
  });

  it('ignores a name that nobody can have', async () => {
    expect(await (await browser.get('/?as=a%3Bb%0d%0aX: y')).text()).toContain('ada · acme');
  });
});

describe('somebody who went to Microsoft and did not come back', () => {
  it.each(['opened', 'expired'])('finds the numbers of errors that Microsoft shows itself (%s)', async (state) => {
    api.answers.set(LINK, started);
    api.answers.set('GET /api/auth/link/Outlook/l1', () => json(200, { linkId: 'l1', state }));
    await browser.post('/customer-owned', { clientId: 'c', clientSecret: 's' });
    const text = await (await browser.get('/customer-owned')).text();
    expect(text).toContain('You have not come back from Microsoft yet.');
    expect(text).toContain('AADSTS50194');
  });

  it('is told nothing once the link came back, or when nothing is known of it', async () => {
    api.answers.set(LINK, started);
    await browser.post('/customer-owned', { clientId: 'c', clientSecret: 's' });
    expect(await (await browser.get('/customer-owned')).text()).not.toContain('come back');
    api.answers.set('GET /api/auth/link/Outlook/l1', () => json(200, { linkId: 'l1', state: 'connected' }));
    expect(await (await browser.get('/service-provider')).text()).not.toContain('come back');
  });
});

describe('the return page', () => {
  const CONFIRM = 'POST /api/auth/link/Outlook/l1/confirm';
  const STATE = 'GET /api/auth/link/Outlook/l1';

  it('confirms with the session of the browser, tests the connection, and goes on to the list', async () => {
    api.answers.set(LINK, started);
    api.answers.set(CONFIRM, () => json(201, connection('con_1')));
    api.answers.set(`POST ${CONNECTIONS}/con_1/test`, () =>
      json(200, { mailId: 'm1', state: 'accepted', queuedAt: '2026-05-04T09:30:12Z' }),
    );
    await browser.post('/service-provider', {});
    const answer = await browser.get('/return?linkId=l1&confirmation=l1.c');
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/connections?linked=con_1&tested=m1');
    expect(api.calls[1]?.body).toEqual({ customerId: 'acme', startedBy: startedBy(), confirmation: 'l1.c' });
    expect(api.calls[2]?.body).toEqual({ to: 'hr@acme.example' });
  });

  it('says that it is linked also when the test does not answer', async () => {
    api.answers.set(CONFIRM, () => json(201, connection('con_1')));
    api.answers.set(`POST ${CONNECTIONS}/con_1/test`, () => problem(503, { code: 'service_unavailable' }));
    const answer = await browser.get('/return?linkId=l1&confirmation=l1.c');
    expect(answer.headers.get('location')).toBe('/connections?linked=con_1');
  });

  it('confirms again by itself when Microsoft does not answer, as long as the API says so', async () => {
    const away = { code: 'microsoft_unavailable', person: 'Microsoft does not answer.', whoActs: 'nobody' };
    const body = JSON.stringify({ code: 'microsoft_unavailable', error: away });
    const type = { 'content-type': 'application/problem+json' };
    api.answers.set(CONFIRM, () => ({ status: 503, headers: { ...type, 'retry-after': '7' }, body }));
    const waiting = await (await browser.get('/return?linkId=l1&confirmation=l1.c')).text();
    expect(waiting).toContain('http-equiv="refresh" content="7"');
    expect(waiting).toContain('Microsoft does not answer.');
    api.answers.set(CONFIRM, () => ({ status: 503, headers: type, body }));
    const over = await (await browser.get('/return?linkId=l1&confirmation=l1.c')).text();
    expect(over).toContain('data-link-error="microsoft_unavailable"');
  });

  it('takes nothing about the session from the address', async () => {
    api.answers.set(LINK, started);
    api.answers.set(CONFIRM, () => json(200, connection('con_1')));
    await browser.post('/service-provider', {});
    const other = new Browser(server.url);
    await other.get(`/return?linkId=l1&confirmation=l1.c&startedBy=${startedBy()}&customerId=x&as=bob`);
    expect(startedBy(1)).not.toBe(startedBy(0));
    expect(api.calls[1]?.body).toMatchObject({ customerId: 'acme' });
  });

  it('tells why a confirm failed', async () => {
    api.answers.set(CONFIRM, () =>
      problem(409, {
        code: 'link_wrong_session',
        error: {
          code: 'link_wrong_session',
          person: 'The account was linked by another person or session.',
          whoActs: 'user',
          action: 'Click Link account again.',
        },
      }),
    );
    const text = await (await browser.get('/return?linkId=l1&confirmation=l1.c')).text();
    expect(text).toContain('data-link-error="link_wrong_session"');
    expect(text).toContain('The account was linked by another person or session.');
    expect(text).toContain('Click Link account again.');
  });

  it('tells who has to act and hands over what IT needs', async () => {
    api.answers.set(STATE, () =>
      json(200, {
        linkId: 'l1',
        state: 'failed',
        error: {
          code: 'admin_approval_needed',
          person: 'Only an administrator can approve.',
          whoActs: 'customerAdmin',
          action: 'Send it to your IT.',
          adminConsentUrl: 'https://login.example/adminconsent?a=1&b=2',
          textForIt: 'Dear IT,\n</textarea><b>',
          microsoft: { correlationId: 'corr-1' },
        },
      }),
    );
    const text = await (await browser.get('/return?linkId=l1&error=admin_approval_needed')).text();
    expect(api.calls[0]?.path).toBe('/api/auth/link/Outlook/l1?customerId=acme');
    expect(text).toContain('What you and your IT can do');
    expect(text).toContain('href="https://login.example/adminconsent?a=1&#38;b=2"');
    expect(text).toContain('Dear IT,\n&#60;/textarea&#62;&#60;b&#62;');
    expect(text).toContain('corr-1');
  });

  it('does not make a link of an address that is none', async () => {
    const error = { code: 'x', person: 'p', whoActs: 'user', adminConsentUrl: 'javascript:alert(1)' };
    api.answers.set(STATE, () => json(200, { linkId: 'l1', state: 'failed', error }));
    expect(await (await browser.get('/return?linkId=l1&error=x')).text()).not.toContain('javascript:');
  });

  it('waits while another confirm is under way', async () => {
    api.answers.set(CONFIRM, () => problem(409, { code: 'link_in_progress' }));
    const text = await (await browser.get('/return?linkId=l1&confirmation=l1.c')).text();
    expect(text).toContain('http-equiv="refresh"');
  });

  it.each(['/return', '/return?linkId=l1', '/return?linkId=l1&confirmation=x', '/return?linkId=..%2f..&error=<b>'])(
    'has a page for %s too',
    async (path) => {
      const answer = await browser.get(path);
      expect(answer.status).toBe(200);
      expect(await answer.text()).toContain('data-link-error="link_unknown"');
    },
  );
});

describe('connections', () => {
  beforeEach(() => {
    api.answers.set(`GET ${CONNECTIONS}`, ({ url }) =>
      url.searchParams.get('after') === 'p2'
        ? json(200, { items: [connection('con_2', { status: 'needs_relink', reason: 'token_revoked' })] })
        : json(200, { items: [connection('con_1')], next: 'p2' }),
    );
    api.answers.set(`GET ${CONNECTIONS}/con_1`, () => json(200, connection('con_1')));
  });

  it('lists all pages of them with what programs look for', async () => {
    const text = await (await browser.get('/connections')).text();
    expect(text).toContain('data-connection-id="con_1" data-customer-id="acme" data-status="connected"');
    expect(text).toContain('data-connection-id="con_2" data-customer-id="acme" data-status="needs_relink"');
    expect(text).toContain('token_revoked');
    for (const button of ['Send', 'Test', 'Remove'])
      expect(text).toMatch(new RegExp(`<button[^>]*>${button}</button>`));
  });

  it('says what was linked, and only of connections that exist', async () => {
    expect(await (await browser.get('/connections?linked=con_1')).text()).toContain('hr@acme.example is linked.');
    api.answers.set(`GET ${CONNECTIONS}/con_1/mails/m1`, () =>
      json(200, { mailId: 'm1', state: 'held', reason: 'no_mailbox', queuedAt: '2026-05-04T09:30:12Z' }),
    );
    const text = await (await browser.get('/connections?linked=con_1&tested=m1')).text();
    expect(text).toContain('hr@acme.example is linked, but cannot send yet.');
    expect(await (await browser.get('/connections?linked=con_9')).text()).not.toContain('is linked.');
  });

  it('sends a mail', async () => {
    api.answers.set(`POST ${CONNECTIONS}/con_1/mails`, ({ body }) =>
      json(202, { ...(JSON.parse(body.toString()) as object), state: 'queued', queuedAt: '2026-05-04T09:30:12Z' }),
    );
    const to = 'a@x.example, b@x.example';
    const answer = await browser.post('/connections/con_1/send', { to, subject: 'S', content: 'Hello' });
    const { body } = api.calls[0] as { body: { mailId: string } };
    expect(body).toEqual({
      mailId: expect.any(String),
      to: ['a@x.example', 'b@x.example'],
      subject: 'S',
      body: { contentType: 'text', content: 'Hello' },
    });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(`/connections?sent=${body.mailId}&connection=con_1`);
  });

  it('keeps what was typed when a mail is refused', async () => {
    api.answers.set(`POST ${CONNECTIONS}/con_1/mails`, () =>
      problem(400, {
        code: 'invalid_request',
        detail: 'no',
        errors: [{ pointer: '/to/0', code: 'x', detail: 'is no <address>' }],
      }),
    );
    const answer = await browser.post('/connections/con_1/send', { to: 'nobody', subject: 'S & T', content: 'Hello' });
    const text = await answer.text();
    expect(answer.status).toBe(400);
    expect(text).toContain('is no &#60;address&#62;');
    expect(text).toContain('value="nobody"');
    expect(text).toContain('value="S &#38; T"');
    expect(text.match(/>Hello<\/textarea>/g)).toHaveLength(1);
  });

  it('tests a connection with a mail to itself and tells what became of it', async () => {
    const record = { mailId: 'm1', state: 'held', reason: 'no_mailbox', queuedAt: '2026-05-04T09:30:12Z' };
    api.answers.set(`POST ${CONNECTIONS}/con_1/test`, () => json(200, record));
    api.answers.set(`GET ${CONNECTIONS}/con_1/mails/m1`, () => json(200, record));
    const answer = await browser.post('/connections/con_1/test', {});
    expect(api.calls.at(-1)?.body).toEqual({ to: 'hr@acme.example' });
    const text = await (await browser.get(answer.headers.get('location') ?? '')).text();
    expect(text).toContain('The test mail is held (no_mailbox).');
  });

  it('removes a connection', async () => {
    api.answers.set(`DELETE ${CONNECTIONS}/con_9`, () => json(200, {}));
    const answer = await browser.post('/connections/con_9/remove', {});
    expect(answer.headers.get('location')).toBe('/connections?removed=con_9');
    expect(await (await browser.get('/connections?removed=con_9')).text()).toContain('The connection was removed.');
  });

  it('links again with the connection’s id, through its own application', async () => {
    api.answers.set(LINK, started);
    api.answers.set(`GET ${CONNECTIONS}/con_1`, () => json(200, connection('con_1')));
    const answer = await browser.post('/connections/con_1/relink', {});
    expect(answer.headers.get('location')).toBe('https://app.example/api/auth/open/Outlook?ticket=t');
    expect(api.calls.at(-1)?.body).toMatchObject({
      connectionId: 'con_1',
      returnTo: 'settings',
      startedBy: expect.stringMatching(/^[\w-]{43}$/),
      application: { kind: 'serviceProvider' },
    });
    const application = { kind: 'customerOwned', clientId: 'own', tenantId: 't' };
    api.answers.set(`GET ${CONNECTIONS}/con_2`, () => json(200, connection('con_2', { application })));
    await browser.post('/connections/con_2/relink', { clientSecret: 'the-Value' });
    expect(api.calls.at(-1)?.body).toMatchObject({
      connectionId: 'con_2',
      application: { kind: 'customerOwned', clientId: 'own', clientSecret: 'the-Value' },
    });
  });

  it('passes a new client secret on, and never shows it again', async () => {
    const own = connection('con_1', { application: { kind: 'customerOwned', clientId: 'own', tenantId: 't' } });
    api.answers.set(`GET ${CONNECTIONS}`, () => json(200, { items: [own] }));
    api.answers.set(`GET ${CONNECTIONS}/con_1`, () => json(200, own));
    const put = 'PUT /api/customers/acme/applications/own/secret';
    const typed = { clientSecret: 'the-Value', clientSecretExpiresOn: '2028-12-31' };
    api.answers.set(put, () => problem(409, { code: 'secret_wrong', detail: 'Microsoft refuses it.' }));
    const refused = await (await browser.post('/connections/con_1/secret', typed)).text();
    expect(refused).toContain('Microsoft refuses it.');
    expect(refused).not.toContain('the-Value');
    api.answers.set(put, () => json(200, {}));
    const answer = await browser.post('/connections/con_1/secret', typed);
    expect(answer.headers.get('location')).toBe('/connections?changed=con_1');
    expect(api.calls.at(-1)?.body).toEqual(typed);
  });

  it('changes whom to tell of trouble', async () => {
    api.answers.set(`PATCH ${CONNECTIONS}/con_1`, () => json(200, connection('con_1')));
    await browser.post('/connections/con_1/alert', { alertAddress: 'it@acme.example' });
    expect(api.calls.at(-1)?.body).toEqual({ alertAddress: 'it@acme.example' });
  });

  it('has no other actions', async () => {
    for (const path of ['/connections/con_1/toString', '/connections/con_1', '/connections/con_1/send/more'])
      expect((await browser.post(path, {})).status).toBe(404);
  });
});

describe('every page', () => {
  it.each(['/', '/service-provider', '/customer-owned', '/connections', '/events', '/return', '/nowhere'])(
    '%s works without scripts and names its fields',
    async (path) => {
      api.answers.set(`GET ${CONNECTIONS}`, () => json(200, { items: [connection('con_1')] }));
      const answer = await browser.get(path);
      const text = await answer.text();
      expect(text).toMatch(/<html lang="en">/);
      expect(text.match(/<h1/g)).toHaveLength(1);
      expect(text).not.toMatch(/<script| style=| on\w+=/);
      const fields = [...text.matchAll(/<(?:input|textarea)[^>]*\bid="([^"]+)"[^>]*>/g)];
      for (const [tag, id] of fields) {
        expect(tag).toMatch(/\bname="\w+"/);
        expect(text).toContain(`<label for="${id}"`);
      }
      const csp = answer.headers.get('content-security-policy') ?? '';
      expect(csp).toContain("default-src 'none'");
      expect(csp).not.toMatch(/unsafe|form-action/);
      expect(answer.headers.get('referrer-policy')).toBe('same-origin');
      expect(answer.headers.get('cache-control')).toBe('no-store');
    },
  );

  it('has the tabs’ fields and their button', async () => {
    const fields = async (path: string) => {
      const text = await (await browser.get(path)).text();
      expect(text.match(/<button type="submit">Link account<\/button>/g)).toHaveLength(1);
      expect(text.match(/<form/g)).toHaveLength(1);
      return [...text.matchAll(/\bname="(\w+)"/g)].map(([, name]) => name).filter((name) => name !== 'viewport');
    };
    expect(await fields('/service-provider')).toEqual(['expectedMailbox']);
    expect(await fields('/customer-owned')).toEqual(['clientId', 'clientSecret', 'tenant', 'expectedMailbox']);
  });
});
