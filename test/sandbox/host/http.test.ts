import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fixture, FUNCTION_KEY, MASTER_KEY, startFixture } from './fixture.ts';

let fixture: Fixture;
let api: string;

beforeAll(async () => {
  fixture = await startFixture();
  api = `${fixture.host.url}/api`;
});
afterAll(() => fixture.host.close());

interface Echo {
  readonly url: string;
  readonly params: Record<string, string>;
  readonly query: [string, string][];
  readonly headers: Record<string, string>;
  readonly body: string;
}

const echo = async (path: string, init?: RequestInit) => (await (await fetch(`${api}/${path}`, init)).json()) as Echo;

describe('what the host answers itself', () => {
  test.each([
    ['an unknown route', 'GET', 'unknown'],
    ['a method that the route does not list', 'DELETE', 'echo'],
    ['HEAD on a route that lists GET', 'HEAD', 'echo'],
    ['OPTIONS on a route that lists GET', 'OPTIONS', 'echo'],
    ['a wrong method without a key', 'GET', 'keyed'],
    ['a parameter that breaks its constraint', 'GET', 'things/x1'],
  ])('%s is 404 with an empty body', async (_what, method, path) => {
    const response = await fetch(`${api}/${path}`, { method });
    expect(response.status).toBe(404);
    expect(await response.text()).toBe('');
  });

  test('a route outside the prefix is 404', async () => {
    expect((await fetch(`${fixture.host.url}/echo`)).status).toBe(404);
  });

  test.each([
    ['no key', 'keyed', undefined],
    ['a wrong key', 'keyed', 'wrong'],
    ['the function key on an admin function', 'masters', FUNCTION_KEY],
  ])('%s is 401 with an empty body and runs nothing', async (_what, path, key) => {
    const before = fixture.lines.length;
    const response = await fetch(`${api}/${path}`, { method: 'POST', headers: key ? { 'x-functions-key': key } : {} });
    expect(response.status).toBe(401);
    expect(await response.text()).toBe('');
    expect(fixture.lines.slice(before).filter((line) => line.includes('Executed'))).toEqual([]);
  });

  test.each([
    ['the function key', 'keyed', FUNCTION_KEY],
    ['the master key', 'keyed', MASTER_KEY],
    ['the master key on an admin function', 'masters', MASTER_KEY],
  ])('%s opens the function, in the header and in the query', async (_what, path, key) => {
    const inHeader = await fetch(`${api}/${path}`, { method: 'POST', headers: { 'x-functions-key': key } });
    const inQuery = await fetch(`${api}/${path}?code=${key}`, { method: 'POST' });
    expect([inHeader.status, inQuery.status]).toEqual([200, 200]);
  });

  test('every answer says that this is a development host, and the root page says it in words', async () => {
    const root = await fetch(fixture.host.url);
    expect(await root.text()).toContain('not for production');
    for (const path of ['/', '/api/echo', '/api/unknown', '/api/keyed', '/admin/functions/tick'])
      expect((await fetch(`${fixture.host.url}${path}`)).headers.get('x-sandbox-host')).toBe('development');
  });

  test('a request under a foreign host name is refused', async () => {
    const { port } = fixture.host;
    const status = await new Promise((resolve) => {
      request({ host: '127.0.0.1', port, path: '/api/echo', headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
    expect(status).toBe(403);
  });
});

describe('what reaches the function', () => {
  test('method, host, headers, raw body and the whole query', async () => {
    const body = 'raw \u0000 ünïcode';
    const got = await echo('echo?a=1&b=%20&a=2', { method: 'POST', body, headers: { 'x-own': 'yes' } });
    expect(got.url).toBe(`${api}/echo?a=1&b=%20&a=2`);
    expect(got.body).toBe(body);
    expect(got.headers).toMatchObject({ host: `localhost:${fixture.host.port}`, 'x-own': 'yes' });
  });

  test('a repeated query parameter is joined by commas in request.query, as on Azure', async () => {
    expect((await echo('echo?a=1&a=2')).query).toEqual([['a', '1,2']]);
  });

  test('a body sent in chunks arrives whole', async () => {
    const chunks = new ReadableStream({
      start(controller) {
        for (const part of ['one ', 'two ', 'three']) controller.enqueue(new TextEncoder().encode(part));
        controller.close();
      },
    });
    const init = { method: 'POST', body: chunks, duplex: 'half' } as RequestInit;
    expect((await echo('echo', init)).body).toBe('one two three');
  });

  test('route parameters are decoded, optional ones may be missing', async () => {
    expect((await echo('things/7')).params).toEqual({ id: '7' });
    expect((await echo('Things/7/a%20b%2Fc')).params).toEqual({ id: '7', tail: 'a b%2Fc' });
  });

  test('the literal route wins over the parameter', async () => {
    expect(await (await fetch(`${api}/things/special`)).text()).toBe('special');
  });
});

describe('what the function answers', () => {
  test('cookies keep their attributes and stay apart', async () => {
    expect((await fetch(`${api}/cookies`)).headers.getSetCookie()).toEqual([
      '__Host-a=x%20y; max-age=60; path=/; secure; samesite=lax; httponly',
      'b=; expires=Thu, 01 Jan 1970 00:00:01 GMT; path=/',
      'gone=; max-age=0; path=/',
      'c=1; domain=localhost; path=/; samesite=none',
    ]);
  });

  test('bytes arrive as they are, with their length', async () => {
    const response = await fetch(`${api}/bytes`);
    expect(response.headers.get('content-type')).toBe('application/x-three');
    expect(response.headers.get('content-length')).toBe('3');
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 255, 10]);
  });

  test('nothing returned is 204', async () => {
    expect((await fetch(`${api}/nothing`)).status).toBe(204);
  });

  test('a handler that throws is 500 without its text, which is in the log', async () => {
    const response = await fetch(`${api}/broken`);
    expect(response.status).toBe(500);
    expect(await response.text()).toBe('');
    expect(await fixture.line("Executed 'broken' (Failed, Id=")).toContain('broken on purpose');
  });
});

describe('running a function by hand', () => {
  const byHand = (name: string, init: RequestInit = {}) =>
    fetch(`${fixture.host.url}/admin/functions/${name}`, { method: 'POST', ...init });

  test('needs the master key', async () => {
    expect((await byHand('tick')).status).toBe(401);
    expect((await byHand('tick', { headers: { 'x-functions-key': FUNCTION_KEY } })).status).toBe(401);
  });

  test('is accepted for timers and queue functions, and 404 for anything else', async () => {
    const headers = { 'x-functions-key': MASTER_KEY, 'content-type': 'application/json' };
    expect((await byHand('tick', { headers, body: '{}' })).status).toBe(202);
    expect((await byHand('work', { headers, body: '{"input":"{\\"by\\":\\"hand\\"}"}' })).status).toBe(202);
    expect((await byHand('echo', { headers })).status).toBe(404);
    expect((await byHand('unknown', { headers })).status).toBe(404);
    await fixture.line("Executed 'tick' (Succeeded");
    await fixture.line('"by":"hand"');
  });
});
