import { ConfidentialClientApplication, PublicClientApplication, ResponseMode } from '@azure/msal-node';
import { isGuid } from '../ids.ts';
import type { MicrosoftCloud } from '../microsoft/endpoints.ts';
import {
  type ApplicationCredential,
  type AuthorizeRequest,
  type IdentityPlatform,
  type IdTokenClaims,
  MicrosoftError,
  type RedeemRequest,
  type RefreshRequest,
  type SignIn,
  type Tokens,
} from '../microsoft/identity-platform.ts';
import { StoreUnavailable } from '../storage/ports.ts';
import { type Exchange, retryAfterSeconds, tokenEndpointTransport } from './msal-transport.ts';

export interface EntraOptions {
  readonly cloud: MicrosoftCloud;
  /** A token of the managed identity for the token-exchange audience: our proof with a federated credential. */
  readonly clientAssertion: () => Promise<string>;
  readonly timeoutMs?: number;
}

/** `IdentityPlatform` on `@azure/msal-node`: a fresh client per operation, so that nothing of one user meets another. */
export class Entra implements IdentityPlatform {
  private readonly options: EntraOptions;

  constructor(options: EntraOptions) {
    this.options = options;
  }

  async authorizeUrl(request: AuthorizeRequest): Promise<string> {
    // The address needs no credential of the application, hence the public client.
    const client = new PublicClientApplication({ auth: this.auth(request.clientId, request.tenant) });
    return client.getAuthCodeUrl({
      scopes: this.scopes(),
      redirectUri: request.redirectUri,
      responseMode: ResponseMode.QUERY,
      // Also keeps a signed-in person from linking with a single click. `consent` would override admin consent.
      prompt: 'select_account',
      state: request.state,
      nonce: request.nonce,
      codeChallenge: request.codeChallenge,
      codeChallengeMethod: 'S256',
      // MSAL drops its own loginHint where prompt is select_account; Microsoft fills the sign-in page from it all the same.
      ...(request.loginHint && { extraQueryParameters: { login_hint: request.loginHint } }),
    });
  }

  async ready({ proof }: ApplicationCredential): Promise<void> {
    if (proof.kind === 'federated') await this.assertion({});
  }

  async redeem(request: RedeemRequest): Promise<SignIn> {
    const { client, exchange } = this.client(request.credential, request.tenant);
    try {
      const result = await client.acquireTokenByCode({
        code: request.code,
        scopes: this.scopes(),
        redirectUri: request.redirectUri,
        codeVerifier: request.verifier,
        nonce: request.nonce,
      });
      return {
        ...usable(result, exchange),
        scopes: result.scopes,
        claims: readClaims(result.idTokenClaims),
      };
    } catch (error) {
      throw knownError(error, exchange);
    }
  }

  async refresh(request: RefreshRequest): Promise<Tokens> {
    const { client, exchange } = this.client(request.credential, request.tenant);
    try {
      const result = await client.acquireTokenByRefreshToken({
        refreshToken: request.refreshToken,
        scopes: this.scopes(),
      });
      const tokens = usable(result, exchange);
      return {
        ...tokens,
        refreshToken: tokens.refreshToken || request.refreshToken,
        claims: readClaims(result?.idTokenClaims),
      };
    } catch (error) {
      throw knownError(error, exchange);
    }
  }

  async proveApplication(credential: ApplicationCredential, tenant: string): Promise<void> {
    const { client, exchange } = this.client(credential, tenant);
    try {
      const scopes = [this.options.cloud.graphDefaultScope];
      usable(await client.acquireTokenByClientCredential({ scopes, skipCache: true }), exchange);
    } catch (error) {
      throw knownError(error, exchange);
    }
  }

