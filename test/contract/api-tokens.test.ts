import { createSecretKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { exportJWK, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { listen } from '../../sandbox/kit/serve.ts';
import { EntraApiTokens } from '../../shared/azure/entra-api-tokens.ts';
import { MINUTE, SECOND } from '../../shared/clock.ts';
import { microsoftCloud } from '../../shared/microsoft/endpoints.ts';

const TENANT = 'c0c0c0c0-3333-4333-8333-000000000003';
const OTHER_TENANT = 'a0a0a0a0-1111-4111-8111-000000000001';
const AUDIENCE = 'a91a91a9-0000-4000-8000-000000000001';
const PRINCIPAL = randomUUID();
const issuerOf = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`;

interface Key {
  readonly kid: string;
  readonly private: KeyObject;
  readonly public: KeyObject;
}

function newKey(kid: string): Key {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { kid, private: privateKey, public: publicKey };
}

// Slow to make, and none of them is secret here.
const KEY = newKey('key-1');
const NEXT_KEY = newKey('key-2');
const STRANGER = newKey('key-1');

const published = async ({ kid, public: key }: Key, changes: object = {}) => ({
  ...(await exportJWK(key)),
  kid,
  use: 'sig',
  issuer: issuerOf(TENANT),
  ...changes,
});

/** The key endpoint of one tenant. */
let server: Server;
let asked: string[];
let answer: { readonly status: number; readonly body: unknown };
let tokens: EntraApiTokens;

const publish = async (...keys: Promise<object>[]) => {
  answer = { status: 200, body: { keys: await Promise.all(keys) } };
};

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  });
  const loginUrl = `http://127.0.0.1:${await listen(server)}`;
  const cloud = microsoftCloud('global', { loginUrl });
  tokens = new EntraApiTokens({ cloud, tenantId: TENANT, audience: AUDIENCE });
  await publish(published(KEY));
});

