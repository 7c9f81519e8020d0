import type { Account, Application } from '../directory.ts';
import { type Refusal, refusals } from './refusals.ts';

/**
 * The failures one can choose on the sign-in page: codes of the product's catalogue whose cause lies at Microsoft and
 * which can come back to the application from a sign-in. At the authorization endpoint Entra shows some of them on a page
 * of its own (app_not_found, tenant_unknown, redirect_uri_not_registered, personal_account, wrong_tenant): chosen here,
 * they come from the token endpoint, as they do when somebody changes the registration during the sign-in. Missing on
 * purpose: what another account causes (wrong_account, guest_account: sign in with it), what Graph says later
 * (no_mailbox) and what the product finds itself.
 */
export type SignInFailure =
  | 'consent_declined'
  | 'admin_approval_needed'
  | 'wrong_tenant'
  | 'personal_account'
  | 'account_unusable'
  | 'tenant_unknown'
  | 'app_not_found'
  | 'app_misconfigured'
  | 'redirect_uri_not_registered'
  | 'conditional_access'
  | 'app_disabled'
  | 'secret_wrong'
  | 'secret_expired'
  | 'microsoft_unavailable';

interface FailureEntry {
  readonly words: string;
  /** `redirect`: sign-in ends at once with an error. `redemption`: consent follows, and the code cannot be redeemed. */
  readonly at: 'redirect' | 'redemption';
  readonly refusal: (application: Application, account: Account) => Refusal;
}

export const SIGN_IN_FAILURES: Readonly<Record<SignInFailure, FailureEntry>> = {
  consent_declined: { words: 'the person declines', at: 'redirect', refusal: refusals.consentDeclined },
  admin_approval_needed: {
    words: 'consent is for admins only',
    at: 'redirect',
    refusal: refusals.adminApprovalNeeded,
  },
  wrong_tenant: {
    words: 'the account is of another organization',
    at: 'redemption',
    refusal: (application, { address, tenantId }) =>
      refusals.accountOfAnotherTenant(address, `https://sts.windows.net/${tenantId}/`, 'Elsewhere', application),
  },
  personal_account: {
    words: 'the account is a personal one',
    at: 'redemption',
    refusal: (_application, { address }) => refusals.personalAccount(address),
  },
  account_unusable: { words: 'the account is locked', at: 'redemption', refusal: refusals.accountLocked },
  tenant_unknown: {
    words: 'the organization is gone',
    at: 'redemption',
    refusal: (_application, { tenantId }) => refusals.tenantNotFound(tenantId),
  },
  app_not_found: {
    words: 'the application is gone',
    at: 'redemption',
    refusal: ({ clientId }, { tenantId }) => refusals.appNotFound(clientId, tenantId),
  },
  app_misconfigured: {
    words: 'the application lacks Mail.Send',
    at: 'redirect',
    refusal: refusals.permissionsMissing,
  },
  redirect_uri_not_registered: {
    words: 'the redirect URI is gone',
    at: 'redemption',
    refusal: ({ clientId }) => refusals.redirectUriNotRegistered('of this application', clientId),
  },
  conditional_access: { words: 'a policy blocks the token', at: 'redemption', refusal: refusals.conditionalAccess },
  app_disabled: { words: 'the application is switched off', at: 'redemption', refusal: refusals.appDisabled },
  secret_wrong: {
    words: 'the client secret is refused',
    at: 'redemption',
    refusal: ({ clientId }) => refusals.secretWrong(clientId),
  },
  secret_expired: {
    words: 'the client secret is past its date',
    at: 'redemption',
    refusal: ({ clientId }) => refusals.secretExpired(clientId),
  },
  microsoft_unavailable: { words: 'an outage', at: 'redirect', refusal: refusals.unavailable },
};

export function isSignInFailure(code: string): code is SignInFailure {
  return Object.hasOwn(SIGN_IN_FAILURES, code);
}
