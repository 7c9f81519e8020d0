import type { WhoActs } from './errors.ts';

interface ConnectionReason {
  /** What happened, in one sentence for people. */
  readonly meaning: string;
  readonly whoActs: WhoActs;
  readonly action: string;
  /** Whether it may pass without a new link: somebody at the customer undoes what they did. Then the daily check tries. */
  readonly mayPass: boolean;
}

const RELINK = 'Click Link account again and sign in with the same account.';

/** Why a connection does not work, as `reason` of a connection and of its events says it. */
export const CONNECTION_REASONS = {
  inactive: {
    meaning: 'The link was not used for 90 days, so Microsoft let it expire.',
    whoActs: 'user',
    action: RELINK,
    mayPass: false,
  },
  access_revoked: {
    meaning:
      'The sessions of the account were ended: by the person (sign out everywhere, a changed password) or by an administrator.',
    whoActs: 'user',
    action: RELINK,
    mayPass: false,
  },
  password_reset: {
    meaning: 'The password was reset by an administrator or has expired, and must be changed at a sign-in.',
    whoActs: 'user',
    action: `Sign in to Outlook and choose a new password. ${RELINK}`,
    mayPass: true,
  },
  sign_in_frequency: {
    meaning: 'A Conditional Access policy demands a new sign-in every so many days, and the time is over.',
    whoActs: 'customerAdmin',
    action: `${RELINK} To end the repetition, exclude the account or the application from the policy’s sign-in frequency.`,
    mayPass: false,
  },
  sign_in_policy: {
    meaning: 'A sign-in policy of the organization (Conditional Access, multi-factor authentication) stops the link.',
    whoActs: 'customerAdmin',
    action: 'Ask your IT which policy applies; when they allow it, or after a new sign-in, click Link account again.',
    mayPass: true,
  },
  sign_in_demanded: {
    meaning: 'Outlook ended the session early and demands a new sign-in.',
    whoActs: 'user',
    action: RELINK,
    mayPass: true,
  },
  account_disabled: {
    meaning: 'The account is disabled in the organization.',
    whoActs: 'customerAdmin',
    action: 'Enable the account; the link then works again within a day, or at once when it is linked again.',
    mayPass: true,
  },
  account_locked: {
    meaning: 'The account is locked after too many failed sign-ins.',
    whoActs: 'customerAdmin',
    action: 'Unlock the account; the link then works again within a day, or at once when it is linked again.',
    mayPass: true,
  },
  account_missing: {
    meaning: 'The account is gone from the organization.',
    whoActs: 'customerAdmin',
    action: 'Restore the account within 30 days of its deletion, or link another one.',
    mayPass: true,
  },
  consent_withdrawn: {
    meaning: 'The permission to send mail was withdrawn by the person or by an administrator.',
    whoActs: 'user',
    action: 'Click Link account again and accept the permissions.',
    mayPass: true,
  },
  admin_approval_needed: {
    meaning: 'An administrator of the organization must approve the application, or approve it again.',
    whoActs: 'customerAdmin',
    action:
      'In Entra, open Enterprise applications, choose the application, then Permissions, and grant admin consent; the link then works again within a day.',
    mayPass: true,
  },
  tenant_unknown: {
    meaning: 'Microsoft does not know the organization any more.',
    whoActs: 'customerAdmin',
    action: 'Unlink the account, and link one of an organization that exists.',
    mayPass: true,
  },
  not_assigned: {
    meaning: 'Only assigned users may use the application, and the account is not assigned to it.',
    whoActs: 'customerAdmin',
    action: 'In Entra, open Enterprise applications, choose the application, and assign the account.',
    mayPass: true,
  },
  sign_in_again: {
    meaning: 'Microsoft refuses the link and wants the person to sign in again.',
    whoActs: 'user',
    action: RELINK,
    mayPass: true,
  },
  secret_missing: {
    meaning: 'The vault does not hold the link’s secret any more.',
    whoActs: 'robomq',
    action: 'Recover the deleted secret in the vault within its retention; otherwise click Link account again.',
    mayPass: true,
  },
  secret_wrong: {
    meaning: 'Microsoft refuses the client secret of the customer’s application.',
    whoActs: 'customerAdmin',
    action: 'In Certificates & secrets, create a new client secret and enter its Value.',
    mayPass: true,
  },
  secret_expired: {
    meaning: 'The client secret of the customer’s application has expired.',
    whoActs: 'customerAdmin',
    action: 'In Certificates & secrets, create a new client secret and enter its Value.',
    mayPass: true,
  },
  app_not_found: {
    meaning: 'Microsoft does not find the application in the organization any more.',
    whoActs: 'customerAdmin',
    action:
      'Of your own: restore the app registration within 30 days of its deletion, or unlink and link with another one. Of RoboMQ: click Link account again and accept the permissions.',
    mayPass: true,
  },
  app_disabled: {
    meaning: 'The application is disabled in the organization.',
    whoActs: 'customerAdmin',
    action: 'In Entra, open Enterprise applications, choose the application, and enable sign-in for users.',
    mayPass: true,
  },
  app_refused: {
    meaning: 'Microsoft refuses the customer’s application.',
    whoActs: 'customerAdmin',
    action: 'Check the app registration and its client secret; then enter a new secret.',
    mayPass: true,
  },
  no_mailbox: {
    meaning: 'The account has no Outlook mailbox, or none that mail can be sent from.',
    whoActs: 'customerAdmin',
    action: 'Assign an Exchange Online licence to the account; waiting mail is tried once an hour.',
    mayPass: true,
  },
  blocked: {
    meaning: 'Outlook forbids the account to send.',
    whoActs: 'customerAdmin',
    action: 'Look for restricted senders in Microsoft Defender and for mail rules; waiting mail is tried once an hour.',
    mayPass: true,
  },
} as const satisfies Record<string, ConnectionReason>;

