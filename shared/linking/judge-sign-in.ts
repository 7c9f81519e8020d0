import type { LinkErrorCode } from '../errors.ts';
import { isGuid } from '../ids.ts';
import { CONSUMERS_TENANT, type MicrosoftCloud } from '../microsoft/endpoints.ts';
import type { SignIn } from '../microsoft/identity-platform.ts';
import type { Link } from './link.ts';

export interface Refusal {
  readonly error: LinkErrorCode;
  /** Which check failed; for the log. */
  readonly check: string;
}

/**
 * Whether the account that signed in may be linked. One check per line; the first that fails decides. The nonce was
 * compared by MSAL already, which got the one of this link.
 * @returns undefined when all is well
 */
export function judgeSignIn(link: Link, signIn: SignIn, cloud: MicrosoftCloud): Refusal | undefined {
  const { tid, oid, aud, iss, idp, preferred_username } = signIn.claims;
  const tenantId = tid?.toLowerCase() ?? '';
  if (!isGuid(tenantId) || !oid || !isGuid(oid)) return { error: 'sign_in_failed', check: 'identity' };
  if (aud?.toLowerCase() !== link.clientId) return { error: 'sign_in_failed', check: 'aud' };
  if (iss !== `${cloud.issuerUrl}/${tenantId}/v2.0`) return { error: 'sign_in_failed', check: 'iss' };
  // At a tenant or at `organizations` Microsoft lets none in; the token has to say so too.
  if (tenantId === CONSUMERS_TENANT && link.authority !== 'common') return { error: 'personal_account', check: 'tid' };
  if (isGuid(link.authority) && tenantId !== link.authority) return { error: 'wrong_tenant', check: 'tid' };
  if (isGuest(idp, tenantId)) return { error: 'guest_account', check: 'idp' };
  if (!grantsMailSend(signIn.scopes, cloud)) return { error: 'consent_declined', check: 'scope' };
  if (!signIn.refreshToken) return { error: 'consent_declined', check: 'refresh_token' };
  if (!link.expectedMailbox) return undefined;
  // Both, or an attacker's tenant could name an account like the expected one.
  if (tenantId !== link.expectedTenantId)
    return { error: tenantId === CONSUMERS_TENANT ? 'personal_account' : 'wrong_tenant', check: 'expected_tenant' };
  if (!sameSignInName(preferred_username ?? '', link.expectedMailbox)) {
    return { error: 'wrong_account', check: 'expected_mailbox' };
  }
  return undefined;
}

/** Ignores the case of ASCII letters only: Unicode's rules would take the Kelvin sign for a `k`. */
function sameSignInName(one: string, other: string): boolean {
  const folded = (name: string) => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return folded(one) === folded(other);
}

/** Entra sets `idp` when another provider vouched for the user; for a member it is absent or the tenant itself. */
function isGuest(idp: string | undefined, tenantId: string): boolean {
  if (idp === undefined || tenantId === CONSUMERS_TENANT) return false;
  return !idp.toLowerCase().includes(tenantId);
}

function grantsMailSend(scopes: readonly string[], cloud: MicrosoftCloud): boolean {
  return scopes.some((scope) =>
    [cloud.mailSendScope, 'Mail.Send'].some((name) => name.toLowerCase() === scope.toLowerCase()),
  );
}
