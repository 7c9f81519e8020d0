import { randomBytes } from 'node:crypto';
import type { Account } from '../directory.ts';
import type { SignInFailure } from './failures.ts';

const CODE_LIFETIME_MS = 10 * 60_000;
const REFRESH_TOKEN_LIFETIME_MS = 90 * 24 * 3_600_000;
/** A redeemed or expired code is remembered this long, to be told from one never issued. */
const CODE_MEMORY_MS = 3_600_000;

/** What an account let an application do. */
export interface Grant {
  readonly clientId: string;
  readonly account: Account;
  readonly scopes: readonly string[];
}

export interface CodeGrant extends Grant {
  readonly redirectUri: string;
  readonly challenge: string | undefined;
  readonly nonce: string | undefined;
  /** What redeeming the code shall meet, as chosen on the sign-in page. */
  readonly failure: SignInFailure | undefined;
}

interface Issued<T> {
  readonly grant: T;
  readonly issuedAt: number;
}

export type CodeState = 'valid' | 'redeemed' | 'expired';
export type RefreshTokenState = 'valid' | 'inactive' | 'revoked' | 'used';

/** Authorization codes and refresh tokens. */
export class Grants {
  private readonly codes = new Map<string, Issued<CodeGrant> & { redeemed: boolean }>();
  private readonly refreshTokens = new Map<string, Issued<Grant> & { dead?: 'revoked' | 'used' | undefined }>();
  private strict = false;

  issueCode(grant: CodeGrant): string {
    for (const [code, { issuedAt }] of this.codes) {
      if (issuedAt > Date.now() - CODE_MEMORY_MS) break;
      this.codes.delete(code);
    }
    const code = `1.${randomBytes(48).toString('base64url')}`;
    this.codes.set(code, { grant, issuedAt: Date.now(), redeemed: false });
    return code;
  }

  findCode(code: string): { readonly grant: CodeGrant; readonly state: CodeState } | undefined {
    const found = this.codes.get(code);
    if (!found) return undefined;
    if (found.redeemed) return { grant: found.grant, state: 'redeemed' };
    return { grant: found.grant, state: isOlder(found, CODE_LIFETIME_MS) ? 'expired' : 'valid' };
  }

  redeem(code: string): void {
    const found = this.codes.get(code);
    if (found) found.redeemed = true;
  }

  issueRefreshToken({ clientId, account, scopes }: Grant): string {
    const token = `1.${randomBytes(64).toString('base64url')}`;
    this.refreshTokens.set(token, { grant: { clientId, account, scopes }, issuedAt: Date.now() });
    return token;
  }

  findRefreshToken(token: string): { readonly grant: Grant; readonly state: RefreshTokenState } | undefined {
    const found = this.refreshTokens.get(token);
    if (!found) return undefined;
    const state = found.dead ?? (isOlder(found, REFRESH_TOKEN_LIFETIME_MS) ? 'inactive' : 'valid');
    return { grant: found.grant, state };
  }

  /** Entra lets a used refresh token live on; strict rotation does not. */
  use(token: string): void {
    const found = this.refreshTokens.get(token);
    if (found && this.strict) found.dead ??= 'used';
  }

  /** Tokens issued from now on work: the account may be linked again. */
  revoke(account: Account): void {
    for (const issued of this.refreshTokens.values())
      if (issued.grant.account.objectId === account.objectId) issued.dead = 'revoked';
  }

  rotateStrict(on: boolean): void {
    this.strict = on;
  }

  restore(): void {
    this.strict = false;
    for (const issued of this.refreshTokens.values()) issued.dead = undefined;
  }
}

function isOlder({ issuedAt }: { readonly issuedAt: number }, milliseconds: number): boolean {
  return Date.now() - issuedAt > milliseconds;
}
