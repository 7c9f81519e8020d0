import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Flow, startFlow } from '../flow/support/flow.ts';
import { cardOf, linkRequest, startLink } from '../flow/support/link.ts';
import { connectionPath } from '../flow/support/mails.ts';
import { mail } from '../flow/support/messages.ts';
import { QUICK } from '../flow/support/quick.ts';
import {
  type Answered,
  callbackUrl,
  expectPage,
  freeSlots,
  linkCookie,
  linkFor,
  send,
  stateOf,
  withQuery,
} from './support/victim.ts';

const SCRIPT = '<script>alert(document.domain)</script>';
const EVIL = 'https://attacker.example/';
const HUGE = 'x'.repeat(100 * 1024);

let flow: Flow;

beforeAll(async () => {
  flow = await startFlow({ environment: { ...QUICK }, extraMailboxes: 2 });
});
afterEach(() => freeSlots(flow));
afterAll(() => flow?.close());

const api = (path: string) => `${flow.sandbox.info.api}${path}`;
const start = (changes: object) => flow.api.call('POST', '/auth/link/Outlook', { body: linkRequest(changes) });
const outlook = { clientId: 'c0570e00-0000-4000-8000-000000000001', clientSecret: 'long-enough-to-be-one' };

/** A callback of a browser that has the cookie, with its query changed. */
async function comesBack(changes: Record<string, string | undefined>): Promise<Answered & { readonly linkId: string }> {
  const { linkId, linkUrl } = await startLink(flow);
  const browser = flow.browser();
  const url = await callbackUrl(browser, linkUrl, 'hr@acme.example');
  const answered = await send(withQuery(url, changes), { headers: { cookie: linkCookie(browser, linkId) } });
  return { ...answered, linkId };
}

describe('an open redirect', () => {
  it.each(['returnTo', 'returnUrl', 'redirect_uri', 'redirectUri', 'next', 'url', 'state', 'RelayState'])(
    'through the start of a link: %s',
    async (name) => {
      for (const value of [
        EVIL,
        '//attacker.example',
        '/\\attacker.example',
        'settings@attacker.example',
        'javascript:alert(1)',
      ]) {
        const answered = await start({ [name]: value });
        expect([answered.status, answered.text.includes('attacker.example')]).toEqual([400, false]);
      }
    },
  );

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'Settings', 'settings '])(
    'through a return address that JavaScript knows: %s',
    async (returnTo) => {
      const answered = await start({ returnTo });
      expect([answered.status, JSON.parse(answered.text)]).toEqual([
        400,
        expect.objectContaining({ code: 'invalid_request' }),
      ]);
    },
  );

  it('through the callback: wherever it names an address, the browser goes to the registered one', async () => {
    const { location, linkId } = await comesBack({
      returnTo: EVIL,
      redirect_uri: EVIL,
      redirect: EVIL,
      next: EVIL,
      session_state: EVIL,
      error_uri: EVIL,
      iss: EVIL,
    });
    const back = new URL(location ?? '');
    expect(back.origin + back.pathname).toBe(`${flow.sandbox.info.hire2retire}/return`);
    expect([...back.searchParams.keys()]).toEqual(['linkId', 'confirmation']);
    expect(back.searchParams.get('linkId')).toBe(linkId);
  });

  it('through the link URL: further parameters change nothing', async () => {
    const { linkUrl } = await startLink(flow);
    const { location } = await send(
      `${linkUrl}&redirect_uri=${EVIL}&prompt=none&scope=Mail.Read&response_mode=fragment`,
    );
    const asked = new URL(location ?? '');
    expect(asked.origin).toBe(new URL(flow.sandbox.settings['MICROSOFT_LOGIN_URL'] ?? '').origin);
    expect(asked.searchParams.get('redirect_uri')).toBe(api('/auth/callback/Outlook'));
    expect(location).not.toMatch(/attacker|prompt=none|Mail\.Read|fragment/);
  });
});

