import { ConfidentialClientApplication, CryptoProvider, InteractionRequiredAuthError } from '@azure/msal-node';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Application } from '../../../sandbox/directory.ts';
import type { IdentityPlatform } from '../../../sandbox/identity/identity.ts';
import {
  ACME,
  assertion,
  Browser,
  customerOwned,
  customerOwnedSingleTenant,
  REDIRECT_URI,
  serviceProvider,
  start,
} from './fixture.ts';

let identity: IdentityPlatform;
beforeAll(async () => {
  identity = await start();
});
afterEach(() => identity.restore());
afterAll(() => identity.close());

const SCOPES = ['https://graph.microsoft.com/Mail.Send', 'offline_access'];
type Proof = { readonly clientSecret: string } | { readonly clientAssertion: string };

/** MSAL as the product configures it: Microsoft's authority, endpoints from a setting. */
function msal({ clientId, clientSecret }: Application, tenant: string, proof: Proof = { clientSecret }) {
  const base = `${identity.url}/${tenant}`;
  return new ConfidentialClientApplication({
    auth: {
      clientId,
      authority: `https://login.microsoftonline.com/${tenant}`,
      authorityMetadata: JSON.stringify({
        issuer: `https://login.microsoftonline.com/${tenant}/v2.0`,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        token_endpoint: `${base}/oauth2/v2.0/token`,
        jwks_uri: `${base}/discovery/v2.0/keys`,
        end_session_endpoint: `${base}/oauth2/v2.0/logout`,
      }),
      ...proof,
    },
  });
}

/** From the authorize URL through both pages to what `acquireTokenByCode` needs. */
async function signIn(client: ConfidentialClientApplication, address: string) {
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
  const nonce = 'a-nonce';
  const url = await client.getAuthCodeUrl({
    scopes: SCOPES,
    redirectUri: REDIRECT_URI,
    state: 'a-state',
    nonce,
    prompt: 'select_account',
    codeChallenge: challenge,
    codeChallengeMethod: 'S256',
  });
  const browser = await new Browser(identity.url).goTo(url);
  await (await browser.press(address)).press('Accept');
  expect(browser.redirected?.['state']).toBe('a-state');
  return {
    code: browser.redirected?.['code'] ?? '',
    scopes: SCOPES,
    redirectUri: REDIRECT_URI,
    codeVerifier: verifier,
    nonce,
  };
}

function refreshTokenOf(client: ConfidentialClientApplication): string {
  const { RefreshToken } = JSON.parse(client.getTokenCache().serialize()) as {
    RefreshToken: Record<string, { secret: string }>;
  };
  return Object.values(RefreshToken)[0]?.secret ?? '';
}

async function linked(application: Application = serviceProvider, tenant = 'common'): Promise<string> {
  const client = msal(application, tenant);
  await client.acquireTokenByCode(await signIn(client, 'hr@acme.example'));
  return refreshTokenOf(client);
}

describe('MSAL signs in', () => {
  test.each([
    ['the service provider at /common', serviceProvider, 'common'],
    ['the service provider at the tenant', serviceProvider, ACME],
    ['a customer-owned application at /organizations', customerOwned, 'organizations'],
    ['a single-tenant application at its domain', customerOwnedSingleTenant, 'acme.example'],
  ])('with %s', async (_what, application, tenant) => {
    const client = msal(application, tenant);
    const result = await client.acquireTokenByCode(await signIn(client, 'hr@acme.example'));
    expect(result.account).toMatchObject({ username: 'hr@acme.example', tenantId: ACME });
    expect(result.account?.homeAccountId).toBe(`${result.uniqueId}.${ACME}`);
    expect(result.scopes).toContain('https://graph.microsoft.com/Mail.Send');
    expect(identity.verifyAccessToken(result.accessToken)?.account.address).toBe('hr@acme.example');
    expect(refreshTokenOf(client)).not.toBe('');
  });

  test('and refreshes with a token that is replaced each time', async () => {
    const first = await linked();
    const client = msal(serviceProvider, ACME);
    const request = { refreshToken: first, scopes: SCOPES, forceCache: true };
    const result = await client.acquireTokenByRefreshToken(request);
    expect(identity.verifyAccessToken(result?.accessToken ?? '')).toBeDefined();
    expect(refreshTokenOf(client)).not.toBe(first);
  });

  test('with a token of the managed identity in place of a secret', async () => {
    const client = msal(serviceProvider, 'common', { clientAssertion: assertion() });
    const result = await client.acquireTokenByCode(await signIn(client, 'hr@acme.example'));
    expect(result.accessToken).not.toBe('');
    const { body } = identity.journal.requests.at(-1) ?? { body: '' };
    expect(body).toContain('client_assertion=***');
    expect(body).not.toContain('client_secret');
  });

  test('for itself', async () => {
    const client = msal(customerOwned, ACME);
    const result = await client.acquireTokenByClientCredential({ scopes: ['https://graph.microsoft.com/.default'] });
    expect(result?.accessToken).not.toBe('');
  });
});

describe('MSAL reports', () => {
  const refreshing = (refreshToken: string, proof?: Proof) =>
    msal(serviceProvider, 'common', proof).acquireTokenByRefreshToken({ refreshToken, scopes: SCOPES });

  test('a wrong secret', async () => {
    const error = await refreshing(await linked(), { clientSecret: 'wrong' }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ errorCode: 'invalid_client', errorNo: 7000215 });
  });

  test('an expired secret', async () => {
    const refreshToken = await linked();
    identity.expireSecret(serviceProvider.clientId);
    await expect(refreshing(refreshToken)).rejects.toMatchObject({ errorCode: 'invalid_client', errorNo: 7000222 });
  });

  test('a revoked token as one that needs the person', async () => {
    const refreshToken = await linked();
    identity.revoke('hr@acme.example');
    const error = await refreshing(refreshToken).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InteractionRequiredAuthError);
    expect(error).toMatchObject({ errorCode: 'invalid_grant', subError: 'bad_token', errorNo: 50173 });
  });

  test('a token used twice under strict rotation', async () => {
    const refreshToken = await linked();
    identity.rotateStrict(true);
    await refreshing(refreshToken);
    await expect(refreshing(refreshToken)).rejects.toMatchObject({ errorCode: 'invalid_grant', subError: 'bad_token' });
  });

  test('a code used twice', async () => {
    const client = msal(serviceProvider, 'common');
    const request = await signIn(client, 'hr@acme.example');
    await client.acquireTokenByCode(request);
    await expect(client.acquireTokenByCode(request)).rejects.toMatchObject({
      errorCode: 'invalid_grant',
      errorNo: 54005,
    });
  });

  test('a verifier that does not fit', async () => {
    const client = msal(serviceProvider, 'common');
    const request = { ...(await signIn(client, 'hr@acme.example')), codeVerifier: 'v'.repeat(43) };
    await expect(client.acquireTokenByCode(request)).rejects.toMatchObject({ errorNo: 501481 });
  });

  test('a nonce that does not fit', async () => {
    const client = msal(serviceProvider, 'common');
    const request = { ...(await signIn(client, 'hr@acme.example')), nonce: 'another' };
    await expect(client.acquireTokenByCode(request)).rejects.toMatchObject({ errorCode: 'nonce_mismatch' });
  });

  test('a disabled application', async () => {
    const refreshToken = await linked();
    identity.disableApp(serviceProvider.clientId);
    await expect(refreshing(refreshToken)).rejects.toMatchObject({ errorCode: 'unauthorized_client' });
  });
});
