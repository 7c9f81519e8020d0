import type { FieldCode } from './field-codes.ts';

/** Who has to act on a failure. `nobody`: waiting or trying again is enough. */
export type WhoActs = 'user' | 'customerAdmin' | 'robomq' | 'nobody';

interface ErrorEntry {
  /** HTTP status of the answer that carries the code. */
  readonly status: 400 | 401 | 404 | 409 | 413 | 429 | 500 | 503;
  readonly title: string;
  /** For whoever operates or integrates: what it means and what to do. */
  readonly operator: string;
}

interface LinkErrorEntry extends ErrorEntry {
  /** One sentence for the person who tries to link. */
  readonly person: string;
  readonly whoActs: WhoActs;
  /** What to click. */
  readonly action?: string;
}

/** Failures that a person can meet while linking, or that a connection shows later. */
export const LINK_ERRORS = {
  consent_declined: {
    status: 409,
    title: 'Consent declined',
    person: 'You declined the permissions, so the account was not linked.',
    operator: 'The person pressed Cancel on Microsoft’s consent page. Nothing is wrong.',
    whoActs: 'user',
    action: 'Click Link account again and accept the permissions.',
  },
  admin_approval_needed: {
    status: 409,
    title: 'An administrator must approve',
    person: 'Your organization lets only an administrator approve this application.',
    operator:
      'The tenant does not let users consent (AADSTS90094 and kin). Send its administrator the adminConsentUrl.',
    whoActs: 'customerAdmin',
    action: 'Send the approval address to your IT; once they approved, click Link account again.',
  },
  wrong_account: {
    status: 409,
    title: 'Another account signed in',
    person: 'You signed in with another account than the one to be linked.',
    operator: 'The mailbox identity is not the expected one (expectedMailbox, or the connection being re-linked).',
    whoActs: 'user',
    action: 'Click Link account again and choose the expected account.',
  },
  guest_account: {
    status: 409,
    title: 'Guest account',
    person: 'You signed in as a guest of that organization, and a guest has no mailbox there.',
    operator: 'The id token names another identity provider (idp): the account is a guest in the tenant.',
    whoActs: 'user',
    action: 'Click Link account again and choose an account that belongs to the organization itself.',
  },
  no_mailbox: {
    status: 409,
    title: 'No mailbox',
    person: 'This account has no Outlook mailbox, so it cannot send mail.',
    operator:
      'Graph says that the mailbox is missing, inactive, soft-deleted or on premises. The link stays connected, and its state tells this once the first mail, such as the test mail, was refused.',
    whoActs: 'customerAdmin',
    action: 'Ask your IT to assign an Exchange Online licence to the account, then send a test mail.',
  },
  wrong_tenant: {
    status: 409,
    title: 'Another organization’s account',
    person: 'You signed in with an account of another organization.',
    operator: 'The account’s tenant is not the tenant that the link was started for (tid, or AADSTS50020 and kin).',
    whoActs: 'user',
    action: 'Click Link account again and choose an account of the expected organization.',
  },
  personal_account: {
    status: 409,
    title: 'Personal account',
    person: 'You signed in with a personal Microsoft account, but an account of an organization is needed.',
    operator:
      'The application takes accounts of organizations only: one of the customer’s own always, RoboMQ’s unless SERVICE_PROVIDER_AUDIENCE is common.',
    whoActs: 'user',
    action: 'Click Link account again and choose the account that you have from your organization.',
  },
  account_unusable: {
    status: 409,
    title: 'Account cannot sign in',
    person:
      'Microsoft does not let this account sign in: it is locked, disabled or not known, or its password has expired.',
    operator: 'AADSTS50034, 50053, 50055, 50057, 50126: the account, not the application, is what Microsoft refuses.',
    whoActs: 'customerAdmin',
    action: 'Ask your IT to make the account able to sign in; then click Link account again.',
  },
  tenant_unknown: {
    status: 409,
    title: 'Organization unknown to Microsoft',
    person: 'Microsoft does not know this organization.',
    operator: 'No Entra tenant has this id or verified domain (AADSTS90002).',
    whoActs: 'customerAdmin',
    action: 'Check the tenant ID on the Overview page of your app registration; then click Link account again.',
  },
  app_not_found: {
    status: 409,
    title: 'Application not found',
    person: 'Microsoft does not find the application in this organization.',
    operator:
      'AADSTS700016 and its kin: wrong client ID, wrong tenant, or a single-tenant application without its tenant.',
    whoActs: 'customerAdmin',
    action:
      'Compare the client ID and the tenant with the Overview page of your app registration; then click Link account again.',
  },
  app_misconfigured: {
    status: 409,
    title: 'Application not set up to send',
    person: 'The application is not set up to send mail for your organization.',
    operator:
      'The registration lacks the delegated permission Mail.Send of Microsoft Graph, or the tenant has no Exchange Online (AADSTS650056, 65005, 70011 and kin).',
    whoActs: 'customerAdmin',
    action:
      'In the app registration, open API permissions and add Mail.Send of Microsoft Graph, delegated; then click Link account again.',
  },
  app_disabled: {
    status: 409,
    title: 'Application disabled',
    person: 'Your organization has disabled the application, or has not assigned it to you.',
    operator: 'The service principal is disabled, or the user is not assigned to it (AADSTS7000112, 50105).',
    whoActs: 'customerAdmin',
    action:
      'In Entra, open Enterprise applications, choose the application, enable sign-in and assign the person; then click Link account again.',
  },
  redirect_uri_not_registered: {
    status: 409,
    title: 'Redirect URI not registered',
    person: 'The application is not set up for this address yet.',
    operator:
      'AADSTS50011 and its kin: the redirect URI is missing from the app registration or stands under another platform than Web.',
    whoActs: 'customerAdmin',
    action:
      'In the app registration, open Authentication and add the redirect URI exactly as documented, under Web; then click Link account again.',
  },
  secret_is_id: {
    status: 400,
    title: 'That is the secret’s ID',
    person: 'This is the ID of the secret, not its value.',
    operator:
      'The client secret has the shape of a GUID, with or without braces and hyphens: the Secret ID was copied instead of the Value.',
    whoActs: 'customerAdmin',
    action: 'In Certificates & secrets, create a new client secret, copy its Value, and link with it.',
  },
  secret_wrong: {
    status: 409,
    title: 'Client secret refused',
    person: 'Microsoft refuses the client secret of the application.',
    operator: 'invalid_client (AADSTS7000215 and kin): the value is not a current secret of this application.',
    whoActs: 'customerAdmin',
    action: 'In Certificates & secrets, create a new client secret and copy its Value; then link again with it.',
  },
  secret_expired: {
    status: 409,
    title: 'Client secret expired',
    person: 'The client secret of the application has expired.',
    operator: 'invalid_client (AADSTS7000222): the client secret is past its expiry.',
    whoActs: 'customerAdmin',
    action: 'In Certificates & secrets, create a new client secret and copy its Value; then link again with it.',
  },
  service_provider_credential_refused: {
    status: 409,
    title: 'Our own application was refused',
    person: 'Microsoft does not accept our own application right now, so no account can be linked.',
    operator:
      'The managed identity does not fit the federated credential of RoboMQ’s app registration: compare issuer, subject (the identity’s principal ID) and audience (AADSTS700211 to 700213, 70025).',
    whoActs: 'robomq',
    action: 'Try again later. You need not change anything.',
  },
  conditional_access: {
    status: 409,
    title: 'Blocked by a sign-in policy',
    person: 'A sign-in policy of your organization blocked the sign-in, or asks for more than was given.',
    operator:
      'Conditional Access, a second factor or cross-tenant access (AADSTS53000-53004, 5300xx, 50072-50079, 500212 and kin).',
    whoActs: 'customerAdmin',
    action: 'Ask your IT which sign-in policy applies and meet it; then click Link account again.',
  },
  link_expired: {
    status: 409,
    title: 'The link expired',
    person: 'This took too long, so the link is no longer valid.',
    operator: 'Links live 30 minutes, the step back to Hire2Retire 5. The state of the link says how far it came.',
    whoActs: 'user',
    action: 'Click Link account again; if Microsoft showed an error page, show its number to your IT.',
  },
  link_used: {
    status: 409,
    title: 'The link was used already',
    person: 'This link was used already or belongs to another browser.',
    operator: 'A ticket, state or confirmation works once, and only in the browser that opened the link.',
    whoActs: 'user',
    action: 'Click Link account again.',
  },
  link_wrong_session: {
    status: 409,
    title: 'Another session came back',
    person: 'The account was not linked: another person or session came back than the one that started.',
    operator: 'The session that came back is not the one that started the link. The authorization was destroyed.',
    whoActs: 'user',
    action: 'Click Link account again and finish in the same browser.',
  },
  interrupted: {
    status: 409,
    title: 'Linking was interrupted',
    person: 'Linking was interrupted before it finished.',
    operator: 'A part of this service was restarted or unreachable in the middle; nothing was kept.',
    whoActs: 'user',
    action: 'Click Link account again.',
  },
  connection_unlinked: {
    status: 409,
    title: 'Unlinked meanwhile',
    person: 'The mailbox was unlinked while it was being linked again, so it is not linked now.',
    operator:
      'Somebody unlinked the connection between the sign-in and its confirm. The unlink wins; nothing was kept.',
    whoActs: 'user',
    action: 'Click Link account to link it anew.',
  },
  microsoft_unavailable: {
    status: 503,
    title: 'Microsoft is not available',
    person: 'Microsoft’s sign-in service does not answer right now.',
    operator:
      'The token endpoint or the OpenID metadata answered 429, 5xx or nothing. With Retry-After the same request can be repeated, and nobody needs to sign in again.',
    whoActs: 'nobody',
    action: 'Wait a few minutes, then click Link account again.',
  },
  sign_in_failed: {
    status: 409,
    title: 'Microsoft refused the sign-in',
    person: 'Microsoft did not complete the sign-in.',
    operator: 'An error without an entry of its own; its correlation id leads to it in the tenant’s sign-in logs.',
    whoActs: 'user',
    action: 'Click Link account again; if it fails again, give the correlation id to your IT.',
  },
} as const satisfies Record<string, LinkErrorEntry>;

