import { HttpRequest, type HttpResponseInit, InvocationContext } from '@azure/functions';
import { describe, expect, test } from 'vitest';
import { type Endpoint, httpHandler } from '../../../functions/http/endpoint.ts';
import { protect } from '../../../functions/http/protect.ts';
import type { ApiAccess, TokenVerdict } from '../../../shared/access/api-access.ts';
import { FakeApiTokens } from '../../fakes/api-tokens.ts';

const ROUTE: Endpoint = {
  name: 'the-function',
  method: 'POST',
  route: 'things',
  auth: 'function',
  handle: async () => ({ status: 204 }),
};

interface Answer {
  readonly status: number | undefined;
  readonly headers: Record<string, string>;
  readonly body: Record<string, unknown>;
  readonly log: string[];
}

/** Calls the route as the Functions library would. */
async function call(
  access: ApiAccess,
  headers: Record<string, string> | [string, string][] = {},
  query = '',
): Promise<Answer> {
  const log: string[] = [];
  const context = new InvocationContext({
    functionName: 'the-function',
    logHandler: (_level, ...args) => log.push(args.map(String).join(' ')),
  });
  const url = `https://api.example/api/things${query}`;
  const request = new HttpRequest({ method: 'POST', url });
  for (const [name, value] of Array.isArray(headers) ? headers : Object.entries(headers))
    request.headers.append(name, value);
  const response: HttpResponseInit = await httpHandler(protect(ROUTE, access).endpoint)(request, context);
  return {
    status: response.status,
    headers: response.headers as Record<string, string>,
    body: JSON.parse(String(response.body ?? '{}')),
    log,
  };
}

const byToken = (verdict: TokenVerdict = { kind: 'accepted' }) => {
  const tokens = new FakeApiTokens();
  tokens.verdict = verdict;
  return { tokens, access: { kind: 'token', tokens } as const };
};

describe('by key', () => {
  const access: ApiAccess = { kind: 'functionKey' };

  test('the host checks it, and the endpoint runs', async () => {
    expect(protect(ROUTE, access).authLevel).toBe('function');
    expect((await call(access)).status).toBe(204);
  });

  test('a key in the URL beside the one in the header is let in, since the portal sends it, and told without it', async () => {
    for (const name of ['code', 'CODE']) {
      const { status, log } = await call(access, { 'x-functions-key': 'the-key' }, `?${name}=the-secret`);
      expect(status).toBe(204);
      expect(log.join()).toContain('"event":"api.key_in_url"');
      expect(log.join()).not.toMatch(/the-key|the-secret/);
    }
  });

  test.each([
    ['an empty key in the header', { 'x-functions-key': '' }, '?code=the-secret'],
    ['a token, which no portal sends', { 'x-functions-key': 'the-key' }, '?access_token=the-secret'],
    ['a token and a key', { 'x-functions-key': 'the-key' }, '?code=x&access_token=the-secret'],
  ])('%s makes no difference to a credential in the URL', async (_what, headers, query) => {
    expect((await call(access, headers, query)).body['code']).toBe('key_in_url');
  });

  test.each(['code', 'access_token'])('a credential in the URL (%s) is refused', async (name) => {
    const { status, body, log } = await call(access, {}, `?${name}=the-secret`);
    expect([status, body['code']]).toEqual([400, 'key_in_url']);
    expect(JSON.stringify([body, log])).not.toContain('the-secret');
  });
});

describe('by token', () => {
  test('the host lets everybody in, and the endpoint runs for a token that is accepted', async () => {
    const { tokens, access } = byToken();
    expect(protect(ROUTE, access).authLevel).toBe('anonymous');
    expect((await call(access, { authorization: 'Bearer aaa.bbb.ccc' })).status).toBe(204);
    expect((await call(access, { authorization: 'bearer aaa.bbb.ccc' })).status).toBe(204);
    expect(tokens.judged).toEqual(['aaa.bbb.ccc', 'aaa.bbb.ccc']);
  });

  test.each<[string, [string, string][], string, string]>([
    ['no token', [], '', 'missing'],
    ['a function key instead', [['x-functions-key', 'the-secret']], '', 'missing'],
    ['a token in the query', [], '?access_token=the-secret', 'missing'],
    ['a function key in the query', [], '?code=the-secret', 'missing'],
    ['an empty header', [['authorization', '']], '', 'malformed'],
    ['a scheme without a token', [['authorization', 'Bearer ']], '', 'malformed'],
    ['another scheme', [['authorization', 'Basic dGhlLXNlY3JldA==']], '', 'malformed'],
    ['a bare token', [['authorization', 'the-secret']], '', 'malformed'],
    ['two tokens in one header', [['authorization', 'Bearer a.b.c d.e.f']], '', 'malformed'],
    [
      'two headers',
      [
        ['authorization', 'Bearer a.b.c'],
        ['authorization', 'Bearer the-secret'],
      ],
      '',
      'malformed',
    ],
  ])('%s: 401, and nobody is asked', async (_what, headers, query, reason) => {
    const { tokens, access } = byToken();
    const { status, headers: answered, body, log } = await call(access, headers, query);
    expect(status).toBe(401);
    expect(answered).toMatchObject({ 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer' });
    expect(log.join()).toContain(`"reason":"${reason}"`);
    expect(JSON.stringify([answered, body, log])).not.toContain('the-secret');
    expect(tokens.judged).toEqual([]);
  });

  test('all refusals read alike, whatever the reason; the log tells them apart', async () => {
    const reasons = ['role_missing', 'expired', 'signature', 'tenant'] as const;
    const answers = await Promise.all(
      reasons.map((reason) =>
        call(byToken({ kind: 'refused', reason }).access, { authorization: 'Bearer t', 'x-correlation-id': 'c' }),
      ),
    );
    for (const [index, { status, headers, body, log }] of answers.entries()) {
      expect([status, headers, body]).toEqual([401, answers[0]?.headers, answers[0]?.body]);
      expect(body['code']).toBe('unauthorized');
      expect(JSON.stringify([headers, body])).not.toContain(String(reasons[index]));
      expect(log.join()).toContain(`"api.token_refused","correlationId":"c","function":"the-function"`);
      expect(log.join()).toContain(`"reason":"${reasons[index]}"`);
    }
  });

  test('keys that cannot be fetched: 503 with a time to wait, and the endpoint does not run', async () => {
    const { access } = byToken({ kind: 'unknown', cause: new TypeError('fetch failed') });
    const { status, headers, body, log } = await call(access, { authorization: 'Bearer t' });
    expect([status, body['code']]).toEqual([503, 'service_unavailable']);
    expect(headers['retry-after']).toBe('5');
    expect(log.join()).toContain('api.keys_unavailable');
  });

  test('a judge that fails: 500, and the endpoint does not run', async () => {
    const tokens = { judge: () => Promise.reject(new Error('broken')) };
    expect((await call({ kind: 'token', tokens }, { authorization: 'Bearer t' })).status).toBe(500);
  });

  test('a credential in the URL beside an accepted token is refused, so that nobody gets used to it', async () => {
    for (const name of ['code', 'access_token']) {
      const { status, body } = await call(byToken().access, { authorization: 'Bearer t' }, `?${name}=x`);
      expect([status, body['code']]).toEqual([400, 'key_in_url']);
    }
  });
});

test('the routes of the browser are open in both modes', async () => {
  const open: Endpoint = { ...ROUTE, auth: 'anonymous' };
  for (const access of [{ kind: 'functionKey' } as const, byToken().access])
    expect(protect(open, access)).toEqual({ authLevel: 'anonymous', endpoint: open });
});