  async resolveTenant(domain: string): Promise<string | undefined> {
    const url = `${this.options.cloud.loginUrl}/${encodeURIComponent(domain)}/v2.0/.well-known/openid-configuration`;
    let response: Response;
    let body: string;
    try {
      response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(5_000) });
      body = await limitedText(response, 64 * 1024);
    } catch (error) {
      throw new MicrosoftError({ error: 'network_error' }, error);
    }
    // Microsoft answers 400 invalid_tenant (AADSTS90002) for a domain that no tenant has verified.
    if (response.status === 400 || response.status === 404) return undefined;
    if (!response.ok) {
      const wait = retryAfterSeconds(response);
      throw new MicrosoftError({
        error: 'unusable_answer',
        status: response.status,
        ...(wait !== undefined && { retryAfterSeconds: wait }),
      });
    }
    return tenantOfIssuer(body);
  }

  private auth(clientId: string, tenant: string) {
    const { cloud } = this.options;
    const base = `${cloud.loginUrl}/${tenant}`;
    return {
      clientId,
      authority: `${cloud.issuerUrl}/${tenant}`,
      // Given in full, so that MSAL asks nobody where the endpoints are.
      authorityMetadata: JSON.stringify({
        issuer: `${cloud.issuerUrl}/${tenant}/v2.0`,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        token_endpoint: `${base}/oauth2/v2.0/token`,
        jwks_uri: `${base}/discovery/v2.0/keys`,
        end_session_endpoint: `${base}/oauth2/v2.0/logout`,
      }),
    };
  }

  private client(credential: ApplicationCredential, tenant: string) {
    const { exchange, network } = tokenEndpointTransport(this.options.timeoutMs ?? 10_000);
    const proof =
      credential.proof.kind === 'secret'
        ? { clientSecret: credential.proof.value }
        : { clientAssertion: () => this.assertion(exchange) };
    const client = new ConfidentialClientApplication({
      auth: { ...this.auth(credential.clientId, tenant), ...proof },
      system: { networkClient: network },
    });
    return { client, exchange };
  }

  /** Where it cannot be had, that is noted: MSAL may wrap what is thrown here into an error of its own. */
  private async assertion(exchange: Exchange): Promise<string> {
    try {
      return await this.options.clientAssertion();
    } catch (error) {
      exchange.unproven =
        error instanceof StoreUnavailable ? error : new StoreUnavailable('managed identity', undefined, error);
      throw exchange.unproven;
    }
  }

  private scopes(): string[] {
    return [this.options.cloud.mailSendScope, 'offline_access'];
  }
}

function usable(result: { accessToken: string; expiresOn: Date | null } | null, exchange: Exchange): Tokens {
  if (!result?.accessToken) throw new MicrosoftError({ error: 'unusable_answer', status: 502 });
  return {
    accessToken: result.accessToken,
    expiresAt: result.expiresOn ?? new Date(),
    refreshToken: exchange.refreshToken ?? '',
  };
}

/** A claim that is no text counts as absent: whoever judges it then refuses the token instead of tripping over it. */
function readClaims(all: object | undefined): IdTokenClaims {
  const claims = Object.entries(all ?? {}).filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(claims) as IdTokenClaims;
}

function knownError(error: unknown, exchange: Exchange): MicrosoftError | StoreUnavailable {
  if (error instanceof MicrosoftError) return error;
  if (exchange.unproven) return exchange.unproven;
  if (exchange.failure) return new MicrosoftError(exchange.failure, error);
  // MSAL refused a usable-looking answer itself: a wrong nonce, or an id token that cannot be parsed.
  const { errorCode } = error as { errorCode?: unknown };
  return new MicrosoftError({ error: typeof errorCode === 'string' ? errorCode : 'network_error' }, error);
}

async function limitedText(response: Response, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limit) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tenantOfIssuer(metadata: string): string | undefined {
  try {
    const { issuer } = JSON.parse(metadata) as { issuer?: unknown };
    const tenant = new URL(String(issuer)).pathname.split('/')[1] ?? '';
    return isGuid(tenant) ? tenant.toLowerCase() : undefined;
  } catch {
    throw new MicrosoftError({ error: 'unusable_answer', status: 502 });
  }
}