/** Failures of a request to this API. */
export const API_ERRORS = {
  invalid_request: {
    status: 400,
    title: 'Invalid request',
    operator: 'The list `errors` names each field with a JSON pointer, a code and what is expected.',
  },
  key_in_url: {
    status: 400,
    title: 'Key in the URL',
    operator:
      'Send keys in the header x-functions-key, tokens in the header Authorization: URLs end up in logs. Rotate this one.',
  },
  unauthorized: { status: 401, title: 'Not authorized', operator: 'The key or token is missing or not accepted.' },
  not_found: {
    status: 404,
    title: 'Not found',
    operator: 'There is no such thing, or it belongs to another customer.',
  },
  payload_too_large: { status: 413, title: 'Too large', operator: 'The request is larger than any valid mail.' },
  too_many_links: {
    status: 429,
    title: 'Too many open links',
    operator: 'A customer may have 10 links open at a time; each closes when it ends or after 30 minutes.',
  },
  link_in_progress: {
    status: 409,
    title: 'Being confirmed already',
    operator:
      'Another confirm of this link is under way, or the mailbox’s former connection is still being unlinked. Ask again in a few seconds.',
  },
  link_not_authorized: {
    status: 409,
    title: 'Nothing to confirm',
    operator: 'The person has not come back from Microsoft, or the confirmation is not the one that was handed out.',
  },
  relink_other_application: {
    status: 409,
    title: 'Re-link through another application',
    operator: 'A connection is re-linked through its own application. To change it, unlink and link again.',
  },
  rotation_in_progress: {
    status: 409,
    title: 'Another secret is being set',
    operator: 'Somebody gives this application a new secret at this moment. Ask again in a few seconds.',
  },
  connection_removed: {
    status: 409,
    title: 'Connection was unlinked',
    operator: 'The link was confirmed before, and the connection that it made was unlinked since. Start a new link.',
  },
  customer_being_removed: {
    status: 409,
    title: 'Customer is being removed',
    operator:
      'Everything of the customer is being removed. New links and mail are taken again once GET …/removal says removed.',
  },
  connection_not_working: {
    status: 409,
    title: 'Connection does not work',
    operator: 'Only a working connection is paused, and only a paused one resumed. Repair it first: see its status.',
  },
  id_reused: {
    status: 409,
    title: 'Mail id used for another content',
    operator: 'A mail with this mailId and another content exists on this connection. The first one is unaffected.',
  },
  already_sending: {
    status: 409,
    title: 'No longer waiting',
    operator: 'Only a mail that waits can be cancelled.',
  },
  attempt_changed: {
    status: 409,
    title: 'The mail changed meanwhile',
    operator: 'The mail is not at the attempt that was named any more. Read its record and decide anew.',
  },
  not_retryable: {
    status: 409,
    title: 'Not in a state for this',
    operator: 'retry takes mail that is dead, rejected or expired; resolve takes mail that is uncertain.',
  },
  content_gone: {
    status: 409,
    title: 'Content no longer kept',
    operator:
      'The content is kept for 7 days after a mail ended, and not at all when it was refused at intake. Submit it anew.',
  },
  service_unavailable: {
    status: 503,
    title: 'Temporarily unavailable',
    operator:
      'Storage, the vault or another service of Microsoft’s did not answer. Nothing was lost; repeat the request after Retry-After.',
  },
  internal_error: { status: 500, title: 'Internal error', operator: 'Search the logs for the correlation id.' },
} as const satisfies Record<string, ErrorEntry>;

