import type { Account, Application } from '../directory.ts';
import { type Authority, refuseApplication } from './authority.ts';
import { EntraError } from './entra-error.ts';
import type { Platform } from './platform.ts';
import { type Refusal, refusals } from './refusals.ts';
import { parseScopes, unknownScope } from './scopes.ts';

/** An authorization request whose client and redirect URI are known to be registered. */
export interface AuthorizeRequest {
  readonly authority: Authority;
  readonly application: Application;
  readonly redirectUri: string;
  readonly state: string | undefined;
  readonly scopes: readonly string[];
  readonly nonce: string | undefined;
  readonly challenge: string | undefined;
  readonly loginHint: string;
  readonly clientInfo: boolean;
}

/** Who signed in to which request. */
export interface SignedIn {
  readonly request: AuthorizeRequest;
  readonly account: Account;
}

/** Throws what Entra shows on a page of its own: an address that is not registered is never redirected to. */
export function readAuthorizeRequest(
  query: URLSearchParams,
  authority: Authority,
  platform: Platform,
): AuthorizeRequest {
  const application = registeredApplication(query, authority, platform);
  const redirectUri = registeredRedirectUri(query, application, platform);
  return {
    authority,
    application,
    redirectUri,
    state: query.get('state') ?? undefined,
    scopes: parseScopes(query.get('scope') ?? ''),
    nonce: query.get('nonce') ?? undefined,
    challenge: query.get('code_challenge') ?? undefined,
    loginHint: query.get('login_hint') ?? '',
    clientInfo: query.get('client_info') === '1',
  };
}

export function registeredApplication(query: URLSearchParams, authority: Authority, platform: Platform): Application {
  const clientId = query.get('client_id');
  if (!clientId) throw new EntraError(refusals.parameterMissing('client_id'));
  const application = platform.applications.find(clientId);
  if (!application) {
    const directory = authority.kind === 'tenant' ? authority.tenant.name : authority.name;
    throw new EntraError(refusals.appNotFound(clientId, directory));
  }
  const refusal = refuseApplication(authority, application);
  if (refusal) throw new EntraError(refusal);
  if (platform.applications.isDisabled(application)) throw new EntraError(refusals.appDisabled(application));
  return application;
}

export function registeredRedirectUri(query: URLSearchParams, application: Application, platform: Platform): string {
  const redirectUri = query.get('redirect_uri');
  if (!redirectUri) throw new EntraError(refusals.parameterMissing('redirect_uri'));
  if (!platform.redirectUris().includes(redirectUri))
    throw new EntraError(refusals.redirectUriNotRegistered(redirectUri, application.clientId));
  return redirectUri;
}

/** What Entra tells the application by redirect, without asking anybody to sign in. */
export function refuseByRedirect(query: URLSearchParams, request: AuthorizeRequest): Refusal | undefined {
  const responseType = query.get('response_type');
  if (!responseType) return refusals.parameterMissing('response_type');
  if (responseType !== 'code') return refusals.responseTypeUnsupported(responseType);
  const responseMode = query.get('response_mode') ?? 'query';
  if (responseMode !== 'query') return refusals.responseModeUnsupported(responseMode);
  if (request.scopes.length === 0) return refusals.parameterMissing('scope');
  const scope = unknownScope(request.scopes);
  if (scope !== undefined) return refusals.scopeUnknown(request.application.clientId, scope);
  if (request.challenge !== undefined && query.get('code_challenge_method') !== 'S256') return refusals.malformed();
  if (query.get('prompt') === 'none') return refusals.signInNeeded();
  return undefined;
}
