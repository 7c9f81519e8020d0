import { randomUUID } from 'node:crypto';
import type { Directory } from '../directory.ts';

/** The audience of a token that stands in for a client secret (workload identity federation). */
export const TOKEN_EXCHANGE = 'api://AzureADTokenExchange';

/** Managed-identity tokens of Azure live a day. */
const LIFETIME_SECONDS = 24 * 60 * 60;

type Identity = Directory['managedIdentity'];

export interface IssuedToken {
  readonly token: string;
  /** Unix seconds */
  readonly expiresOn: number;
}

/** A token for the managed identity. The signature is for show: nobody here could check one. */
export function issueToken(identity: Identity, resource: string, now = unixTime()): IssuedToken {
  const expiresOn = now + LIFETIME_SECONDS;
  const claims = {
    aud: resource,
    iss: issuerFor(identity, resource),
    iat: now,
    nbf: now,
    exp: expiresOn,
    sub: identity.principalId,
    oid: identity.principalId,
    appid: identity.clientId,
    azp: identity.clientId,
    tid: identity.tenantId,
    idtyp: 'app',
    jti: randomUUID(),
  };
  return { token: [encode({ alg: 'none', typ: 'JWT' }), encode(claims), 'unsigned'].join('.'), expiresOn };
}

/**
 * Judges a token by what it says, not by a list of tokens handed out: the Azure SDK keeps managed-identity tokens for
 * the life of the process, so a stand-in that was started again still sees those of its predecessor.
 */
export function isTokenFor(identity: Identity, token: string, audience: string, now = unixTime()): boolean {
  const claims = decode(token);
  if (!claims) return false;
  return (
    typeof claims['aud'] === 'string' &&
    withoutSlash(claims['aud']) === withoutSlash(audience) &&
    claims['iss'] === issuerFor(identity, claims['aud']) &&
    claims['sub'] === identity.principalId &&
    typeof claims['nbf'] === 'number' &&
    claims['nbf'] <= now &&
    typeof claims['exp'] === 'number' &&
    claims['exp'] > now
  );
}

/** Entra federates with version 2 tokens only; Azure's own services, and Azurite, expect version 1. */
function issuerFor(identity: Identity, resource: string): string {
  return withoutSlash(resource) === TOKEN_EXCHANGE
    ? `https://login.microsoftonline.com/${identity.tenantId}/v2.0`
    : `https://sts.windows.net/${identity.tenantId}/`;
}

function decode(token: string): Record<string, unknown> | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const withoutSlash = (url: string) => url.replace(/\/$/, '');
const unixTime = () => Math.floor(Date.now() / 1000);
