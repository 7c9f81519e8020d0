import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { CONSUMERS_TENANT } from '../../../sandbox/directory.ts';
import type { IdentityPlatform } from '../../../sandbox/identity/identity.ts';
import {
  ACME,
  type Answer,
  assertion,
  authorizePath,
  Browser,
  claimsOf,
  codeFor,
  customerOwned,
  customerOwnedSingleTenant,
  directory,
  GLOBEX,
  pkce,
  postToken,
  ROBOMQ,
  redeem,
  refresh,
  refreshTokenFor,
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

const hr = 'hr@acme.example';
const DAY = 24 * 3_600_000;
const later = (milliseconds: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + milliseconds });

function expectRefusal(answer: Answer, error: string, number: number, status = 400, suberror?: string): void {
  const { error: name, error_codes: codes, suberror: sub } = answer.body;
  expect({ status: answer.status, name, codes, sub }).toEqual({ status, name: error, codes: [number], sub: suberror });
  expect(answer.body['error_description']).toContain(`AADSTS${number}: `);
}

describe('a code', () => {
  test('gives tokens of the account in the tenant, and says which scopes', async () => {
    const { body } = await redeem(identity, await codeFor(identity, hr), { client_info: '1', claims: '{}' });
    expect(body).toMatchObject({
      token_type: 'Bearer',
      scope: 'https://graph.microsoft.com/Mail.Send profile openid email',
      expires_in: 3599,
    });
    const { exp, iat, ...access } = claimsOf(body['access_token']);
    expect(access).toMatchObject({
      aud: 'https://graph.microsoft.com',
      appid: serviceProvider.clientId,
      scp: 'Mail.Send profile openid email',
      tid: ACME,
    });
    expect(Number(exp) - Number(iat)).toBe(3599);
    expect(claimsOf(body['id_token'])).toMatchObject({
      aud: serviceProvider.clientId,
      iss: `https://login.microsoftonline.com/${ACME}/v2.0`,
      name: 'Acme HR',
      oid: access['oid'],
      preferred_username: hr,
      tid: ACME,
      ver: '2.0',
    });
    expect(claimsOf(body['id_token'])).not.toHaveProperty('idp');
    expect(JSON.parse(Buffer.from(String(body['client_info']), 'base64url').toString())).toEqual({
      uid: access['oid'],
      utid: ACME,
    });
  });

  test('of a guest names the tenant that invited and the provider it comes from', async () => {
    const { body } = await redeem(identity, await codeFor(identity, 'ines@partner.example', { tenant: ACME }));
    const { tid, idp } = claimsOf(body['id_token']);
    expect(tid).toBe(ACME);
    expect(idp).toMatch(/^https:\/\/sts\.windows\.net\/[\da-f-]{36}\/$/);
    expect(idp).not.toContain(ACME);
  });

  test('of a personal account names the tenant of all of them', async () => {
    const { body } = await redeem(identity, await codeFor(identity, 'pat@outlook.example', { tenant: 'consumers' }));
    expect(claimsOf(body['id_token'])).toMatchObject({ tid: CONSUMERS_TENANT });
  });

  test('without offline_access gives no refresh token', async () => {
    const code = await codeFor(identity, hr, { changes: { scope: 'Mail.Send openid' } });
    const { body } = await redeem(identity, code);
    expect(body).not.toHaveProperty('refresh_token');
    expect(body['scope']).toBe('Mail.Send profile openid email');
  });

  test('works once', async () => {
    const code = await codeFor(identity, hr);
    expect((await redeem(identity, code)).status).toBe(200);
    expectRefusal(await redeem(identity, code), 'invalid_grant', 54005);
  });

  test('works for ten minutes', async () => {
    const code = await codeFor(identity, hr);
    later(11 * 60_000);
    expectRefusal(await redeem(identity, code), 'invalid_grant', 70008);
  });

  test('is bound to verifier, redirect URI, application and tenant', async () => {
    const { verifier, challenge } = pkce();
    const changes = { code_challenge: challenge, code_challenge_method: 'S256' };
    const code = await codeFor(identity, hr, { changes });
    expectRefusal(await redeem(identity, code), 'invalid_grant', 501481);
    expectRefusal(await redeem(identity, code, { code_verifier: pkce().verifier }), 'invalid_grant', 501481);
    expectRefusal(await redeem(identity, code, { redirect_uri: 'http://localhost:1/' }), 'invalid_client', 500112);
    const other = { client_id: customerOwned.clientId, client_secret: customerOwned.clientSecret };
    expectRefusal(await redeem(identity, code, other), 'invalid_grant', 70000, 400, 'bad_token');
    expectRefusal(await redeem(identity, code, { code_verifier: verifier }, GLOBEX), 'invalid_grant', 700005);
    expect((await redeem(identity, code, { code_verifier: verifier }, ACME)).status).toBe(200);
  });

  test('obtained without a challenge refuses a verifier', async () => {
    const code = await codeFor(identity, hr);
    expectRefusal(await redeem(identity, code, { code_verifier: pkce().verifier }), 'invalid_grant', 501481);
  });

  test('that was never issued is malformed', async () => {
    expectRefusal(await redeem(identity, 'nonsense'), 'invalid_grant', 9002313);
  });

  test.each<[string, string, number, number, string | undefined]>([
    ['app_disabled', 'unauthorized_client', 7000112, 400, undefined],
    ['secret_wrong', 'invalid_client', 7000215, 401, undefined],
    ['secret_expired', 'invalid_client', 7000222, 401, undefined],
    ['conditional_access', 'interaction_required', 53003, 400, 'message_only'],
  ])('of a sign-in with the failure %s meets it every time', async (failure, error, number, status, suberror) => {
    const code = await codeFor(identity, hr, { failure });
    expectRefusal(await redeem(identity, code), error, number, status, suberror);
    expectRefusal(await redeem(identity, code), error, number, status, suberror);
  });

  test('interaction required comes with a claims challenge', async () => {
    const { body } = await redeem(identity, await codeFor(identity, hr, { failure: 'conditional_access' }));
    expect(JSON.parse(String(body['claims']))).toHaveProperty('access_token.capolids.values');
  });
});

