import type { Application } from '../directory.ts';
import type { Outcome } from '../kit/journal.ts';
import type { Call } from '../kit/serve.ts';
import { adminConsentPage } from './admin-consent-page.ts';
import type { Authority } from './authority.ts';
import { registeredApplication, registeredRedirectUri } from './authorize-request.ts';
import { EntraError, errorParameters } from './entra-error.ts';
import { expiredPage } from './error-page.ts';
import { formOf, type Platform, redirectBack } from './platform.ts';
import { refusals } from './refusals.ts';
import { parseScopes, unknownScope } from './scopes.ts';

/** An admin was asked to approve an application for a whole organization. */
export interface AdminConsentStart {
  readonly application: Application;
  readonly redirectUri: string;
  readonly tenantId: string;
  readonly scope: string;
  readonly state: string | undefined;
}

/**
 * `GET adminconsent`. Nobody signs in here: whoever presses the button is the admin, at `organizations` that of the
 * directory's first tenant.
 */
export function adminConsent(call: Call, authority: Authority, platform: Platform): Outcome {
  const query = call.url.searchParams;
  const application = registeredApplication(query, authority, platform);
  const redirectUri = registeredRedirectUri(query, application, platform);
  const tenant = organization(authority, platform);
  if (!tenant) throw new EntraError(refusals.tenantMissing());
  const scope = query.get('scope');
  if (!scope) throw new EntraError(refusals.parameterMissing('scope'));
  const scopes = parseScopes(scope);
  const unknown = unknownScope(scopes);
  if (unknown !== undefined) throw new EntraError(refusals.scopeUnknown(application.clientId, unknown));
  const state = query.get('state') ?? undefined;
  const context = platform.adminConsents.keep({ application, redirectUri, tenantId: tenant.id, scope, state });
  return {
    reply: adminConsentPage({ application, tenant, authority, scopes, context, directory: platform.directory }),
  };
}

/** The admin's decision. The answer is no proof of anything: no code, no token, and a tenant that anyone may write. */
export function decideAdminConsent(call: Call, _authority: Authority, platform: Platform): Outcome {
  const form = formOf(call);
  const found = platform.adminConsents.find(form.get('context'));
  if (!found) return { reply: expiredPage(), taken: false };
  const { application, redirectUri, tenantId, scope, state } = found;
  if (form.get('decision') !== 'accept') {
    // Entra says `admin_consent=True` here too: it names the question, not the answer.
    const error = errorParameters(call, refusals.adminConsentDeclined());
    return { reply: redirectBack(redirectUri, { ...error, admin_consent: 'True', state }), taken: false };
  }
  platform.applications.install(application, tenantId);
  return {
    reply: redirectBack(redirectUri, { admin_consent: 'True', tenant: tenantId, scope, state }),
    taken: true,
  };
}

function organization(authority: Authority, { directory }: Platform) {
  if (authority.kind === 'tenant') return authority.tenant;
  return authority.kind === 'organizations' ? directory.tenants[0] : undefined;
}
