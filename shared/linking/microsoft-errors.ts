import type { LinkErrorCode } from '../errors.ts';
import { type MicrosoftErrorFacts, PASSING } from '../microsoft/identity-platform.ts';

/**
 * Wording by AADSTS number, within the meaning that `error` gives. Numbers decide nothing else: Microsoft changes them.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
export const WORDED_BY_NUMBER: ReadonlyMap<number, LinkErrorCode> = new Map([
  [65004, 'consent_declined'],
  // 7000229: the application has no service principal in the tenant; an administrator's consent makes one.
  ...numbers('admin_approval_needed', 65001, 90094, 90095, 900941, 900981, 7000229),
  ...numbers('wrong_tenant', 16000, 50020, 51004, 90072, 700005),
  ...numbers('personal_account', 500200, 9002332),
  ...numbers('account_unusable', 50034, 50053, 50055, 50057, 50126),
  // 700025: the redirect URI stands under a platform of public clients, which prove themselves with nothing.
  ...numbers('redirect_uri_not_registered', 50011, 500112, 500113, 700025, 900971),
  ...numbers('app_disabled', 50105, 7000112),
  ...numbers('app_not_found', 50194, 70001, 700016),
  ...numbers('app_misconfigured', 65005, 650052, 650053, 650056, 650057, 70011),
  [90002, 'tenant_unknown'],
  ...numbers('secret_wrong', 700027, 7000215, 7000218, 700229),
  [7000222, 'secret_expired'],
  // A federated credential is RoboMQ's alone: of customers' applications we have secrets.
  ...numbers('service_provider_credential_refused', 70021, 70025, 700211, 700212, 700213, 7002137, 7002138),
  ...numbers('conditional_access', 50072, 50074, 50076, 50078, 50079, 53000, 53001, 53002, 53003, 53004, 53011, 70043),
  ...numbers('conditional_access', 500212, 500213, 530002, 530003, 530004, 530032, 530035),
  // Of the authorization code: somebody redeemed it before, or it lay too long.
  [54005, 'link_used'],
  ...numbers('link_expired', 70008, 700082),
  ...numbers('microsoft_unavailable', ...PASSING),
  // Said to be our own mistakes, or an attack: there is nothing better to tell the person.
  ...numbers('sign_in_failed', 50058, 50132, 50133, 50173, 501481, 70000, 900144, 9002313),
]);

/** What a refused grant means, by the `suberror` that the platform documents for programs. */
const BY_SUBERROR: Readonly<Record<string, LinkErrorCode>> = {
  consent_required: 'admin_approval_needed',
  basic_action: 'conditional_access',
  additional_action: 'conditional_access',
  message_only: 'conditional_access',
  user_password_expired: 'account_unusable',
  token_expired: 'link_expired',
};

function numbers(code: LinkErrorCode, ...list: number[]): [number, LinkErrorCode][] {
  return list.map((number) => [number, code]);
}

/** The catalogue's code for what Microsoft said at the authorize or the token endpoint. */
export function linkErrorOf(facts: MicrosoftErrorFacts): LinkErrorCode {
  const worded = facts.number === undefined ? undefined : WORDED_BY_NUMBER.get(facts.number);
  switch (facts.error) {
    case 'access_denied':
      return worded ?? 'consent_declined';
    case 'consent_required':
      return worded ?? 'admin_approval_needed';
    case 'interaction_required':
    case 'login_required':
      return worded ?? 'conditional_access';
    case 'invalid_client':
      return worded ?? 'secret_wrong';
    case 'unauthorized_client':
      return worded ?? 'app_not_found';
    case 'invalid_scope':
    case 'invalid_resource':
      return worded ?? 'app_misconfigured';
    case 'invalid_tenant':
      return worded ?? 'tenant_unknown';
    case 'temporarily_unavailable':
    case 'server_error':
    case 'network_error':
    case 'timeout':
    case 'unusable_answer':
      return 'microsoft_unavailable';
    case 'invalid_grant':
      return worded ?? meaningOf(facts.suberror) ?? 'sign_in_failed';
    default:
      if (facts.status !== undefined && (facts.status === 429 || facts.status >= 500)) return 'microsoft_unavailable';
      return worded ?? 'sign_in_failed';
  }
}

function meaningOf(suberror: string | undefined): LinkErrorCode | undefined {
  return suberror !== undefined && Object.hasOwn(BY_SUBERROR, suberror) ? BY_SUBERROR[suberror] : undefined;
}

/** First AADSTS number of an error description; the description itself goes nowhere. */
export function aadstsNumber(description: string | undefined): number | undefined {
  const digits = /AADSTS(\d{4,8})/.exec(description ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}
