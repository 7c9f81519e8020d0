import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { IdentityPlatform } from '../../../sandbox/identity/identity.ts';
import {
  assertion,
  authorizePath,
  Browser,
  codeFor,
  customerOwned,
  PASSWORD,
  pkce,
  postToken,
  REDIRECT_URI,
  ROBOMQ,
  redeem,
  refresh,
  refreshTokenFor,
  serviceProvider,
  start,
} from './fixture.ts';

let identity: IdentityPlatform;
beforeAll(async () => {
  identity = await start([customerOwned.clientSecret]);
});
afterEach(() => {
  identity.journal.requests.length = 0;
  identity.journal.faults.length = 0;
});
afterAll(() => identity.close());

const recorded = () => JSON.stringify(identity.journal.requests);
const last = () => identity.journal.requests.at(-1);
const hr = 'hr@acme.example';

describe('recorded requests', () => {
  test('show the whole way without any credential', async () => {
    const { verifier, challenge } = pkce();
    const changes = {
      state: 'the-state',
      nonce: 'the-nonce',
      code_challenge: challenge,
      code_challenge_method: 'S256',
    };
    const browser = await new Browser(identity.url).goTo(authorizePath('common', changes));
    await browser.press('Sign in', { email: hr, password: PASSWORD });
    await browser.press('Accept');
    const code = browser.redirected?.['code'] ?? '';
    const { body } = await redeem(identity, code, { code_verifier: verifier });
    const refreshToken = String(body['refresh_token']);
    const proof = assertion();
    await postToken(identity, { grant_type: 'refresh_token', refresh_token: refreshToken, client_assertion: proof });

    expect(identity.journal.requests.map(({ method, path, status, taken }) => [method, path, status, taken])).toEqual([
      ['GET', '/common/oauth2/v2.0/authorize', 200, true],
      ['POST', '/common/login', 200, true],
      ['POST', '/common/consent', 302, true],
      ['POST', '/common/oauth2/v2.0/token', 200, true],
      ['POST', '/common/oauth2/v2.0/token', 400, false],
    ]);
    for (const value of ['the-state', 'the-nonce', PASSWORD, code, verifier, refreshToken, proof, 'secret-state'])
      expect(recorded()).not.toContain(value);
    expect(recorded()).not.toContain(serviceProvider.clientSecret);
    expect(identity.journal.requests[0]?.query).toMatchObject({ state: '***', nonce: '***', response_type: 'code' });
    expect(identity.journal.requests[3]?.body).toContain('&code=***&');
    expect(identity.journal.requests[3]?.body).toContain('grant_type=authorization_code');
  });

  test('show what everybody may know', async () => {
    await postToken(identity, { client_id: customerOwned.clientId, client_secret: customerOwned.clientSecret });
    expect(last()?.body).toContain(`client_secret=${customerOwned.clientSecret}`);
  });

  test('hide headers that identify, and any body that is no form', async () => {
    await fetch(`${identity.url}/${ROBOMQ}/oauth2/v2.0/token?client_secret=planted-1`, {
      method: 'POST',
      headers: { authorization: 'Basic planted-2', cookie: 'a=planted-3', 'content-type': 'application/json' },
      body: JSON.stringify({ client_secret: 'planted-4' }),
    });
    expect(recorded()).not.toContain('planted');
    expect(last()).toMatchObject({ body: '***', headers: { authorization: '***', cookie: '***' } });
  });

  test('say whether the request had its effect', async () => {
    const browser = await new Browser(identity.url).goTo(authorizePath('common'));
    await browser.press('Sign in', { email: hr, password: 'wrong' });
    expect(last()).toMatchObject({ path: '/common/login', status: 200, taken: false });
  });

  test('leave out what a browser fetches by itself', async () => {
    expect((await fetch(`${identity.url}/favicon.ico`)).status).toBe(404);
    expect(identity.journal.requests).toEqual([]);
  });
});