describe('a refresh token', () => {
  test('gives a new one at each use and stays valid, as at Entra', async () => {
    const first = await refreshTokenFor(identity, hr);
    const { body } = await refresh(identity, first);
    expect(body['refresh_token']).not.toBe(first);
    expect(claimsOf(body['id_token'])).not.toHaveProperty('nonce');
    expect((await refresh(identity, first)).status).toBe(200);
    expect((await refresh(identity, String(body['refresh_token']))).status).toBe(200);
  });

  test('dies at use while rotation is strict; restore brings it back', async () => {
    const first = await refreshTokenFor(identity, hr);
    identity.rotateStrict(true);
    const { body } = await refresh(identity, first);
    expectRefusal(await refresh(identity, first), 'invalid_grant', 70000, 400, 'bad_token');
    expect((await refresh(identity, String(body['refresh_token']))).status).toBe(200);
    identity.restore();
    expect((await refresh(identity, first)).status).toBe(200);
    expect((await refresh(identity, first)).status).toBe(200);
  });

  test('is refused once revoked, one of a new sign-in is not, and restore brings it back', async () => {
    const [old, other] = [await refreshTokenFor(identity, hr), await refreshTokenFor(identity, 'payroll@acme.example')];
    identity.revoke('HR@acme.example');
    expectRefusal(await refresh(identity, old), 'invalid_grant', 50173, 400, 'bad_token');
    expect((await refresh(identity, other)).status).toBe(200);
    expect((await refresh(identity, await refreshTokenFor(identity, hr))).status).toBe(200);
    identity.restore();
    expect((await refresh(identity, old)).status).toBe(200);
  });

  test('lives 90 days', async () => {
    const refreshToken = await refreshTokenFor(identity, hr);
    later(89 * DAY);
    expect((await refresh(identity, refreshToken)).status).toBe(200);
    vi.useRealTimers();
    later(91 * DAY);
    expectRefusal(await refresh(identity, refreshToken), 'invalid_grant', 700082);
  });

  test('gives nothing that was not consented to', async () => {
    const answer = await refresh(identity, await refreshTokenFor(identity, hr), { scope: 'User.Read offline_access' });
    expectRefusal(answer, 'invalid_grant', 65001, 400, 'consent_required');
  });

  test('is bound to its application and tenant', async () => {
    const refreshToken = await refreshTokenFor(identity, hr);
    const other = { client_id: customerOwned.clientId, client_secret: customerOwned.clientSecret };
    expectRefusal(await refresh(identity, refreshToken, other), 'invalid_grant', 70000, 400, 'bad_token');
    expectRefusal(await refresh(identity, refreshToken, {}, GLOBEX), 'invalid_grant', 700005);
    expect((await refresh(identity, refreshToken, {}, 'acme.example')).status).toBe(200);
  });
});