describe('the address of this app, told by the caller', () => {
  const FORWARDED = {
    'x-forwarded-host': 'attacker.example',
    'x-original-host': 'attacker.example',
    'x-host': 'attacker.example',
    'x-forwarded-server': 'attacker.example',
    'x-forwarded-proto': 'http',
    'x-forwarded-prefix': '/evil',
    'x-original-url': 'https://attacker.example/',
    'x-rewrite-url': '/api/health',
    forwarded: 'host=attacker.example;proto=http',
  };

  it('X-Forwarded-Host and its kin: link URL, redirect URI and Location come from the setting', async () => {
    const started = await flow.api.call('POST', '/auth/link/Outlook', { body: linkRequest(), headers: FORWARDED });
    expect(started.text).not.toContain('attacker');
    const { linkUrl } = JSON.parse(started.text) as { linkUrl: string };
    const opened = await send(linkUrl, { headers: FORWARDED });
    expect(opened.location).not.toContain('attacker');
    expect(new URL(opened.location ?? '').searchParams.get('redirect_uri')).toBe(api('/auth/callback/Outlook'));
  });

  it('Host: another name for this computer changes no address', async () => {
    const { port } = new URL(flow.sandbox.info.api);
    const headers = { host: `127.0.0.1:${port}`, 'x-functions-key': flow.sandbox.info.functionKey };
    const answered = await raw(
      'POST',
      '/api/auth/link/Outlook',
      { ...headers, 'content-type': 'application/json' },
      JSON.stringify(linkRequest()),
    );
    expect(answered.status).toBe(201);
    const { linkUrl } = JSON.parse(answered.text) as { linkUrl: string };
    expect(new URL(linkUrl).host).toBe(`localhost:${port}`);
  });

  it('a Location of a mail comes from the setting too', async () => {
    const { connectionId } = await linkFor(flow, 'acme', 'sender-1@acme.example');
    const answered = await flow.api.call('POST', `${connectionPath(connectionId)}/mails`, {
      body: mail(),
      headers: FORWARDED,
    });
    expect(answered.headers.get('location')).toMatch(new RegExp(`^${flow.sandbox.info.api}/customers/acme/`));
  });
});

describe('where Microsoft, the vault and storage are, told by the caller', () => {
  it.each([
    'https://attacker.example/common',
    'attacker.example/',
    'login.microsoftonline.com@attacker.example',
    'attacker.example:443',
    'attacker.example?x',
    'attacker.example#x',
    '../common',
    '..%2fcommon',
    '127.0.0.1',
    'localhost',
    '[::1]',
    '169.254.169.254',
    'common',
    'organizations',
    'consumers',
    'Common',
    '9188040d-6c67-4c5b-b112-36a304b66dad',
    'acme.example\u0000.attacker.example',
    'acme.example\r\nHost: attacker.example',
    'аcme.example',
    'a'.repeat(300),
  ])('as a tenant: %s', async (tenant) => {
    const lookUps = async () => (await flow.requests('identity')).filter(({ path }) => path.includes('openid')).length;
    const before = await lookUps();
    const answered = await start({ application: { kind: 'customerOwned', ...outlook, tenant } });
    expect([answered.status, JSON.parse(answered.text)]).toEqual([
      400,
      expect.objectContaining({ errors: [expect.objectContaining({ pointer: '/application/tenant' })] }),
    ]);
    expect(await lookUps()).toBe(before);
  });

  it.each(['authority', 'tokenEndpoint', 'token_endpoint', 'issuer', 'loginUrl', 'graphUrl', 'keyVaultUrl', 'scope'])(
    'as a field of its own: %s',
    async (name) => {
      for (const changes of [{ [name]: EVIL }, { application: { kind: 'customerOwned', ...outlook, [name]: EVIL } }]) {
        const answered = await start(changes);
        expect([answered.status, answered.text.includes('attacker')]).toEqual([400, false]);
      }
    },
  );

  it('as the domain of an address: looked up as a name within Microsoft’s host, never as an address', async () => {
    await start({ loginHint: 'hr@attacker.example', expectedMailbox: 'hr@attacker.example' });
    const asked = (await flow.requests('identity')).filter(({ path }) => path.includes('openid')).at(-1);
    expect(asked?.path).toBe('/attacker.example/v2.0/.well-known/openid-configuration');
  });

  it('as parameters inside an address: they stay inside it', async () => {
    for (const local of ['hr&scope=Mail.Read', 'hr#', 'hr%26prompt%3Dnone', 'hr?prompt=none', 'hr+x', "hr'"]) {
      const { linkUrl } = await startLink(flow, { loginHint: `${local}@acme.example` });
      const asked = new URL((await send(linkUrl)).location ?? '').searchParams;
      expect(asked.getAll('login_hint')).toEqual([`${local}@acme.example`]);
      expect(asked.getAll('prompt')).toEqual(['select_account']);
      expect(asked.getAll('scope')).toHaveLength(1);
    }
  });
});

