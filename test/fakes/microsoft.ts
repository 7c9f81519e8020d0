import { createHash } from 'node:crypto';
import type { GraphAnswer, GraphMail } from '../../shared/mail/graph-answer.ts';
import {
  type ApplicationCredential,
  type AuthorizeRequest,
  type IdentityPlatform,
  type IdTokenClaims,
  MicrosoftError,
  type MicrosoftErrorFacts,
  type RedeemRequest,
  type RefreshRequest,
  type SignIn,
  type Tokens,
} from '../../shared/microsoft/identity-platform.ts';
import { StoreUnavailable } from '../../shared/storage/ports.ts';

export const ACME_TENANT = 'a0a0a0a0-1111-4111-8111-000000000001';
export const HR_OBJECT = '0b1ec700-0000-4000-8000-000000000001';

/** The identity platform in memory: codes are issued by `signIn`, refresh tokens are `rt-1`, `rt-2` and so on. */
export class FakeIdentity implements IdentityPlatform {
  readonly tenants = new Map([['acme.example', ACME_TENANT]]);
  readonly redeemed: RedeemRequest[] = [];
  readonly refreshed: RefreshRequest[] = [];
  /** What the next calls answer instead; taken one by one. */
  readonly failures: MicrosoftErrorFacts[] = [];
  /** What tenants answer to every refresh, by tenant ID. */
  readonly tenantsRefuse = new Map<string, MicrosoftErrorFacts>();
  /** Claims that replace the ordinary ones of the account hr@acme.example. */
  claims: IdTokenClaims = {};
  /** Claims of the id token that a refresh brings along; none by default. */
  refreshedClaims: IdTokenClaims | undefined;
  scopes: readonly string[] = ['https://graph.microsoft.com/Mail.Send', 'openid', 'profile'];
  /** Whether a sign-in yields a refresh token. */
  offline = true;
  private readonly codes = new Map<string, AuthorizeRequest>();
  private readonly now: () => Date;
  private count = 0;

  constructor(now: () => Date) {
    this.now = now;
  }

  async authorizeUrl(request: AuthorizeRequest): Promise<string> {
    const query = { ...request } as Record<string, string>;
    return `https://login.example/${request.tenant}/oauth2/v2.0/authorize?${new URLSearchParams(query)}`;
  }

  /** The person signs in and accepts; returns the query that the browser brings to the callback. */
  signIn(authorizeUrl: string): URLSearchParams {
    const request = Object.fromEntries(new URL(authorizeUrl).searchParams) as unknown as AuthorizeRequest;
    this.count += 1;
    const code = `code-${this.count}`;
    this.codes.set(code, request);
    return new URLSearchParams({ code, state: request.state });
  }

  /** Whether the managed identity that proves an application answers. */
  identityAnswers = true;

  async ready({ proof }: ApplicationCredential): Promise<void> {
    if (proof.kind === 'federated' && !this.identityAnswers) throw new StoreUnavailable('managed identity');
  }

  async redeem(request: RedeemRequest): Promise<SignIn> {
    await this.ready(request.credential);
    this.redeemed.push(request);
    this.failIfTold();
    const asked = this.codes.get(request.code);
    this.codes.delete(request.code);
    const challenge = createHash('sha256').update(request.verifier).digest('base64url');
    if (!asked || asked.codeChallenge !== challenge)
      throw new MicrosoftError({ error: 'invalid_grant', number: 501481 });
    if (asked.nonce !== request.nonce) throw new MicrosoftError({ error: 'nonce_mismatch' });
    return {
      ...this.tokens(),
      refreshToken: this.offline ? this.nextRefreshToken() : '',
      scopes: this.scopes,
      claims: {
        tid: ACME_TENANT,
        oid: HR_OBJECT,
        aud: asked.clientId,
        iss: `https://login.microsoftonline.com/${this.claims.tid ?? ACME_TENANT}/v2.0`,
        preferred_username: 'hr@acme.example',
        ...this.claims,
      },
    };
  }

  async refresh(request: RefreshRequest): Promise<Tokens> {
    await this.ready(request.credential);
    this.refreshed.push(request);
    this.failIfTold();
    const refusal = this.tenantsRefuse.get(request.tenant);
    if (refusal) throw new MicrosoftError(refusal);
    const claims = this.refreshedClaims;
    return { ...this.tokens(), refreshToken: this.nextRefreshToken(), ...(claims && { claims }) };
  }

  /** What `proveApplication` was asked. */
  readonly proven: { readonly credential: ApplicationCredential; readonly tenant: string }[] = [];

  async proveApplication(credential: ApplicationCredential, tenant: string): Promise<void> {
    this.proven.push({ credential, tenant });
    this.failIfTold();
  }

  async resolveTenant(domain: string): Promise<string | undefined> {
    this.failIfTold();
    return this.tenants.get(domain) ?? [...this.tenants.values()].find((tenant) => tenant === domain);
  }

  private tokens() {
    this.count += 1;
    return { accessToken: `at-${this.count}`, expiresAt: new Date(this.now().getTime() + 3_600_000) };
  }

  private nextRefreshToken(): string {
    this.count += 1;
    return `rt-${this.count}`;
  }

  private failIfTold(): void {
    const facts = this.failures.shift();
    if (facts) throw new MicrosoftError(facts);
  }
}

export interface PostedMail {
  readonly accessToken: string;
  readonly body: string;
  readonly clientRequestId: string;
}

/** Graph in memory: takes every mail with 202 unless told otherwise. */
export class FakeGraph implements GraphMail {
  readonly posted: PostedMail[] = [];
  /** What the next posts answer; taken one by one. A function may do something first. */
  readonly answers: (GraphAnswer | (() => GraphAnswer | Promise<GraphAnswer>))[] = [];

  async send(accessToken: string, body: string, clientRequestId: string): Promise<GraphAnswer> {
    this.posted.push({ accessToken, body, clientRequestId });
    const next = this.answers.shift();
    if (next === undefined) return { kind: 'answer', status: 202, requestId: `request-${this.posted.length}` };
    return typeof next === 'function' ? next() : next;
  }
}