describe('an application proves itself', () => {
  const appOnly = { grant_type: 'client_credentials', scope: 'https://graph.microsoft.com/.default' };
  const asCustomer = { client_id: customerOwned.clientId, client_secret: customerOwned.clientSecret, ...appOnly };

  test('by its secret, until that is wrong or expired', async () => {
    expect((await postToken(identity, appOnly, ROBOMQ)).status).toBe(200);
    expectRefusal(
      await postToken(identity, { ...appOnly, client_secret: 'no' }, ROBOMQ),
      'invalid_client',
      7000215,
      401,
    );
    expectRefusal(await postToken(identity, { ...appOnly, client_secret: '' }, ROBOMQ), 'invalid_client', 7000218, 401);
    identity.expireSecret(serviceProvider.clientId);
    expectRefusal(await postToken(identity, appOnly, ROBOMQ), 'invalid_client', 7000222, 401);
    identity.restore();
    expect((await postToken(identity, appOnly, ROBOMQ)).status).toBe(200);
  });

  test('by a secret added later, while the one before is expired', async () => {
    identity.expireSecret(customerOwned.clientId);
    identity.addSecret(customerOwned.clientId, 'rotated');
    expect((await postToken(identity, { ...asCustomer, client_secret: 'rotated' }, ACME)).status).toBe(200);
    expectRefusal(await postToken(identity, asCustomer, ACME), 'invalid_client', 7000222, 401);
  });

  test('not at all while it is disabled or unknown', async () => {
    identity.disableApp(customerOwned.clientId);
    expectRefusal(await postToken(identity, asCustomer, ACME), 'unauthorized_client', 7000112);
    const unknown = { ...appOnly, client_id: '00000000-0000-4000-8000-000000000000' };
    expectRefusal(await postToken(identity, unknown, ACME), 'unauthorized_client', 700016);
  });

  test('for itself in its own tenant, or in one where somebody consented', async () => {
    expectRefusal(await postToken(identity, asCustomer, GLOBEX), 'invalid_client', 7000229, 401);
    const single = {
      ...appOnly,
      client_id: customerOwnedSingleTenant.clientId,
      client_secret: customerOwnedSingleTenant.clientSecret,
    };
    expect((await postToken(identity, single, ACME)).status).toBe(200);
    expectRefusal(await postToken(identity, single, GLOBEX), 'unauthorized_client', 700016);
    expectRefusal(await postToken(identity, single, 'common'), 'invalid_request', 50194);
    expectRefusal(await postToken(identity, asCustomer, 'common'), 'invalid_request', 50059);
    await codeFor(identity, 'hr@globex.example', { changes: { client_id: customerOwned.clientId } });
    expect((await postToken(identity, asCustomer, GLOBEX)).status).toBe(200);
  });

  const { api, applications } = directory;
  const asHire2Retire = {
    ...appOnly,
    client_id: applications.hire2retire.clientId,
    client_secret: applications.hire2retire.clientSecret,
  };

  test.each([api.clientId, api.identifierUri])(
    'with a version 2.0 token for the API, by whichever name, and the role it was given there: %s',
    async (name) => {
      const { body } = await postToken(identity, { ...asHire2Retire, scope: `${name}/.default` }, ROBOMQ);
      expect(body).not.toHaveProperty('refresh_token');
      const claims = claimsOf(body['access_token']);
      expect(claims).toMatchObject({
        aud: api.clientId,
        azp: applications.hire2retire.clientId,
        iss: `https://login.microsoftonline.com/${ROBOMQ}/v2.0`,
        roles: ['Outlook.Manage'],
        tid: ROBOMQ,
      });
      expect(claims['oid']).toBe(claims['sub']);
      for (const absent of ['scp', 'idtyp', 'appid']) expect(claims).not.toHaveProperty(absent);
    },
  );

  test('with a token for the API without a role, where it was given none', async () => {
    const { body } = await postToken(identity, { ...appOnly, scope: `${api.clientId}/.default` }, ROBOMQ);
    expect(claimsOf(body['access_token'])).toMatchObject({ aud: api.clientId, azp: serviceProvider.clientId });
    expect(claimsOf(body['access_token'])).not.toHaveProperty('roles');
  });

  test('with a token for another resource that it names', async () => {
    const graph = await postToken(identity, appOnly, ROBOMQ);
    expect(claimsOf(graph.body['access_token'])).toMatchObject({ aud: 'https://graph.microsoft.com', idtyp: 'app' });
    expect(claimsOf(graph.body['access_token'])).not.toHaveProperty('roles');
    expectRefusal(await postToken(identity, { ...appOnly, scope: 'Mail.Send' }, ROBOMQ), 'invalid_scope', 1002012);
  });

  describe('by a token of the managed identity', () => {
    const asserted = (jwt: string, parameters: Record<string, string> = {}) =>
      postToken(
        identity,
        {
          ...appOnly,
          client_secret: '',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: jwt,
          ...parameters,
        },
        parameters['client_id'] === undefined ? ROBOMQ : ACME,
      );

    test('without any secret', async () => {
      expect((await asserted(assertion())).status).toBe(200);
    });

    test.each<[string, number, string]>([
      ['of another audience', 700212, assertion({ aud: 'https://vault.azure.net' })],
      ['of another issuer', 700211, assertion({ iss: `https://sts.windows.net/${ROBOMQ}/` })],
      ['of another identity', 700213, assertion({ sub: 'somebody' })],
      ['past its time', 700024, assertion({ exp: 1 })],
      ['that is none', 50027, 'nonsense'],
      ['that holds no claims', 50027, 'a.bnVsbA.c'],
    ])('but not one %s', async (_what, number, jwt) => {
      expectRefusal(await asserted(jwt), 'invalid_client', number, 401);
    });

    test('but only for the application that trusts it', async () => {
      const answer = await asserted(assertion(), { client_id: customerOwned.clientId });
      expectRefusal(answer, 'invalid_client', 70025, 401);
    });
  });
});