/**
 * Why a mail waits or ended, as `reason` of its record and of events about it. A mail that was refused at intake has a
 * field's code there (field-codes.ts), and one that Graph refused has Graph's.
 */
export const MAIL_REASONS = {
  connection_removed: 'The connection was unlinked while the mail waited.',
  id_reused:
    'The mailId was used before on this connection for another content; in the event alone, since the record is the first mail’s.',
  scheduled: 'The mail waits for its sendAt.',
  paced: 'The mailbox sends at its pace (MAIL_PER_MINUTE); the mail waits for its turn.',
  daily_recipients:
    'The mailbox reached its recipients of 24 hours (MAIL_RECIPIENTS_PER_DAY); the mail waits until the count falls.',
  throttled: 'Graph asked to wait.',
  sending_stopped: 'An operator stopped all sending; the mail waits.',
  'token_endpoint_…': 'Microsoft’s token endpoint had a bad minute; what it said stands behind. The mail waits.',
  'not_sent_…': 'Graph could not be reached, and nothing left; the cause stands behind. The mail waits.',
  'http_…': 'Graph refused the mail with this status and without a code of its own.',
  store_unavailable: 'The vault or storage did not answer; the mail waits.',
  graph_refuses_fresh_tokens:
    'Graph refuses access tokens that were obtained a moment ago; the mail waits, and an alert is raised.',
  service_provider_credential_refused:
    'Microsoft refuses the credential of RoboMQ’s application; the mail waits, and an alert is raised.',
  retried: 'Somebody gave the ended mail a fresh budget; it waits again.',
  resent_by_request: 'Somebody settled the uncertain mail by having it sent once more.',
  resolved_as_sent: 'Somebody settled the uncertain mail as sent.',
  cancelled_by_request: 'The mail was cancelled while it waited.',
  expired: 'The mail’s expiresAt passed before it could be sent.',
  content_changed: 'The blob with the content was changed or deleted after intake.',
  no_answer: 'Graph’s answer was lost after the request had left; the mail may have been sent.',
  server_error_after_send: 'Graph answered with a server error after it had the request; the mail may have been sent.',
  stale_claim: 'The instance that was sending the mail died; the mail may have been sent.',
  poisoned: 'Processing failed again and again; see the exceptions of the sender.',
} as const;