describe('faults', () => {
  test('redirect an authorization request back with an error and its state', async () => {
    const redirect = { error: 'access_denied', error_description: 'made up', error_subcode: 'cancel' };
    identity.journal.addFaults([{ match: { path: '/authorize' }, redirect }]);
    const first = await new Browser(identity.url).goTo(authorizePath('common'));
    expect(first.status).toBe(302);
    expect(first.location.startsWith(REDIRECT_URI)).toBe(true);
    expect(first.redirected).toEqual({ ...redirect, state: 'the-state' });
    expect((await new Browser(identity.url).goTo(authorizePath('common'))).heading).toBe('Sign in');
  });

  test('with a redirect wait for the authorization request when no path is given', async () => {
    identity.journal.addFaults([{ redirect: { error: 'server_error' } }]);
    await fetch(`${identity.url}/common/v2.0/.well-known/openid-configuration`);
    const browser = await new Browser(identity.url).goTo(authorizePath('common'));
    expect(browser.redirected).toEqual({ error: 'server_error', state: 'the-state' });
  });

  test('change what the token endpoint answers, claims of the id token among it', async () => {
    const answer = {
      scope: 'openid',
      refresh_token: null,
      id_token: { tid: 'elsewhere', oid: null, email: 'a@b.example' },
    };
    identity.journal.addFaults([{ answer }]);
    await fetch(`${identity.url}/common/v2.0/.well-known/openid-configuration`);
    const { status, body } = await redeem(identity, await codeFor(identity, hr));
    expect([status, body['scope'], 'refresh_token' in body]).toEqual([200, 'openid', false]);
    const [, payload = ''] = String(body['id_token']).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    expect(claims).toMatchObject({ tid: 'elsewhere', email: 'a@b.example', aud: serviceProvider.clientId });
    expect(claims).not.toHaveProperty('oid');
    const next = await redeem(identity, await codeFor(identity, hr));
    expect(next.body).toHaveProperty('refresh_token');
  });

  test('never redirect to an address that is not registered', async () => {
    identity.journal.addFaults([{ match: { path: '/authorize' }, redirect: { error: 'access_denied' } }]);
    const path = authorizePath('common', { redirect_uri: 'https://attacker.example/' });
    const browser = await new Browser(identity.url).goTo(path);
    expect(browser.redirected).toBeUndefined();
    expect(browser.status).toBe(400);
  });

  test('answer in place of the token endpoint, which then does nothing unless told to', async () => {
    const code = await codeFor(identity, hr);
    identity.journal.addFaults([
      { match: { path: '/token' }, status: 503, body: { error: 'temporarily_unavailable' } },
      { match: { path: '/token' }, status: 500, taken: true },
    ]);
    expect((await redeem(identity, code)).status).toBe(503);
    const lost = await fetch(`${identity.url}/common/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: serviceProvider.clientId,
        client_secret: serviceProvider.clientSecret,
        grant_type: 'authorization_code',
        redirect_uri: REDIRECT_URI,
        code,
      }),
    });
    expect(lost.status).toBe(500);
    expect((await redeem(identity, code)).body['error_codes']).toEqual([54005]);
  });

  test('reach metadata', async () => {
    identity.journal.addFaults([{ match: { path: 'openid-configuration' }, status: 500 }]);
    const url = `${identity.url}/common/v2.0/.well-known/openid-configuration`;
    expect((await fetch(url)).status).toBe(500);
    expect((await fetch(url)).status).toBe(200);
  });

  test('lose an answer after its effect', async () => {
    const refreshToken = await refreshTokenFor(identity, hr);
    identity.rotateStrict(true);
    identity.journal.addFaults([{ match: { contains: 'grant_type=refresh_token' }, drop: 'after' }]);
    await expect(refresh(identity, refreshToken)).rejects.toThrow();
    expect((await refresh(identity, refreshToken)).status).toBe(400);
    identity.restore();
  });
});

describe('a page of another site', () => {
  test('cannot post the forms', async () => {
    const headers = { origin: 'https://attacker.example' };
    const response = await fetch(`${identity.url}/common/login`, { method: 'POST', headers, body: 'context=x' });
    expect(response.status).toBe(403);
  });
});
