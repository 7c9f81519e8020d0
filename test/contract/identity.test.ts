import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { AuthenticationError, CredentialUnavailableError } from '@azure/identity';
import { InteractionRequiredAuthError, ServerError } from '@azure/msal-node';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { IdentityPlatform as StandIn } from '../../sandbox/identity/identity.ts';
import type { Fault } from '../../sandbox/kit/journal.ts';
import { listen } from '../../sandbox/kit/serve.ts';
import { Entra } from '../../shared/azure/entra.ts';
import { microsoftCloud } from '../../shared/microsoft/endpoints.ts';
import {
  type ApplicationCredential,
  type IdentityPlatform,
  MicrosoftError,
} from '../../shared/microsoft/identity-platform.ts';
import { StoreUnavailable } from '../../shared/storage/ports.ts';
import { ACME_TENANT, FakeIdentity, HR_OBJECT } from '../fakes/microsoft.ts';
import {
  ACME,
  assertion,
  Browser,
  customerOwned,
  customerOwnedSingleTenant,
  GLOBEX,
  REDIRECT_URI,
  serviceProvider,
  start,
} from '../sandbox/identity/fixture.ts';

const ADDRESS = 'hr@acme.example';
const VERIFIER = 'v'.repeat(43);
const NONCE = 'the-nonce';
const { clientId, clientSecret } = serviceProvider;
const credential: ApplicationCredential = { clientId, proof: { kind: 'secret', value: clientSecret } };
const federated: ApplicationCredential = { clientId, proof: { kind: 'federated' } };
const request = {
  clientId,
  tenant: ACME,
  redirectUri: REDIRECT_URI,
  state: 'the-state',
  nonce: NONCE,
  codeChallenge: createHash('sha256').update(VERIFIER).digest('base64url'),
};

let standIn: StandIn;
let azure: Entra;
let clientAssertion: () => Promise<string>;

beforeAll(async () => {
  standIn = await start();
  const cloud = microsoftCloud('global', { loginUrl: standIn.url });
  azure = new Entra({ cloud, clientAssertion: () => clientAssertion(), timeoutMs: 300 });
});
afterEach(() => {
  standIn.restore();
  standIn.journal.requests.length = 0;
  standIn.journal.faults.length = 0;
});
afterAll(() => standIn.close());

const fake = new FakeIdentity(() => new Date());

/** Signs in through the pages of the stand-in. */
async function signIn(url: string): Promise<URLSearchParams> {
  const browser = await new Browser(standIn.url).goTo(url);
  await (await browser.press(ADDRESS)).press('Accept');
  return new URLSearchParams(browser.redirected);
}

interface Subject {
  readonly identity: IdentityPlatform;
  readonly signIn: (url: string) => Promise<URLSearchParams> | URLSearchParams;
}

const onStandIn = (): Subject => ({ identity: azure, signIn });

/** A code with everything that redeeming it takes. */
async function authorized(subject: Subject) {
  const query = await subject.signIn(await subject.identity.authorizeUrl(request));
  const code = query.get('code') ?? '';
  return { credential, tenant: ACME, code, redirectUri: REDIRECT_URI, verifier: VERIFIER, nonce: NONCE };
}

async function refused(action: Promise<unknown>): Promise<MicrosoftError> {
  const error = await action.catch((caught: unknown) => caught);
  if (!(error instanceof MicrosoftError)) throw new Error(`not refused as it should be: ${error}`);
  return error;
}