/**
 * Why a message of `outlook-mail` is nobody's mail. It has no record and no event: it is in the container `rejected-mail`
 * with this as `reason`, and in the log as `mail.not_taken`.
 */
export const NOT_TAKEN_REASONS = {
  message_unreadable: 'The message is not JSON, neither as text nor base64-encoded.',
  message_invalid: '`customerId` or `connectionId` is missing, or has another form than such ids have.',
  connection_unknown: 'This customer has no such connection, or it was unlinked.',
  id_reused: 'The `mailId` stands for another content. This alone has an event, `mail.rejected`.',
  poisoned: 'The message was delivered 15 times, and processing failed each time.',
} as const;
export type NotTakenReason = keyof typeof NOT_TAKEN_REASONS;

export type LinkErrorCode = keyof typeof LINK_ERRORS;
export type ApiErrorCode = keyof typeof API_ERRORS;
export type ErrorCode = LinkErrorCode | ApiErrorCode;

/** One field that is wrong. */
export interface FieldError {
  /** JSON pointer into the request, or `?name` for a query parameter. */
  readonly pointer: string;
  readonly code: FieldCode;
  readonly detail: string;
}

export interface AppErrorOptions {
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
  /** Further members of the problem document. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An error of the catalogue. `message` may be shown to callers: it never holds a secret, an address or a stack. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly options: AppErrorOptions;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.detail ?? catalogueEntry(code).operator, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.options = options;
  }
}

/** The catalogue's entry of a code. */
export function catalogueEntry(code: ErrorCode): ErrorEntry {
  return code in LINK_ERRORS ? LINK_ERRORS[code as LinkErrorCode] : API_ERRORS[code as ApiErrorCode];
}

/** A 400 that names one field. */
export function invalidField(pointer: string, code: FieldCode, detail: string): AppError {
  return new AppError('invalid_request', { detail, errors: [{ pointer, code, detail }] });
}
