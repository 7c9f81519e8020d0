import type { LinkErrorCode } from '../errors.ts';
import type { MicrosoftErrorFacts } from '../microsoft/identity-platform.ts';

/**
 * Wording by AADSTS number, within the meaning that `error` gives. Numbers decide nothing else: Microsoft changes them.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const BY_NUMBER: ReadonlyMap<number, LinkErrorCode> = new Map([
  [65004, 'consent_declined'],
  ...numbers('admin_approval_needed', 90094, 900941, 900981, 90095, 65001),
  ...numbers('guest_account', 16000, 50020, 90072),
  ...numbers('redirect_uri_not_registered', 50011, 500113, 900971, 500112),
  ...numbers('app_disabled', 7000112, 50105, 500212, 500213),
  ...numbers('app_not_found', 700016, 70001, 50194, 7000229, 650052),
  [90002, 'tenant_unknown'],
  [7000215, 'secret_wrong'],
  [7000222, 'secret_expired'],
  // A federated credential is RoboMQ's alone: of customers' applications we have secrets.
  ...numbers('service_provider_credential_refused', 70021, 70025, 700211, 700212, 700213, 7002137, 7002138),
  ...numbers('conditional_access', 50072, 50074, 50076, 50078, 50079, 53000, 53001, 53002, 53003, 53011, 70043),
  ...numbers('conditional_access', 530002, 530003, 530004, 530032, 530035),
  ...numbers('microsoft_unavailable', 90024, 90033, 90006, 90055, 50196),
]);

function numbers(code: LinkErrorCode, ...list: number[]): [number, LinkErrorCode][] {
  return list.map((number) => [number, code]);
}

/** The catalogue's code for what Microsoft said at the authorize or the token endpoint. */
export function linkErrorOf(facts: MicrosoftErrorFacts & { readonly subcode?: string }): LinkErrorCode {
  const worded = facts.number === undefined ? undefined : BY_NUMBER.get(facts.number);
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
    case 'temporarily_unavailable':
    case 'server_error':
    case 'network_error':
    case 'timeout':
    case 'unusable_answer':
      return 'microsoft_unavailable';
    case 'invalid_grant':
      if (facts.suberror === 'consent_required') return 'admin_approval_needed';
      return worded ?? 'sign_in_failed';
    default:
      if (facts.status !== undefined && (facts.status === 429 || facts.status >= 500)) return 'microsoft_unavailable';
      return worded ?? 'sign_in_failed';
  }
}

/** First AADSTS number of an error description; the description itself goes nowhere. */
export function aadstsNumber(description: string | undefined): number | undefined {
  const digits = /AADSTS(\d{4,8})/.exec(description ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}