describe.each<[string, () => Subject]>([
  ['the fake', () => ({ identity: fake, signIn: (url) => fake.signIn(url) })],
  ['the stand-in', onStandIn],
])('the identity platform (%s)', (_name, subject) => {
  test('brings the state back, and takes the code for tokens of the account', async () => {
    const { identity, signIn } = subject();
    const query = await signIn(await identity.authorizeUrl(request));
    expect(query.get('state')).toBe('the-state');
    const redeemed = await identity.redeem({ ...(await authorized(subject())) });
    expect(redeemed.scopes).toContain('https://graph.microsoft.com/Mail.Send');
    expect(redeemed.claims).toMatchObject({
      tid: ACME_TENANT,
      oid: HR_OBJECT,
      aud: clientId,
      iss: `https://login.microsoftonline.com/${ACME_TENANT}/v2.0`,
      preferred_username: ADDRESS,
    });
    expect(redeemed.accessToken).not.toBe('');
    expect(redeemed.refreshToken).not.toBe('');
    expect(redeemed.expiresAt.getTime()).toBeGreaterThan(Date.now() + 1_800_000);
  });

  test('refreshes, and hands out the newest refresh token', async () => {
    const { identity } = subject();
    const { refreshToken } = await identity.redeem(await authorized(subject()));
    const first = await identity.refresh({ credential, tenant: ACME, refreshToken });
    expect(first.refreshToken).not.toBe(refreshToken);
    const second = await identity.refresh({ credential, tenant: ACME, refreshToken: first.refreshToken });
    expect(second.accessToken).not.toBe(first.accessToken);
  });

  test('says with a refresh what the account is called now', async () => {
    const { identity } = subject();
    const { refreshToken } = await identity.redeem(await authorized(subject()));
    const { claims } = await identity.refresh({ credential, tenant: ACME, refreshToken });
    const named = { tid: ACME_TENANT, oid: HR_OBJECT, preferred_username: ADDRESS };
    // An answer to a refresh may come without an id token.
    if (claims) expect(claims).toMatchObject(named);
    expect(claims !== undefined).toBe(identity instanceof Entra);
  });

  test.each([
    ['a code twice', 'invalid_grant', {}],
    ['another verifier', 'invalid_grant', { verifier: 'w'.repeat(43) }],
    ['another nonce', 'nonce_mismatch', { nonce: 'another' }],
  ])('refuses %s', async (_what, error, change) => {
    const code = await authorized(subject());
    if (Object.keys(change).length === 0) await subject().identity.redeem(code);
    expect((await refused(subject().identity.redeem({ ...code, ...change }))).facts.error).toBe(error);
  });

  test('knows the tenant of a verified domain, and none of an unknown one', async () => {
    const { identity } = subject();
    expect(await identity.resolveTenant('acme.example')).toBe(ACME_TENANT);
    expect(await identity.resolveTenant(ACME_TENANT)).toBe(ACME_TENANT);
    expect(await identity.resolveTenant('nobody.example')).toBeUndefined();
  });
});

describe('an application that is proven', () => {
  const prove = (tenant: string, changes: { clientId?: string; secret?: string } = {}) =>
    azure.proveApplication(
      {
        clientId: changes.clientId ?? customerOwned.clientId,
        proof: { kind: 'secret', value: changes.secret ?? customerOwned.clientSecret },
      },
      tenant,
    );
  const single = {
    clientId: customerOwnedSingleTenant.clientId,
    secret: customerOwnedSingleTenant.clientSecret,
  };

  test.each([ACME, 'acme.example'])('costs one request for a token that nobody keeps: %s', async (tenant) => {
    expect(await prove(tenant)).toBeUndefined();
    const [asked, ...more] = standIn.journal.requests;
    expect(more).toEqual([]);
    expect([asked?.path, asked?.status]).toEqual([`/${tenant}/oauth2/v2.0/token`, 200]);
    const form = Object.fromEntries(new URLSearchParams(asked?.body));
    expect(form).toMatchObject({ grant_type: 'client_credentials', client_id: customerOwned.clientId });
    expect(form['scope']?.split(' ')).toContain('https://graph.microsoft.com/.default');
    await prove(tenant);
    expect(standIn.journal.requests).toHaveLength(2);
  });

  test.each<[string, () => Promise<void>, object]>([
    ['its tenant’s id', () => prove(crypto.randomUUID()), { error: 'invalid_tenant', number: 90002 }],
    ['its tenant’s domain', () => prove('nobody.example'), { error: 'invalid_tenant', number: 90002 }],
    ['its client ID', () => prove(ACME, { clientId: crypto.randomUUID() }), { number: 700016 }],
    ['its secret', () => prove(ACME, { secret: 'wrong-secret' }), { error: 'invalid_client', number: 7000215 }],
    ['another tenant that never saw it', () => prove(GLOBEX), { error: 'invalid_client', number: 7000229 }],
    ['another tenant than its only one', () => prove(GLOBEX, single), { number: 700016 }],
  ])('is refused for %s, after one request', async (_what, action, facts) => {
    expect((await refused(action())).facts).toMatchObject(facts);
    expect(standIn.journal.requests).toHaveLength(1);
  });

  test('is refused when it is expired or disabled', async () => {
    standIn.expireSecret(customerOwned.clientId);
    expect((await refused(prove(ACME))).facts).toMatchObject({ error: 'invalid_client', number: 7000222 });
    standIn.disableApp(customerOwned.clientId);
    expect((await refused(prove(ACME))).facts).toMatchObject({ error: 'unauthorized_client', number: 7000112 });
  });
});