export type ConnectionReasonCode = keyof typeof CONNECTION_REASONS;

/**
 * AADSTS numbers choose the wording within what `error` and `suberror` decided; Microsoft changes them.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const GRANT_NUMBERS: ReadonlyMap<number, ConnectionReasonCode> = new Map([
  ...numbers('inactive', 70008, 700082, 700084),
  ...numbers('access_revoked', 50173, 50132, 50133),
  ...numbers('password_reset', 50055, 50125, 50142, 50144),
  ...numbers('sign_in_frequency', 70043, 70044),
  ...numbers('sign_in_policy', 50072, 50074, 50076, 50078, 50079, 50097, 50131, 50158),
  ...numbers('sign_in_policy', 53000, 53001, 53002, 53003, 53004, 53011, 500212, 500213),
  ...numbers('sign_in_policy', 530002, 530003, 530004, 530032, 530034, 530035),
  ...numbers('account_disabled', 50057),
  ...numbers('account_locked', 50053),
  ...numbers('account_missing', 50034, 51004, 50020),
  ...numbers('consent_withdrawn', 65001, 65004),
  ...numbers('admin_approval_needed', 90094, 90095, 900941, 900981),
  ...numbers('app_refused', 65005, 650052, 650053, 650056, 650057),
  ...numbers('tenant_unknown', 90002),
  ...numbers('not_assigned', 50105),
]);

const APPLICATION_NUMBERS: ReadonlyMap<number, ConnectionReasonCode> = new Map([
  ...numbers('secret_wrong', 7000215),
  ...numbers('secret_expired', 7000222),
  ...numbers('app_not_found', 700016, 70001, 7000229),
  ...numbers('app_disabled', 7000112),
]);

function numbers(code: ConnectionReasonCode, ...list: number[]): [number, ConnectionReasonCode][] {
  return list.map((number) => [number, code]);
}

/** What a suberror of `invalid_grant` means where no number says more. */
const SUBERRORS: readonly (readonly [RegExp, ConnectionReasonCode])[] = [
  [/consent_required/, 'consent_withdrawn'],
  [/user_password_expired/, 'password_reset'],
  [/basic_action|additional_action|message_only/, 'sign_in_policy'],
];

/**
 * The catalogue's code for what a row holds as its reason: Microsoft's error, suberror and number, joined by `_`. Rows
 * keep Microsoft's own words as evidence; the wire speaks in codes that are never renamed. Graph's code, of a mailbox
 * that it refused, stays as it is.
 */
export function wireReason(status: string, reason: string): string {
  return status === 'needs_relink' || status === 'broken' ? reasonCode(status, reason) : reason;
}

/** The entry that explains a connection's status; undefined for one that works. */
export function explain(status: string, reason: string): ConnectionReason | undefined {
  if (status === 'no_mailbox' || status === 'blocked') return CONNECTION_REASONS[status];
  if (status !== 'needs_relink' && status !== 'broken') return undefined;
  return CONNECTION_REASONS[reasonCode(status, reason)];
}

function reasonCode(status: 'needs_relink' | 'broken', reason: string): ConnectionReasonCode {
  if (reason === 'secret_missing') return 'secret_missing';
  const number = Number(/_(\d+)$/.exec(reason)?.[1] ?? 0);
  if (status === 'broken') return APPLICATION_NUMBERS.get(number) ?? 'app_refused';
  if (reason === 'insufficient_claims') return 'sign_in_demanded';
  const worded = GRANT_NUMBERS.get(number) ?? SUBERRORS.find(([pattern]) => pattern.test(reason))?.[1];
  if (worded) return worded;
  // RoboMQ's application, refused by this tenant alone.
  if (/^(unauthorized|invalid)_client/.test(reason)) return APPLICATION_NUMBERS.get(number) ?? 'app_refused';
  return reason.startsWith('interaction_required') ? 'sign_in_policy' : 'sign_in_again';
}
