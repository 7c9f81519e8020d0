import { createHash, createPublicKey, generateKeyPair, type KeyObject, randomUUID, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';
import type { Account, Application, Directory } from '../directory.ts';
import { issuerOf } from './authority.ts';
import { scopeClaim } from './scopes.ts';

export const ACCESS_TOKEN_SECONDS = 3599;
const ID_TOKEN_SECONDS = 3600;
const GRAPH_AUDIENCE = 'https://graph.microsoft.com';
/** Where guests of the made-up directory come from: a tenant that is not in it. */
const GUEST_HOME_TENANT = 'd0d0d0d0-4444-4444-8444-000000000004';

export interface VerifiedAccessToken {
  readonly account: Account;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

type Claims = Readonly<Record<string, unknown>>;

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

interface SigningKey {
  readonly id: string;
  readonly private: KeyObject;
  readonly public: KeyObject;
}

/** Signs with a key made at start, or with one that followed it, and verifies what it signed. */
export class TokenIssuer {
  private readonly directory: Directory;
  /** The newest first. */
  private signingKeys: readonly [SigningKey, ...SigningKey[]];

  private constructor(directory: Directory, key: SigningKey) {
    this.directory = directory;
    this.signingKeys = [key];
  }

  static async create(directory: Directory): Promise<TokenIssuer> {
    return new TokenIssuer(directory, await newSigningKey());
  }

  async rotate(): Promise<void> {
    this.signingKeys = [await newSigningKey(), ...this.signingKeys];
  }

  /** The key set as metadata's `jwks_uri` serves it. */
  keys(tenantId: string): object {
    const keys = this.signingKeys.map(({ id, public: key }) => {
      const { kty, n, e } = key.export({ format: 'jwk' });
      return { kty, use: 'sig', alg: 'RS256', kid: id, n, e, issuer: issuerOf(tenantId) };
    });
    return { keys };
  }

  /** @param changes claims that replace the ordinary ones; `null` leaves one out */
  idToken(account: Account, clientId: string, nonce?: string, changes: Claims = {}): string {
    const claims = {
      aud: clientId,
      ...(account.kind === 'guest' && { idp: `https://sts.windows.net/${GUEST_HOME_TENANT}/` }),
      name: account.name,
      ...(nonce !== undefined && { nonce }),
      oid: account.objectId,
      preferred_username: account.address,
      sub: pairwise(account, clientId),
    };
    return this.signed(account.tenantId, ID_TOKEN_SECONDS, claims, changes);
  }

  accessToken(account: Account, { clientId, name }: Application, scopes: readonly string[]): string {
    return this.signed(account.tenantId, ACCESS_TOKEN_SECONDS, {
      aud: GRAPH_AUDIENCE,
      app_displayname: name,
      appid: clientId,
      idtyp: 'user',
      name: account.name,
      oid: account.objectId,
      scp: scopeClaim(scopes),
      sub: pairwise(account, clientId),
    });
  }

  /** An application's own token, without a person: its service principal in the tenant is both `oid` and `sub`. */
  appToken({ clientId }: Application, tenantId: string, claims: Claims): string {
    const principal = servicePrincipal(clientId, tenantId);
    return this.signed(tenantId, ACCESS_TOKEN_SECONDS, {
      ...claims,
      azp: clientId,
      azpacr: '1',
      oid: principal,
      sub: principal,
    });
  }

  verifyAccessToken(token: string): VerifiedAccessToken | undefined {
    const claims = this.verified(token);
    if (!claims || claims['aud'] !== GRAPH_AUDIENCE || typeof claims['scp'] !== 'string') return undefined;
    const expiresAt = Number(claims['exp']) * 1000;
    const account = this.directory.accounts.find(
      ({ objectId, tenantId }) => objectId === claims['oid'] && tenantId === claims['tid'],
    );
    if (!account || !(expiresAt > Date.now())) return undefined;
    return { account, clientId: String(claims['appid']), scopes: claims['scp'].split(' '), expiresAt };
  }

  private signed(tenantId: string, seconds: number, claims: Claims, changes: Claims = {}): string {
    const now = Math.floor(Date.now() / 1000);
    const whole = {
      ...claims,
      exp: now + seconds,
      iat: now,
      iss: issuerOf(tenantId),
      nbf: now,
      tid: tenantId,
      uti: randomUUID(),
      ver: '2.0',
      ...changes,
    };
    const payload = Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== null));
    const [key] = this.signingKeys;
    const text = `${encode({ typ: 'JWT', alg: 'RS256', kid: key.id })}.${encode(payload)}`;
    return `${text}.${sign('sha256', Buffer.from(text), key.private).toString('base64url')}`;
  }

  private verified(token: string): Claims | undefined {
    const [header, payload, signature, ...more] = token.split('.');
    if (!header || !payload || !signature || more.length > 0) return undefined;
    const text = Buffer.from(`${header}.${payload}`);
    const given = Buffer.from(signature, 'base64url');
    if (!this.signingKeys.some((key) => verify('sha256', text, key.public, given))) return undefined;
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
  }
}

async function newSigningKey(): Promise<SigningKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const publicKey = createPublicKey(privateKey);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const id = createHash('sha256').update(spki).digest('base64url').slice(0, 27);
  return { id, private: privateKey, public: publicKey };
}

/** Object id of an application in a tenant, made of both so that it is the same after each start. */
function servicePrincipal(clientId: string, tenantId: string): string {
  const digits = createHash('sha256').update(`${clientId}|${tenantId}`).digest('hex');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
}

/** MSAL builds the account's id from it. */
export function clientInfo({ objectId, tenantId }: Account): string {
  return encode({ uid: objectId, utid: tenantId });
}

/** A person is somebody else to each application. */
function pairwise({ objectId, tenantId }: Account, clientId: string): string {
  return createHash('sha256').update(`${tenantId}|${objectId}|${clientId}`).digest('base64url');
}