describe('parameters of the browser’s routes', () => {
  it.each([
    ['repeated', 'state=a&state=b&code=c'],
    ['repeated, in an encoding', 'st%61te=a&state=b&code=c'],
    ['repeated, an error beside a code', 'error=a&error=b&state=c'],
    ['admin_consent repeated', 'admin_consent=True&admin_consent=False'],
  ])('%s: refused before anything is read', async (_, query) => {
    flow.sandbox.storage.clearCounts();
    expectPage(await send(api(`/auth/callback/Outlook?${query}`)), 400, 'This did not work');
    expect(flow.sandbox.storage.counts().table).toEqual({});
  });

  it.each([
    ['as a list', 'state[]=a&code[]=b'],
    ['with an index', 'state[0]=a&code[0]=b'],
    ['as __proto__', '__proto__[state]=a&__proto__=b&constructor=c'],
    ['parted by semicolons', 'state=a;state=b;code=c'],
    ['with zero bytes', 'state=%00&code=%00'],
    ['that are no UTF-8', 'state=%ff%fe&code=%c0%80'],
    ['with broken escapes', 'state=%&code=%zz'],
    ['in capitals', 'STATE=a&CODE=b'],
    ['none', ''],
  ])('%s: the plain page', async (_, query) => {
    expectPage(await send(api(`/auth/callback/Outlook?${query}`)), 400, 'This link is not valid');
  });

  it.each(['state', 'code', 'error', 'error_description', 'ticket', 'session_state'])(
    '%s of 100 KB, and as long as a URL may be: refused, nothing echoed, and the app lives',
    async (name) => {
      for (const value of [HUGE, 'x'.repeat(12_000)]) {
        for (const path of ['/auth/callback/Outlook', '/auth/open/Outlook']) {
          const answered = await send(api(`${path}?${name}=${value}`)).catch(() => undefined);
          if (!answered) continue;
          expect(answered.status).toBeGreaterThanOrEqual(200);
          expect(answered.status).toBeLessThan(500);
          expect(answered.text).not.toContain('xxxxxxxx');
        }
      }
      expect((await send(api('/health'))).status).toBe(200);
    },
  );

  it('an error description with a page inside, line breaks and somebody else’s ids: nothing of it comes out', async () => {
    const { location, headers, linkId } = await comesBack({
      code: undefined,
      error: `access_denied${SCRIPT}`,
      error_description: `${SCRIPT}\r\nSet-Cookie: a=b\r\nLocation: ${EVIL}\r\nCorrelation ID: ${SCRIPT} Trace ID: zz`,
      error_uri: EVIL,
      error_subcode: SCRIPT,
    });
    expect([...new URL(location ?? '').searchParams]).toEqual([
      ['linkId', linkId],
      ['error', 'sign_in_failed'],
    ]);
    expect(headers.getSetCookie().join()).not.toContain('a=b');
    const shown = await flow.api.call('GET', `/auth/link/Outlook/${linkId}?customerId=acme`);
    expect(shown.text).not.toMatch(/script|attacker|Set-Cookie/);
    expect(flow.sandbox.logs.join('\n')).not.toMatch(/alert\(document|attacker\.example/);
  });

  it('a page inside every parameter: none is shown', async () => {
    const query = new URLSearchParams(
      ['code', 'state', 'error', 'error_description', 'tenant', 'admin_consent', 'ticket', SCRIPT].map((name) => [
        name,
        SCRIPT,
      ]),
    );
    for (const path of ['/auth/callback/Outlook', '/auth/open/Outlook']) {
      const answered = await send(api(`${path}?${query}`));
      expect(answered.text).not.toContain('alert(');
      expect(answered.headers.get('content-type')).toBe('text/html; charset=utf-8');
    }
  });

  it('line breaks for a second header: there is none', async () => {
    for (const value of ['a%0d%0aX-Injected:%20yes', 'a%0aSet-Cookie:%20x=y', 'a%E5%98%8A%E5%98%8DX-Injected:yes']) {
      const answered = await send(api(`/auth/callback/Outlook?state=${value}&code=${value}`), {
        headers: { 'x-correlation-id': 'a' },
      });
      expect(answered.headers.has('x-injected')).toBe(false);
      expect(answered.headers.getSetCookie()).toEqual([]);
    }
  });
});

describe('pages in a frame, in a cache, or taken for another type', () => {
  it.each([
    '/auth/open/Outlook?ticket=x',
    '/auth/callback/Outlook?state=x',
    '/auth/callback/Outlook?admin_consent=True',
  ])('%s carries the headers that forbid it', async (path) => {
    const { headers } = await send(api(path));
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy.split('; ').map((directive) => directive.split(' ')[0])).toEqual([
      'default-src',
      'style-src',
      'base-uri',
      'form-action',
      'frame-ancestors',
    ]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|http/);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('answers of the API are JSON that no browser takes for a page', async () => {
    for (const path of ['/customers/acme/connections', `/customers/${encodeURIComponent(SCRIPT)}/connections`]) {
      const { headers, text } = await flow.api.call('GET', path);
      expect(headers.get('content-type')).toMatch(/^application\/(problem\+)?json$/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.has('access-control-allow-origin')).toBe(false);
      expect(text).not.toContain('<script>');
    }
  });
});

describe('what is typed into fields', () => {
  it.each([
    ['a line break', 'HR\r\nBcc: all@acme.example'],
    ['a single line feed', 'HR\nmailbox'],
    ['a zero byte', 'HR\u0000'],
    ['an escape', 'HR\u001b[2J'],
    ['another line break of Unicode', 'HR\u2028mailbox'],
    ['half a character', 'HR\ud800'],
    ['100 KB', HUGE],
    ['nothing', ''],
    ['a list', ['HR']],
    ['an object', { toString: 'HR' }],
  ])('a display name with %s: refused, and not repeated', async (_, displayName) => {
    const answered = await start({ displayName });
    expect(answered.status).toBe(400);
    expect(answered.text.length).toBeLessThan(2000);
  });

  it.each(['loginHint', 'expectedMailbox'])('an address with a line break, a page or 100 KB: %s', async (name) => {
    for (const value of [
      'hr@acme.example\r\nBcc: x@y.example',
      `${SCRIPT}@acme.example x`,
      `${HUGE}@acme.example`,
      'hr@acme',
      '@',
      'hr@acme.example@attacker.example',
      'hr\ud800@acme.example',
    ]) {
      const answered = await start({ [name]: value });
      expect([value.slice(0, 40), answered.status]).toEqual([value.slice(0, 40), 400]);
      expect(answered.text).not.toContain('script');
    }
  });

  it('a page as display name: Hire2Retire’s own page shows it as text', async () => {
    await linkFor(flow, 'acme', 'sender-2@acme.example', { displayName: SCRIPT });
    const list = await flow.browser().open(`${flow.sandbox.info.hire2retire}/connections`);
    expect(cardOf(list, 'sender-2@acme.example')).toContain('&#60;script&#62;');
    expect(list.body).not.toContain('<script>');
  });

  it('the same in a change of a connection, and in the recipient of a test mail', async () => {
    const { connectionId } = await linkFor(flow, 'acme', 'sender-1@acme.example');
    for (const bad of ['HR\r\nBcc: x', 'HR\u0000', 'HR\u2028x', 'HR\ud800', HUGE]) {
      const patch = { displayName: bad };
      await flow.api.expect(400, 'PATCH', connectionPath(connectionId), { body: patch });
      const to = `ada${bad.slice(2)}@example.com`;
      await flow.api.expect(400, 'POST', `${connectionPath(connectionId)}/test`, { body: { to } });
    }
  });

  it('a recipient, subject or header that would forge header lines: refused', async () => {
    const { connectionId } = await linkFor(flow, 'acme', 'sender-1@acme.example');
    const forged = [
      { subject: 'Hello\r\nBcc: all@acme.example' },
      { to: ['ada@example.com\r\nbcc: b@example.com'] },
      { to: [{ address: 'ada@example.com', name: 'Ada\r\nBcc: b@example.com' }] },
      { to: ['"ada"<b@example.com>'] },
      { headers: { 'x-note': 'a\r\nBcc: b@example.com' } },
      { headers: { 'x-note\r\nBcc': 'b@example.com' } },
      { headers: { 'X-MS-Exchange-Organization-SCL': '-1' } },
      { headers: { from: 'ceo@acme.example' } },
      { from: 'ceo@acme.example' },
      { sender: 'ceo@acme.example' },
    ];
    for (const changes of forged) {
      const answered = await flow.api.call('POST', `${connectionPath(connectionId)}/mails`, { body: mail(changes) });
      expect([changes, answered.status]).toEqual([changes, 400]);
    }
  });
});

describe('bodies', () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    flow.api.call('POST', '/auth/link/Outlook', { body, headers });
  const text = (changes: object = {}) => JSON.stringify(linkRequest(changes));

  it('that reach for a prototype: refused as unknown fields', async () => {
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      const body = text().replace('{', `{"${name}":{"returnTo":"settings","isAdmin":true},`);
      const answered = await post(body);
      expect([name, answered.status, JSON.parse(answered.text)]).toEqual([
        name,
        400,
        expect.objectContaining({ errors: [expect.objectContaining({ code: 'unknown_field' })] }),
      ]);
    }
    const nested = text().replace('"kind"', '"__proto__":{"kind":"customerOwned"},"kind"');
    expect((await post(nested)).status).toBe(400);
  });

  it('with the same name twice: the last one counts everywhere, so nobody can check the other', async () => {
    const body = text().replace('"customerId":"acme"', '"customerId":"acme","customerId":"globex"');
    const answered = await post(body);
    const { linkId } = JSON.parse(answered.text) as { linkId: string };
    expect((await stateOf(flow, linkId, 'globex')).state).toBe('started');
    await flow.api.expect(404, 'GET', `/auth/link/Outlook/${linkId}?customerId=acme`);
  });

  it('100,000 levels deep, or with 100,000 fields: refused, and the app lives', async () => {
    const levels = 100_000;
    expect((await post(`${'['.repeat(levels)}${']'.repeat(levels)}`)).status).toBe(400);
    expect(
      (await post(text({ displayName: 0 }).replace(':0', `:${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`))).status,
    ).toBe(400);
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`f${index}`, 1]));
    const answered = await post(JSON.stringify(wide));
    expect([answered.status, answered.text.length < 20_000]).toEqual([400, true]);
    const named = await post(JSON.stringify({ [HUGE]: 1 }));
    expect([named.status, named.text.length < 20_000]).toEqual([400, true]);
    expect((await send(api('/health'))).status).toBe(200);
  });

  it('of another type, another charset, or none: refused', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/jsonp',
      'application/json-seq',
      'text/json',
      'x-application/json',
    ])
      expect([type, (await post(text(), { 'content-type': type })).status]).toEqual([type, 400]);
    for (const body of [Buffer.from(text(), 'utf16le'), Buffer.from([0x7b, 0xff, 0x7d])]) {
      const headers = { 'content-type': 'application/json', 'x-functions-key': flow.sandbox.info.functionKey };
      expect((await send(api('/auth/link/Outlook'), { method: 'POST', body, headers })).status).toBe(400);
    }
  });

  it('larger than any mail: 413, whatever Content-Length says', async () => {
    const answered = await post(`{"customerId":"${'x'.repeat(14_000_000)}"}`);
    expect([answered.status, answered.text.length < 1000]).toEqual([413, true]);
  });

  it('where none is expected: refused', async () => {
    const { connectionId } = await linkFor(flow, 'acme', 'sender-1@acme.example');
    for (const body of [{ force: true }, [], 'x', 7]) {
      const answered = await flow.api.call('DELETE', connectionPath(connectionId), { body: JSON.stringify(body) });
      expect(answered.status).toBe(400);
    }
    await flow.api.expect(200, 'GET', connectionPath(connectionId));
  });
});

