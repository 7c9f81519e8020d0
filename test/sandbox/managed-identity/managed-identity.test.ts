import { ManagedIdentityCredential } from '@azure/identity';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sandboxDirectory } from '../../../sandbox/directory.ts';
import { type ManagedIdentity, startManagedIdentity } from '../../../sandbox/managed-identity/managed-identity.ts';

const directory = sandboxDirectory();
const { clientId, principalId, tenantId } = directory.managedIdentity;
const STORAGE = 'https://storage.azure.com';
let endpoint: ManagedIdentity;

beforeAll(async () => {
  endpoint = await startManagedIdentity({ directory });
  for (const [name, value] of Object.entries(endpoint.environment)) vi.stubEnv(name, value);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await endpoint.close();
});

describe('the managed-identity endpoint', () => {
  it('gives the Azure SDK a token for the resource it asks for', async () => {
    const token = await new ManagedIdentityCredential({ clientId }).getToken(`${STORAGE}/.default`);
    expect(endpoint.accepts(token.token, STORAGE)).toBe(true);
    expect(endpoint.accepts(token.token, 'https://vault.azure.net')).toBe(false);
    expect(token.expiresOnTimestamp).toBeGreaterThan(Date.now() + 23 * 3_600_000);
  });

  it('issues version 1 tokens for storage, which Azurite accepts', async () => {
    expect(await claimsFor(STORAGE)).toMatchObject({
      aud: STORAGE,
      iss: `https://sts.windows.net/${tenantId}/`,
      nbf: expect.any(Number),
      iat: expect.any(Number),
    });
  });

  it('issues version 2 tokens about the principal for a token exchange, which Entra accepts', async () => {
    expect(await claimsFor('api://AzureADTokenExchange')).toMatchObject({
      aud: 'api://AzureADTokenExchange',
      iss: `https://login.microsoftonline.com/${tenantId}/v2.0`,
      sub: principalId,
    });
  });

  it('accepts the tokens of an earlier start, which the SDK still has in its cache', async () => {
    const { access_token: token } = await ask({ resource: STORAGE });
    const later = await startManagedIdentity({ directory });
    expect(later.accepts(token, STORAGE)).toBe(true);
    await later.close();
  });

  it('accepts no token that is expired, of another principal or no token at all', async () => {
    const claims = await claimsFor(STORAGE);
    const forge = (changes: object) =>
      `e30.${Buffer.from(JSON.stringify({ ...claims, ...changes })).toString('base64url')}.x`;
    expect(endpoint.accepts(forge({}), STORAGE)).toBe(true);
    expect(endpoint.accepts(forge({ exp: 1 }), STORAGE)).toBe(false);
    expect(endpoint.accepts(forge({ sub: clientId }), STORAGE)).toBe(false);
    expect(endpoint.accepts(forge({ iss: 'https://sts.windows.net/elsewhere/' }), STORAGE)).toBe(false);
    expect(endpoint.accepts('not a token', STORAGE)).toBe(false);
  });

  it('knows the one identity that is assigned to the app', async () => {
    expect((await request({ resource: STORAGE, client_id: clientId })).status).toBe(200);
    expect((await request({ resource: STORAGE, client_id: principalId })).status).toBe(400);
  });

  it('refuses a caller without the secret header, which a forged request from outside cannot set', async () => {
    expect((await request({ resource: STORAGE }, {})).status).toBe(401);
  });

  it('refuses a request without a resource', async () => {
    expect((await request({})).status).toBe(400);
  });
});

function request(query: Record<string, string>, headers = secretHeader()): Promise<Response> {
  const parameters = new URLSearchParams({ 'api-version': '2019-08-01', ...query });
  return fetch(`${endpoint.environment['IDENTITY_ENDPOINT']}?${parameters}`, { headers });
}

function secretHeader(): Record<string, string> {
  return { 'x-identity-header': endpoint.environment['IDENTITY_HEADER'] ?? '' };
}

async function ask(query: Record<string, string>): Promise<{ access_token: string }> {
  return (await request(query)).json() as Promise<{ access_token: string }>;
}

async function claimsFor(resource: string): Promise<Record<string, unknown>> {
  const { access_token: token } = await ask({ resource });
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>;
}
