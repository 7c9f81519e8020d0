import type { Application } from '../directory.ts';
import { type Refusal, refusals } from './refusals.ts';

/**
 * The failures one can choose on the sign-in page: codes of the product's catalogue (design, section 4) whose cause lies
 * at Microsoft and which come back to the application from a sign-in. Missing on purpose: what another account causes
 * (wrong_account, guest_account: sign in with it), what Entra shows on its own page (app_not_found, tenant_unknown,
 * redirect_uri_not_registered), what Graph says later (no_mailbox) and what the product finds itself.
 */
export type SignInFailure =
  | 'consent_declined'
  | 'admin_approval_needed'
  | 'conditional_access'
  | 'app_disabled'
  | 'secret_wrong'
  | 'secret_expired'
  | 'microsoft_unavailable';

interface FailureEntry {
  readonly words: string;
  /** `redirect`: sign-in ends at once with an error. `redemption`: consent follows, and the code cannot be redeemed. */
  readonly at: 'redirect' | 'redemption';
  readonly refusal: (application: Application) => Refusal;
}

export const SIGN_IN_FAILURES: Readonly<Record<SignInFailure, FailureEntry>> = {
  consent_declined: { words: 'the person declines', at: 'redirect', refusal: refusals.consentDeclined },
  admin_approval_needed: {
    words: 'consent is for admins only',
    at: 'redirect',
    refusal: refusals.adminApprovalNeeded,
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