describe('the key', () => {
  it.each(['code', 'CODE', 'Code', 'c%6Fde'])(
    'in the URL as %s: refused on every route, and not repeated',
    async (name) => {
      const { functionKey } = flow.sandbox.info;
      for (const path of [
        '/customers/acme/connections',
        '/auth/link/Outlook/x?customerId=acme',
        `${connectionPath('con_x')}/mails/y`,
      ]) {
        const url = `${path}${path.includes('?') ? '&' : '?'}${name}=${functionKey}`;
        const answered = await flow.api.call('GET', url, { key: undefined });
        expect([answered.status, JSON.parse(answered.text)]).toEqual([
          400,
          expect.objectContaining({ code: 'key_in_url' }),
        ]);
        expect(answered.text).not.toContain(functionKey);
      }
      expect(flow.sandbox.logs.join('\n')).not.toContain(functionKey);
    },
  );

  it('replaced by claims of a front end that is not there: 401', async () => {
    const principal = Buffer.from(JSON.stringify({ claims: [{ typ: 'roles', val: 'Outlook.Manage' }] })).toString(
      'base64',
    );
    for (const headers of [
      { 'x-ms-client-principal': principal, 'x-ms-client-principal-id': 'x', 'x-ms-client-principal-name': 'admin' },
      { 'x-ms-token-aad-access-token': 'x', authorization: 'Bearer x' },
      { authorization: `Bearer ${flow.sandbox.info.functionKey}` },
      { 'x-functions-clientid': 'default', 'x-forwarded-for': '127.0.0.1', 'x-azure-fdid': 'x' },
      { cookie: `x-functions-key=${flow.sandbox.info.functionKey}` },
    ]) {
      const answered = await flow.api.call('GET', '/customers/acme/connections', { key: undefined, headers });
      expect([answered.status, answered.text]).toEqual([401, '']);
    }
  });

  it('with a method that is another one: overrides are not listened to', async () => {
    const { connectionId } = await linkFor(flow, 'acme', 'sender-1@acme.example');
    for (const header of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
      await flow.api.expect(200, 'GET', connectionPath(connectionId), { headers: { [header]: 'DELETE' } });
      const answered = await flow.api.call('GET', `${connectionPath(connectionId)}?_method=DELETE`, {
        headers: { [header]: 'DELETE' },
      });
      expect(answered.status).toBe(400);
    }
    await flow.api.expect(200, 'GET', connectionPath(connectionId));
    for (const method of ['HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'PUT']) {
      const answered = await raw(method, `/api${connectionPath(connectionId)}`, {
        'x-functions-key': flow.sandbox.info.functionKey,
      });
      expect([method, answered.status]).toEqual([method, 404]);
    }
  });

  it('If-Match, Range and other conditions: no way around anything', async () => {
    const headers = {
      'if-match': '*',
      'if-none-match': '*',
      range: 'bytes=0-1',
      'if-modified-since': new Date().toUTCString(),
    };
    const list = await flow.api.call('GET', '/customers/acme/connections', { headers });
    expect([list.status, list.headers.has('etag')]).toEqual([200, false]);
    await flow.api.expect(404, 'DELETE', connectionPath(`con_${'0'.repeat(32)}`), { headers });
  });

  it('huge headers, cookies by the hundred: an answer all the same', async () => {
    const cookie = Array.from({ length: 200 }, (_, index) => `lnk_${String(index).padStart(32, '0')}=x`).join('; ');
    expectPage(
      await send(api(`/auth/callback/Outlook?state=lnk_${'0'.repeat(32)}.${'A'.repeat(43)}`), { headers: { cookie } }),
      400,
      'This link is not valid',
    );
    const answered = await send(api('/health'), { headers: { 'x-large': HUGE } }).catch(() => ({ status: 431 }));
    expect(answered.status).toBe(431);
    expect((await send(api('/health'))).status).toBe(200);
  });
});

/** A request with headers that `fetch` would not send as given. */
function raw(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<{ status: number; text: string }> {
  const { port } = new URL(flow.sandbox.info.api);
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