describe('the token endpoint', () => {
  test('misses what Entra misses', async () => {
    expectRefusal(await postToken(identity, {}), 'invalid_request', 900144);
    expectRefusal(await postToken(identity, { grant_type: 'password' }), 'unsupported_grant_type', 70003);
    expectRefusal(await postToken(identity, {}, 'nobody.example'), 'invalid_tenant', 90002);
  });

  test("repeats the caller's request id as correlation id", async () => {
    const id = '11111111-2222-4333-8444-555555555555';
    const { body } = await postToken(identity, { 'client-request-id': id });
    expect(body['correlation_id']).toBe(id);
  });
});

describe('an access token', () => {
  const accessTokenFor = async (address: string) =>
    String((await redeem(identity, await codeFor(identity, address))).body['access_token']);

  test('is known again, with its account and scopes', async () => {
    const verified = identity.verifyAccessToken(await accessTokenFor(hr));
    expect(verified).toMatchObject({
      account: { address: hr },
      clientId: serviceProvider.clientId,
      scopes: ['Mail.Send', 'profile', 'openid', 'email'],
    });
    expect(verified?.expiresAt).toBeGreaterThan(Date.now() + 3_500_000);
    expect(verified?.expiresAt).toBeLessThanOrEqual(Date.now() + 3_600_000);
  });

  test('outlives the revocation of the refresh token, as at Entra', async () => {
    const token = await accessTokenFor(hr);
    identity.revoke(hr);
    expect(identity.verifyAccessToken(token)).toBeDefined();
  });

  test('is nothing once expired, altered, for another audience, without a person, or of another server', async () => {
    const token = await accessTokenFor(hr);
    const [header, payload, signature] = token.split('.');
    const { body: appOnly } = await postToken(
      identity,
      { grant_type: 'client_credentials', scope: 'https://graph.microsoft.com/.default' },
      ROBOMQ,
    );
    const { body } = await redeem(identity, await codeFor(identity, hr));
    const forged = Buffer.from(JSON.stringify({ ...claimsOf(token), scp: 'Everything' })).toString('base64url');
    const other = await start();
    for (const wrong of [
      '',
      'nonsense',
      `${header}.${payload}.`,
      `${header}.${forged}.${signature}`,
      String(body['id_token']),
      String(appOnly['access_token']),
    ])
      expect(identity.verifyAccessToken(wrong)).toBeUndefined();
    expect(other.verifyAccessToken(token)).toBeUndefined();
    await other.close();
    later(3_600_000);
    expect(identity.verifyAccessToken(token)).toBeUndefined();
  });
});

test('what a test switches must exist', () => {
  expect(() => identity.revoke('nobody@acme.example')).toThrow('nobody@acme.example');
  expect(() => identity.expireSecret('nobody')).toThrow('nobody');
  expect(() => identity.disableApp('nobody')).toThrow('nobody');
});

test('a nonce comes back in the id token', async () => {
  const browser = await new Browser(identity.url).goTo(authorizePath('common', { nonce: 'n-1' }));
  await (await browser.press(hr)).press('Accept');
  const { body } = await redeem(identity, browser.redirected?.['code'] ?? '');
  expect(claimsOf(body['id_token'])['nonce']).toBe('n-1');
});