afterEach(async () => {
  vi.useRealTimers();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const now = () => Math.floor(Date.now() / 1000);
const claims = () => ({
  iss: issuerOf(TENANT),
  aud: AUDIENCE,
  tid: TENANT,
  oid: PRINCIPAL,
  sub: PRINCIPAL,
  azp: randomUUID(),
  roles: ['Outlook.Manage'],
  iat: now(),
  nbf: now(),
  exp: now() + 3_600,
  ver: '2.0',
});

function token(changes: object = {}, key: Key = KEY, header: object = {}): Promise<string> {
  return new SignJWT({ ...claims(), ...changes })
    .setProtectedHeader({ typ: 'JWT', alg: 'RS256', kid: key.kid, ...header })
    .sign(key.private);
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const judge = async (given: string | Promise<string>) => tokens.judge(await given);
const refused = (reason: string) => ({ kind: 'refused', reason });
const ACCEPTED = { kind: 'accepted' };

test('an application’s token is accepted, with keys from the tenant’s own address, fetched once', async () => {
  for (let n = 0; n < 3; n += 1) expect(await judge(token())).toEqual(ACCEPTED);
  expect(asked).toEqual([`/${TENANT}/discovery/v2.0/keys`]);
});

test('a burst at start fetches the keys once', async () => {
  const verdicts = await Promise.all(Array.from({ length: 20 }, () => judge(token())));
  expect(verdicts.every(({ kind }) => kind === 'accepted')).toBe(true);
  expect(asked).toHaveLength(1);
});

describe('is refused:', () => {
  test.each<[string, string, object]>([
    ['another tenant’s issuer', 'issuer', { iss: issuerOf(OTHER_TENANT) }],
    ['another tenant’s id', 'tenant', { tid: OTHER_TENANT }],
    ['an issuer without a tenant', 'issuer', { iss: issuerOf('{tenantid}') }],
    ['an issuer of another host', 'issuer', { iss: `https://evil.example/${TENANT}/v2.0` }],
    ['a token of version 1.0', 'issuer_v1', { iss: `https://sts.windows.net/${TENANT}/`, ver: '1.0' }],
    ['no issuer', 'issuer', { iss: undefined }],
    ['another audience', 'audience', { aud: 'https://graph.microsoft.com' }],
    ['no audience', 'audience', { aud: undefined }],
    ['a token past its time', 'expired', { exp: now() - 61 }],
    ['a token before its time', 'not_yet_valid', { nbf: now() + 3_600 }],
    ['a token that never expires', 'claims', { exp: undefined }],
    ['a token of a person', 'user_token', { scp: 'access_as_user' }],
    ['a token without the role', 'role_missing', { roles: undefined }],
  ])('%s', async (_what, reason, changes) => {
    expect(await judge(token(changes))).toEqual(refused(reason));
  });

  test('alg none, with and without what looks like a signature', async () => {
    const unsigned = `${encode({ typ: 'JWT', alg: 'none', kid: KEY.kid })}.${encode(claims())}`;
    expect(await judge(`${unsigned}.`)).toEqual(refused('algorithm'));
    expect(await judge(`${unsigned}.c2ln`)).toEqual(refused('algorithm'));
    expect(asked).toEqual([]);
  });

  test('HS256, signed with the public key as the secret', async () => {
    const { n = '' } = KEY.public.export({ format: 'jwk' });
    const pem = KEY.public.export({ type: 'spki', format: 'pem' });
    const der = KEY.public.export({ type: 'spki', format: 'der' });
    for (const bytes of [Buffer.from(pem), der, Buffer.from(String(n), 'base64url')]) {
      const header = { alg: 'HS256', kid: KEY.kid };
      const forged = new SignJWT(claims()).setProtectedHeader(header).sign(createSecretKey(bytes));
      expect(await judge(forged)).toEqual(refused('algorithm'));
    }
  });

  test('other algorithms, even when the tenant’s key signed', async () => {
    for (const alg of ['PS256', 'RS512']) expect(await judge(token({}, KEY, { alg }))).toEqual(refused('algorithm'));
  });

  test('another’s signature under a key id of the tenant', async () => {
    expect(await judge(token({}, STRANGER))).toEqual(refused('signature'));
  });

  test('claims changed after signing', async () => {
    const [header = '', , signature = ''] = (await token()).split('.');
    const changed = encode({ ...claims(), roles: ['Outlook.Manage', 'Everything'] });
    expect(await judge(`${header}.${changed}.${signature}`)).toEqual(refused('signature'));
  });

  test('a key that the token brings along, or says where to find', async () => {
    const jwk = await exportJWK(NEXT_KEY.public);
    const jku = 'https://evil.example/keys';
    expect(await judge(token({}, NEXT_KEY, { jwk, jku }))).toEqual(refused('key_unknown'));
    expect(await judge(token({}, STRANGER, { jwk, jku }))).toEqual(refused('signature'));
  });

  test('a token without a key id, though there is only one key', async () => {
    expect(await judge(token({}, KEY, { kid: undefined }))).toEqual(refused('key_unknown'));
  });

  test('a key of another tenant, wherever it is published', async () => {
    expect(await judge(token({}, NEXT_KEY))).toEqual(refused('key_unknown'));
    vi.setSystemTime(Date.now() + 31 * SECOND);
    await publish(published(KEY), published(NEXT_KEY, { issuer: issuerOf(OTHER_TENANT) }));
    expect(await judge(token({}, NEXT_KEY))).toEqual(refused('key_of_another_tenant'));
  });

  test.each(['', 'x', 'a.b', 'a.b.c', 'a.b.c.d', '..', `${'a'.repeat(20_000)}.b.c`, 'e30.e30.e30'])(
    'what is no token: %.20s',
    async (text) => {
      expect(await judge(text)).toEqual(refused('malformed'));
      expect(asked).toEqual([]);
    },
  );
});

describe('clocks', () => {
  test('may differ by a minute', async () => {
    expect(await judge(token({ exp: now() - 55 }))).toEqual(ACCEPTED);
    expect(await judge(token({ nbf: now() + 55 }))).toEqual(ACCEPTED);
  });
});

describe('keys', () => {
  test('that stand for any tenant may sign for ours', async () => {
    await publish(published(KEY, { issuer: issuerOf('{tenantid}') }));
    expect(await judge(token())).toEqual(ACCEPTED);
  });

  test('without an issuer may, too: the address is the tenant’s', async () => {
    await publish(published(KEY, { issuer: undefined }));
    expect(await judge(token())).toEqual(ACCEPTED);
  });

  test('that are rotated are picked up; unknown ones ask at most every 30 seconds', async () => {
    expect(await judge(token())).toEqual(ACCEPTED);
    await publish(published(KEY), published(NEXT_KEY));
    for (let n = 0; n < 5; n += 1) expect(await judge(token({}, NEXT_KEY))).toEqual(refused('key_unknown'));
    expect(asked).toHaveLength(1);

    vi.setSystemTime(Date.now() + 31 * SECOND);
    expect(await judge(token({}, NEXT_KEY))).toEqual(ACCEPTED);
    expect(await judge(token())).toEqual(ACCEPTED);
    expect(asked).toHaveLength(2);
  });

  test('that were withdrawn are forgotten within twelve hours', async () => {
    expect(await judge(token())).toEqual(ACCEPTED);
    await publish(published(NEXT_KEY));
    vi.setSystemTime(Date.now() + 12 * 60 * MINUTE + SECOND);
    expect(await judge(token())).toEqual(refused('key_unknown'));
  });

  test('that are at hand outlive an outage of their address', async () => {
    expect(await judge(token())).toEqual(ACCEPTED);
    answer = { status: 503, body: 'Down.' };
    vi.setSystemTime(Date.now() + 60 * MINUTE);
    expect(await judge(token())).toEqual(ACCEPTED);
  });

  test.each<[string, number, unknown]>([
    ['an error', 503, 'Down.'],
    ['a redirect', 302, ''],
    ['a page', 200, '<h1>Hello</h1>'],
    ['no key set', 200, { keys: 'none' }],
  ])('that cannot be had (%s): nobody can tell, and it is asked again', async (_what, status, body) => {
    answer = { status, body };
    expect(await judge(token())).toMatchObject({ kind: 'unknown' });
    await publish(published(KEY));
    expect(await judge(token())).toEqual(ACCEPTED);
  });

  test('whose address nobody answers at: nobody can tell', async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await judge(token())).toMatchObject({ kind: 'unknown' });
    server = createServer().listen(0);
  });
});
