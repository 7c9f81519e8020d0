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
/** Resources of this stand-in and the app roles every application holds on them. */
const APP_ROLES: ReadonlyMap<string, readonly string[]> = new Map([['api://outlook-sender', ['Outlook.Manage']]]);

export interface VerifiedAccessToken {
  readonly account: Account;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

type Claims = Readonly<Record<string, unknown>>;

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs with a key made at start and verifies what it signed. */
export class TokenIssuer {
  private readonly directory: Directory;
  private readonly privateKey: KeyObject;
  private readonly publicKey: KeyObject;
  private readonly keyId: string;

  private constructor(directory: Directory, privateKey: KeyObject) {
    this.directory = directory;
    this.privateKey = privateKey;
    this.publicKey = createPublicKey(privateKey);
    const spki = this.publicKey.export({ type: 'spki', format: 'der' });
    this.keyId = createHash('sha256').update(spki).digest('base64url').slice(0, 27);
  }

  static async create(directory: Directory): Promise<TokenIssuer> {
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
    return new TokenIssuer(directory, privateKey);
  }

  /** The key set as metadata's `jwks_uri` serves it. */
  keys(tenantId: string): object {
    const { kty, n, e } = this.publicKey.export({ format: 'jwk' });
    return { keys: [{ kty, use: 'sig', alg: 'RS256', kid: this.keyId, n, e, issuer: issuerOf(tenantId) }] };
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

  /** An application's own token, without a person. */
  appToken({ clientId }: Application, tenantId: string, resource: string): string {
    return this.signed(tenantId, ACCESS_TOKEN_SECONDS, {
      aud: resource,
      appid: clientId,
      azp: clientId,
      idtyp: 'app',
      oid: clientId,
      ...(APP_ROLES.has(resource) && { roles: APP_ROLES.get(resource) }),
      sub: clientId,
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
    const text = `${encode({ typ: 'JWT', alg: 'RS256', kid: this.keyId })}.${encode(payload)}`;
    return `${text}.${sign('sha256', Buffer.from(text), this.privateKey).toString('base64url')}`;
  }

  private verified(token: string): Claims | undefined {
    const [header, payload, signature, ...more] = token.split('.');
    if (!header || !payload || !signature || more.length > 0) return undefined;
    const text = Buffer.from(`${header}.${payload}`);
    if (!verify('sha256', text, this.publicKey, Buffer.from(signature, 'base64url'))) return undefined;
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
  }
}

/** MSAL builds the account's id from it. */
export function clientInfo({ objectId, tenantId }: Account): string {
  return encode({ uid: objectId, utid: tenantId });
}

/** A person is somebody else to each application. */
function pairwise({ objectId, tenantId }: Account, clientId: string): string {
  return createHash('sha256').update(`${tenantId}|${objectId}|${clientId}`).digest('base64url');
}
