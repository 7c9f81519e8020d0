/** How an application proves itself to the token endpoint. */
export interface ApplicationCredential {
  readonly clientId: string;
  /** `federated`: the function app's managed identity vouches for the application. */
  readonly proof: { readonly kind: 'secret'; readonly value: string } | { readonly kind: 'federated' };
}

export interface AuthorizeRequest {
  readonly clientId: string;
  /** Tenant GUID, `organizations` or `common`. */
  readonly tenant: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** PKCE, S256. */
  readonly codeChallenge: string;
  readonly loginHint?: string;
}

export interface RedeemRequest {
  readonly credential: ApplicationCredential;
  readonly tenant: string;
  readonly code: string;
  readonly redirectUri: string;
  readonly verifier: string;
  readonly nonce: string;
}

export interface RefreshRequest {
  readonly credential: ApplicationCredential;
  readonly tenant: string;
  readonly refreshToken: string;
}

export interface Tokens {
  readonly accessToken: string;
  readonly expiresAt: Date;
  /** The newest one: rotated, or the one that was sent. Empty when none was granted. */
  readonly refreshToken: string;
  /** Of the id token, where one came along. */
  readonly claims?: IdTokenClaims;
}

/** Claims of an id token that we look at. `email` and `upn` are left out on purpose: their owner can choose them. */
export interface IdTokenClaims {
  readonly tid?: string;
  readonly oid?: string;
  readonly iss?: string;
  readonly aud?: string;
  readonly nonce?: string;
  readonly idp?: string;
  readonly preferred_username?: string;
}

export interface SignIn extends Tokens {
  readonly scopes: readonly string[];
  readonly claims: IdTokenClaims;
}

/**
 * The Microsoft identity platform as we use it. Every method throws `MicrosoftError`; where the managed identity that
 * proves our application does not answer, `StoreUnavailable`: nobody refused anything then.
 */
export interface IdentityPlatform {
  /** Gets what proves the application, where that can fail by itself. A code is taken only after this. */
  ready(credential: ApplicationCredential): Promise<void>;
  authorizeUrl(request: AuthorizeRequest): Promise<string>;
  redeem(request: RedeemRequest): Promise<SignIn>;
  refresh(request: RefreshRequest): Promise<Tokens>;
  /**
   * Gets a token for the application itself and drops it at once: that Microsoft gives one proves tenant, client ID and
   * secret together. One request.
   * @param tenant a GUID or a domain; never one of the shared authorities, which have no such grant
   */
  proveApplication(credential: ApplicationCredential, tenant: string): Promise<void>;
  /** The tenant that owns a verified domain, or undefined when Microsoft knows none. */
  resolveTenant(domain: string): Promise<string | undefined>;
}

/** What the identity platform says of an error. Nothing in it is secret; descriptions are left out, they quote input. */
export interface MicrosoftErrorFacts {
  /** OAuth `error`, or `network_error` / `timeout` / `unusable_answer` when there was none. */
  readonly error: string;
  readonly suberror?: string;
  /** First AADSTS number; chooses wording only. */
  readonly number?: number;
  readonly correlationId?: string;
  readonly traceId?: string;
  readonly status?: number;
  readonly retryAfterSeconds?: number;
}

/** The identity platform refused, or could not be asked. */
export class MicrosoftError extends Error {
  readonly facts: MicrosoftErrorFacts;

  constructor(facts: MicrosoftErrorFacts, cause?: unknown) {
    super(`identity platform: ${facts.error}${facts.number ? ` ${facts.number}` : ''}`, { cause });
    this.name = 'MicrosoftError';
    this.facts = facts;
  }

  /**
   * Whether Microsoft had a bad minute rather than refused. Some of its own failures, and its throttling of loops, come as
   * `invalid_grant` but pass by themselves.
   */
  get transient(): boolean {
    const { error, status, number } = this.facts;
    if (number !== undefined && PASSING.has(number)) return true;
    if (status !== undefined && (status === 429 || status >= 500)) return true;
    return !PERMANENT.has(error);
  }
}

/**
 * AADSTS numbers of failures at Microsoft, and of its throttling of loops (50196).
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
export const PASSING: ReadonlySet<number> = new Set([50196, 90006, 90024, 90033, 90055]);

/** OAuth errors that no waiting heals. */
const PERMANENT = new Set([
  'invalid_grant',
  'interaction_required',
  'consent_required',
  'login_required',
  'invalid_client',
  'unauthorized_client',
  'invalid_request',
  'invalid_scope',
  'invalid_resource',
  'unsupported_grant_type',
  'access_denied',
]);
