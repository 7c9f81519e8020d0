import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONSUMERS_TENANT } from '../../../sandbox/directory.ts';
import type { IdentityPlatform } from '../../../sandbox/identity/identity.ts';
import { ACME, postToken, ROBOMQ, start } from './fixture.ts';

let identity: IdentityPlatform;
beforeAll(async () => {
  identity = await start();
});
afterAll(() => identity.close());

const metadata = async (tenant: string) => {
  const response = await fetch(`${identity.url}/${tenant}/v2.0/.well-known/openid-configuration`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

describe('metadata', () => {
  test.each([
    [ACME, ACME],
    [ACME.toUpperCase(), ACME],
    ['acme.example', ACME],
    ['Acme.Example', ACME],
    ['consumers', CONSUMERS_TENANT],
    [CONSUMERS_TENANT, CONSUMERS_TENANT],
    ['common', '{tenantid}'],
    ['organizations', '{tenantid}'],
  ])('of %s names Microsoft as issuer with tenant %s', async (name, tenant) => {
    const { status, body } = await metadata(name);
    expect(status).toBe(200);
    expect(body['issuer']).toBe(`https://login.microsoftonline.com/${tenant}/v2.0`);
  });

  test('points at this server under the name that was asked', async () => {
    const { body } = await metadata('acme.example');
    expect(body['token_endpoint']).toBe(`${identity.url}/acme.example/oauth2/v2.0/token`);
    expect(body['authorization_endpoint']).toBe(`${identity.url}/acme.example/oauth2/v2.0/authorize`);
  });

  test.each(['partner.example', 'outlook.example', 'd0d0d0d0-4444-4444-8444-000000000004', '%00'])(
    'of the unknown tenant %s is refused as Entra does',
    async (name) => {
      const { status, body } = await metadata(name);
      expect(status).toBe(400);
      expect(body).toMatchObject({ error: 'invalid_tenant', error_codes: [90002] });
      expect(body['error_description']).toMatch(
        /^AADSTS90002: Tenant .* Trace ID: [\da-f-]{36} Correlation ID: [\da-f-]{36} Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/,
      );
      expect(Object.keys(body)).toEqual([
        'error',
        'error_description',
        'error_codes',
        'timestamp',
        'trace_id',
        'correlation_id',
        'error_uri',
      ]);
    },
  );

  const keySet = async () =>
    (await (await fetch(`${identity.url}/${ROBOMQ}/discovery/v2.0/keys`)).json()) as {
      keys: (JsonWebKey & { kid: string })[];
    };

  test('serves a new key beside the one before when keys are rotated, and tokens of both are known', async () => {
    const scope = 'api://outlook-sender/.default';
    const token = async () =>
      String((await postToken(identity, { grant_type: 'client_credentials', scope }, ROBOMQ)).body['access_token']);
    const kidOf = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString()).kid;
    const before = kidOf(await token());
    await identity.rotateKey();
    const after = kidOf(await token());
    expect(after).not.toBe(before);
    expect((await keySet()).keys.map(({ kid }) => kid)).toEqual([after, before]);
  });

  test('serves the key that others verify tokens with', async () => {
    const { keys } = await keySet();
    const { body } = await postToken(
      identity,
      { grant_type: 'client_credentials', scope: 'api://outlook-sender/.default' },
      ROBOMQ,
    );
    const [header = '', payload = '', signature = ''] = String(body['access_token']).split('.');
    const { kid, alg } = JSON.parse(Buffer.from(header, 'base64url').toString());
    const key = keys.find((candidate) => candidate.kid === kid);
    expect(alg).toBe('RS256');
    expect(key).toBeDefined();
    const publicKey = createPublicKey({ key: key as JsonWebKey, format: 'jwk' });
    expect(verify('sha256', Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(
      true,
    );
    expect(keys[0]).not.toHaveProperty('d');
  });
});
