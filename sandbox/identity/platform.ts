import type { Directory } from '../directory.ts';
import type { Call, Reply } from '../kit/serve.ts';
import type { AdminConsentStart } from './admin-consent.ts';
import type { ApiRegistration } from './api-registration.ts';
import type { Applications } from './applications.ts';
import type { Consent } from './authorize.ts';
import type { AuthorizeRequest } from './authorize-request.ts';
import type { Contexts } from './contexts.ts';
import type { Grants } from './grants.ts';
import type { TokenIssuer } from './tokens.ts';

/** What all endpoints share. */
export interface Platform {
  readonly directory: Directory;
  readonly applications: Applications;
  readonly grants: Grants;
  readonly issuer: TokenIssuer;
  readonly signIns: Contexts<AuthorizeRequest>;
  readonly consents: Contexts<Consent>;
  readonly adminConsents: Contexts<AdminConsentStart>;
  readonly redirectUris: () => readonly string[];
  readonly api: () => ApiRegistration;
}

export const formOf = (call: Call): URLSearchParams => new URLSearchParams(call.body.toString('utf8'));

/** 302 to a registered redirect URI with what the application shall learn. */
export function redirectBack(redirectUri: string, parameters: Readonly<Record<string, string | undefined>>): Reply {
  const target = new URL(redirectUri);
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) target.searchParams.set(name, value);
  return {
    status: 302,
    headers: { location: target.href, 'cache-control': 'no-store', 'referrer-policy': 'same-origin' },
  };
}