describe('the address that a browser is sent to', () => {
  test('asks for Mail.Send, offline_access and who signed in, and for nothing more', async () => {
    const url = new URL(await azure.authorizeUrl({ ...request, loginHint: ADDRESS }));
    expect(`${url.origin}${url.pathname}`).toBe(`${standIn.url}/${ACME}/oauth2/v2.0/authorize`);
    const { scope = '', ...query } = Object.fromEntries(url.searchParams);
    expect(scope.split(' ').sort()).toEqual([
      'https://graph.microsoft.com/Mail.Send',
      'offline_access',
      'openid',
      'profile',
    ]);
    expect(query).toMatchObject({
      client_id: clientId,
      response_type: 'code',
      response_mode: 'query',
      redirect_uri: REDIRECT_URI,
      state: 'the-state',
      nonce: NONCE,
      prompt: 'select_account',
      code_challenge: request.codeChallenge,
      code_challenge_method: 'S256',
      login_hint: ADDRESS,
    });
    expect(url.href).not.toContain(clientSecret);
  });
});

describe('the token endpoint', () => {
  const refresh = (refreshToken: string, proof = credential.proof) =>
    azure.refresh({ credential: { clientId, proof }, tenant: ACME, refreshToken });
  const newRefreshToken = async () => (await azure.redeem(await authorized(onStandIn()))).refreshToken;
  const fault = (each: Fault) => standIn.journal.addFaults([{ match: { path: '/token' }, ...each }]);

  test('says who is wrong, with the ids that Microsoft’s support asks for', async () => {
    const token = await newRefreshToken();
    const wrongSecret = await refused(refresh(token, { kind: 'secret', value: 'wrong' }));
    expect(wrongSecret.facts).toMatchObject({ error: 'invalid_client', number: 7000215 });
    expect(wrongSecret.facts.correlationId).toMatch(/^[0-9a-f-]{36}$/);
    expect(wrongSecret.facts.traceId).toMatch(/^[0-9a-f-]{36}$/);
    expect(wrongSecret.transient).toBe(false);
    standIn.expireSecret(clientId);
    expect((await refused(refresh(token))).facts).toMatchObject({ error: 'invalid_client', number: 7000222 });
  });

  test('says that a grant is dead', async () => {
    const token = await newRefreshToken();
    standIn.revoke(ADDRESS);
    const { facts, transient } = await refused(refresh(token));
    expect(facts).toMatchObject({ error: 'invalid_grant', suberror: 'bad_token', number: 50173, status: 400 });
    expect(transient).toBe(false);
  });

  const error = (fields: object) => ({ error_description: 'AADSTS1: quotes hr@acme.example', ...fields });
  const answers: [string, Fault, object, boolean][] = [
    [
      'throttled with a time to wait',
      { status: 429, headers: { 'retry-after': '20' }, body: error({ error: 'temporarily_unavailable' }) },
      { error: 'temporarily_unavailable', status: 429, retryAfterSeconds: 20 },
      true,
    ],
    [
      'a page of some gateway',
      { status: 503, headers: { 'retry-after': '7' }, body: '<h1>Busy</h1>' },
      { error: 'unusable_answer', status: 503, retryAfterSeconds: 7 },
      true,
    ],
    [
      'busy until a time that is over',
      { status: 503, headers: { 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT' }, body: '<h1>Busy</h1>' },
      { error: 'unusable_answer', status: 503, retryAfterSeconds: 1 },
      true,
    ],
    ['a success that is none', { status: 200, body: {} }, { error: 'unusable_answer', status: 502 }, true],
    ['a success that is a page', { status: 200, body: '<h1>Hello</h1>' }, { error: 'unusable_answer' }, true],
    ['a redirect', { status: 302, headers: { location: 'https://evil.example/' } }, { error: 'network_error' }, true],
    ['a lost answer', { drop: 'after' }, { error: 'network_error' }, true],
    ['silence', { delayMs: 600 }, { error: 'timeout' }, true],
    [
      'the loop throttle, which passes by itself',
      { status: 400, body: error({ error: 'invalid_grant', error_codes: [50196] }) },
      { error: 'invalid_grant', number: 50196 },
      true,
    ],
    [
      'a policy that demands the person',
      { status: 400, body: error({ error: 'interaction_required', suberror: 'message_only', error_codes: [53003] }) },
      { error: 'interaction_required', suberror: 'message_only', number: 53003 },
      false,
    ],
    [
      'an error in a 500',
      { status: 500, body: error({ error: 'invalid_grant' }) },
      { error: 'invalid_grant', status: 500 },
      true,
    ],
  ];
  test.each(answers)('reports %s as it is, after one request', async (_what, answer, facts, transient) => {
    const token = await newRefreshToken();
    standIn.journal.requests.length = 0;
    fault(answer);
    const caught = await refused(refresh(token));
    expect(caught.facts).toMatchObject(facts);
    expect(caught.transient).toBe(transient);
    // A description quotes what people typed.
    expect(JSON.stringify(caught.facts) + caught.message).not.toContain('acme.example');
    // A delayed one is recorded once it was answered, though nobody listens any more.
    await vi.waitFor(() => expect(standIn.journal.requests).toHaveLength(1));
  });

  test('is asked again right after a refusal: no client remembers one user’s error against the next', async () => {
    const token = await newRefreshToken();
    fault({ status: 429, headers: { 'retry-after': '60' }, body: error({ error: 'invalid_request' }) });
    await refused(refresh(token));
    expect((await refresh(token)).accessToken).not.toBe('');
  });

  test('may leave the refresh token as it is', async () => {
    const body = { token_type: 'Bearer', access_token: 'at', expires_in: 3_600, scope: 'Mail.Send' };
    fault({ status: 200, body });
    expect(await refresh('the-token')).toMatchObject({ accessToken: 'at', refreshToken: 'the-token' });
  });

  test('gets a token of the managed identity in place of a secret', async () => {
    const token = await newRefreshToken();
    clientAssertion = async () => assertion();
    standIn.journal.requests.length = 0;
    expect((await refresh(token, { kind: 'federated' })).accessToken).not.toBe('');
    const { body = '' } = standIn.journal.requests[0] ?? {};
    expect(body).toContain('client_assertion=');
    expect(body).not.toContain('client_secret');
  });

  test('gets one for a code, too', async () => {
    const request = await authorized(onStandIn());
    clientAssertion = async () => assertion();
    standIn.journal.requests.length = 0;
    expect((await azure.redeem({ ...request, credential: federated })).refreshToken).not.toBe('');
    const { body = '' } = standIn.journal.requests[0] ?? {};
    expect(body).toContain('grant_type=authorization_code');
    expect(body).toContain('client_assertion=');
    expect(body).not.toContain('client_secret');
  });

  test.each<[string, number, Record<string, string>]>([
    ['audience', 700212, { aud: 'api://AzureADTokenExchangeChina' }],
    ['issuer', 700211, { iss: `https://login.microsoftonline.com/${ACME}/v2.0` }],
    ['subject', 700213, { sub: 'another principal' }],
  ])('says when the identity’s %s is not the one that is trusted, for both grants', async (_what, number, changes) => {
    const [token, request] = [await newRefreshToken(), await authorized(onStandIn())];
    clientAssertion = async () => assertion(changes);
    for (const action of [refresh(token, { kind: 'federated' }), azure.redeem({ ...request, credential: federated })]) {
      const { facts, transient } = await refused(action);
      expect(facts).toMatchObject({ error: 'invalid_client', number, status: 401 });
      expect(transient).toBe(false);
    }
    // A refused application does not use up the code.
    clientAssertion = async () => assertion();
    expect((await azure.redeem({ ...request, credential: federated })).accessToken).not.toBe('');
  });

  test('never hands an assertion on to where it is redirected', async () => {
    const token = await newRefreshToken();
    clientAssertion = async () => assertion();
    const elsewhere: string[] = [];
    const server = createServer((call, answer) => {
      elsewhere.push(call.url ?? '');
      answer.end('{}');
    });
    const location = `http://127.0.0.1:${await listen(server)}/token`;
    fault({ status: 307, headers: { location } });
    expect((await refused(refresh(token, { kind: 'federated' }))).facts.error).toBe('network_error');
    server.close();
    expect(elsewhere).toEqual([]);
  });

  test.each<[string, Error]>([
    ['that is plain', new Error('no identity')],
    ['that looks like MSAL’s refusal of a grant', new InteractionRequiredAuthError('invalid_grant', 'x', 'bad_token')],
    ['that looks like a refused application', new ServerError('invalid_client', 'AADSTS7000215', '')],
    ['of the Azure SDK', new AuthenticationError(400, { error: 'invalid_client', error_description: 'x' })],
    ['of the Azure SDK about availability', new CredentialUnavailableError('no endpoint')],
  ])('is not asked when the identity fails with an error %s: nobody refused anything', async (_what, failure) => {
    const [token, request] = [await newRefreshToken(), await authorized(onStandIn())];
    clientAssertion = () => Promise.reject(failure);
    standIn.journal.requests.length = 0;
    const actions = [
      refresh(token, { kind: 'federated' }),
      azure.redeem({ ...request, credential: federated }),
      azure.ready(federated),
    ];
    for (const action of actions) {
      const caught = await action.catch((error: unknown) => error);
      expect(caught).toBeInstanceOf(StoreUnavailable);
      expect((caught as Error).cause).toBe(failure);
    }
    expect(standIn.journal.requests).toHaveLength(0);
  });

  test('cannot be reached: transient', async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    const cloud = microsoftCloud('global', { loginUrl: `http://localhost:${port}` });
    const away = new Entra({ cloud, clientAssertion, timeoutMs: 300 });
    const { facts, transient } = await refused(away.refresh({ credential, tenant: ACME, refreshToken: 'x' }));
    expect(facts.error).toBe('network_error');
    expect(transient).toBe(true);
  });
});

describe('the tenant of a domain', () => {
  const fault = (each: Fault) => standIn.journal.addFaults([{ match: { path: 'openid-configuration' }, ...each }]);

  test.each<[string, Fault]>([
    ['an outage', { status: 503 }],
    ['throttling', { status: 429 }],
    ['a redirect', { status: 302, headers: { location: 'https://evil.example/' } }],
    ['an answer without end', { status: 200, body: { issuer: 'x'.repeat(70 * 1024) } }],
    ['no JSON', { status: 200, body: '<h1>Hello</h1>' }],
  ])('is not taken for unknown because of %s', async (_what, answer) => {
    fault(answer);
    expect((await refused(azure.resolveTenant('acme.example'))).transient).toBe(true);
  });

  test('is none for a name that stands for all tenants', async () => {
    expect(await azure.resolveTenant('common')).toBeUndefined();
    expect(await azure.resolveTenant('organizations')).toBeUndefined();
  });

  test('is asked for in one path segment, whatever the name', async () => {
    await azure.resolveTenant('acme.example/../common?x=').catch(() => undefined);
    const [asked] = standIn.journal.requests;
    expect(asked?.path).toBe('/acme.example%2F..%2Fcommon%3Fx%3D/v2.0/.well-known/openid-configuration');
  });
});
