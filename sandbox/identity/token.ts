import { createHash } from 'node:crypto';
import type { Application } from '../directory.ts';
import type { Fault, Outcome } from '../kit/journal.ts';
import { type Call, json } from '../kit/serve.ts';
import { audienceOf, isAtHome, rolesOf } from './api-registration.ts';
import { type Authority, admits, refuseApplication } from './authority.ts';
import { checkClientProof } from './client-proof.ts';
import { EntraError } from './entra-error.ts';
import { SIGN_IN_FAILURES } from './failures.ts';
import type { Grant } from './grants.ts';
import { formOf, type Platform } from './platform.ts';
import { type Refusal, refusals } from './refusals.ts';
import { covers, parseScopes, scopeResponse } from './scopes.ts';
import { ACCESS_TOKEN_SECONDS, clientInfo } from './tokens.ts';

export const TOKEN = 'oauth2/v2.0/token';

interface TokenRequest {
  readonly form: URLSearchParams;
  readonly authority: Authority;
  readonly application: Application;
  readonly platform: Platform;
  /** What a fault makes of the answer; see `Fault`. */
  readonly changes: NonNullable<Fault['answer']>;
}

/** The token endpoint, in Entra's order: application, its proof, then the grant. Unknown parameters are ignored. */
export function token(call: Call, authority: Authority, platform: Platform, changes: Fault['answer'] = {}): Outcome {
  const form = formOf(call);
  const clientId = required(form, 'client_id');
  const application = platform.applications.find(clientId);
  if (!application) throw new EntraError(refusals.appNotFound(clientId, authority.name));
  refuseIf(refuseApplication(authority, application));
  if (platform.applications.isDisabled(application)) throw new EntraError(refusals.appDisabled(application));
  const grantType = required(form, 'grant_type');
  checkClientProof(form, application, platform);
  const request = { form, authority, application, platform, changes };
  switch (grantType) {
    case 'authorization_code':
      return redeemCode(request);
    case 'refresh_token':
      return refresh(request);
    case 'client_credentials':
      return appOnly(request);
    default:
      throw new EntraError(refusals.grantTypeUnsupported(grantType));
  }
}

function redeemCode(request: TokenRequest): Outcome {
  const { form, authority, application, platform } = request;
  const code = required(form, 'code');
  const found = platform.grants.findCode(code);
  if (!found) throw new EntraError(refusals.grantMalformed());
  const { grant, state } = found;
  if (grant.clientId !== application.clientId) throw new EntraError(refusals.grantOfAnotherApp('code'));
  if (!admits(authority, grant.account)) throw new EntraError(refusals.grantOfAnotherTenant());
  if (state === 'redeemed') throw new EntraError(refusals.codeRedeemed());
  if (state === 'expired') throw new EntraError(refusals.codeExpired());
  if (grant.failure !== undefined)
    throw new EntraError(SIGN_IN_FAILURES[grant.failure].refusal(application, grant.account));
  const redirectUri = form.get('redirect_uri') ?? '';
  if (redirectUri !== grant.redirectUri)
    throw new EntraError(refusals.replyAddressDiffers(redirectUri, grant.redirectUri));
  if (!provesChallenge(grant.challenge, form.get('code_verifier'))) throw new EntraError(refusals.verifierWrong());
  platform.grants.redeem(code);
  return answer(request, grant, grant.nonce);
}

/** A verifier without a challenge is refused too: it hints at a code that was slipped in. */
function provesChallenge(challenge: string | undefined, verifier: string | null): boolean {
  if (challenge === undefined) return verifier === null;
  return verifier !== null && createHash('sha256').update(verifier).digest('base64url') === challenge;
}

function refresh(request: TokenRequest): Outcome {
  const { form, authority, application, platform } = request;
  const refreshToken = required(form, 'refresh_token');
  const found = platform.grants.findRefreshToken(refreshToken);
  if (!found) throw new EntraError(refusals.grantMalformed());
  const { grant, state } = found;
  if (grant.clientId !== application.clientId) throw new EntraError(refusals.grantOfAnotherApp('refresh_token'));
  if (!admits(authority, grant.account)) throw new EntraError(refusals.grantOfAnotherTenant());
  if (state === 'revoked') throw new EntraError(refusals.refreshTokenRevoked());
  if (state === 'used') throw new EntraError(refusals.refreshTokenUsed());
  if (state === 'inactive') throw new EntraError(refusals.refreshTokenInactive());
  const asked = parseScopes(form.get('scope') ?? '');
  if (!covers(grant.scopes, asked)) throw new EntraError(refusals.consentMissing(application));
  platform.grants.use(refreshToken);
  return answer(request, grant, undefined);
}

function answer(request: TokenRequest, grant: Grant, nonce: string | undefined): Outcome {
  const { form, application, platform, changes } = request;
  const { account, scopes } = grant;
  const { issuer, grants } = platform;
  const { id_token: claims, ...members } = changes;
  const body = {
    token_type: 'Bearer',
    scope: scopeResponse(scopes),
    expires_in: ACCESS_TOKEN_SECONDS,
    ext_expires_in: ACCESS_TOKEN_SECONDS,
    access_token: issuer.accessToken(account, application, scopes),
    ...(scopes.includes('offline_access') && { refresh_token: grants.issueRefreshToken(grant) }),
    ...(scopes.includes('openid') && {
      id_token: issuer.idToken(account, application.clientId, nonce, changedClaims(claims)),
    }),
    ...(form.get('client_info') === '1' && { client_info: clientInfo(account) }),
    ...members,
    ...(claims === null && { id_token: null }),
  };
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  return { reply: json(200, given, NO_STORE), mailbox: account.address };
}

function changedClaims(claims: unknown): Readonly<Record<string, unknown>> {
  return typeof claims === 'object' && claims !== null ? { ...claims } : {};
}

function appOnly({ form, authority, application, platform }: TokenRequest): Outcome {
  if (authority.kind !== 'tenant') throw new EntraError(refusals.tenantNotImplied());
  const tenantId = authority.tenant.id;
  if (!platform.applications.isInstalled(application, tenantId) && !isAtHome(application, tenantId, platform))
    throw new EntraError(refusals.servicePrincipalMissing(application.clientId, tenantId));
  const scope = required(form, 'scope');
  const resource = /^(\S+)\/\.default$/.exec(scope)?.[1];
  if (resource === undefined) throw new EntraError(refusals.scopeNotDefault(scope));
  const body = {
    token_type: 'Bearer',
    expires_in: ACCESS_TOKEN_SECONDS,
    ext_expires_in: ACCESS_TOKEN_SECONDS,
    access_token: issueAppToken(application, tenantId, resource, platform),
  };
  return { reply: json(200, body, NO_STORE) };
}

function issueAppToken(application: Application, tenantId: string, resource: string, platform: Platform): string {
  const audience = audienceOf(resource, platform);
  if (audience === undefined) return platform.issuer.appToken(application, tenantId, { aud: resource, idtyp: 'app' });
  // `idtyp` is an optional claim: an API that did not ask for it gets tokens without.
  return platform.issuer.appToken(application, tenantId, { aud: audience, ...rolesOf(application, platform) });
}

const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' };

function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (!value) throw new EntraError(refusals.parameterMissing(name));
  return value;
}

function refuseIf(refusal: Refusal | undefined): void {
  if (refusal) throw new EntraError(refusal);
}
