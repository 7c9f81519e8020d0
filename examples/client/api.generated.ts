// Generated from docs/api/openapi.json: npm run contracts.

export type StartLink = {
  readonly customerId: string;
  /** Opaque id of the signed-in session. The confirm must come from the same one. */
  readonly startedBy: string;
  /** A name out of the setting LINK_RETURN_URLS. */
  readonly returnTo: string;
  readonly displayName?: string;
  /** Fills in the address on Microsoft’s page; no demand. */
  readonly loginHint?: string;
  /** The mailbox that must sign in. */
  readonly expectedMailbox?: string;
  /** Only to link a connection again. */
  readonly connectionId?: string;
  readonly application: {
    readonly kind: "serviceProvider";
  } | {
    readonly kind: "customerOwned";
    readonly clientId: string;
    /** The Value of a client secret, not its Secret ID. */
    readonly clientSecret: string;
    /** Without it, 730 days are assumed. */
    readonly clientSecretExpiresOn?: string;
    /** Tenant ID or a verified domain of the organization. */
    readonly tenant?: string;
  };
};

export type CheckApplication = {
  /** Tenant ID or a verified domain of the organization. */
  readonly tenant?: string;
  readonly clientId: string;
  readonly clientSecret: string;
};

export type ConfirmLink = {
  readonly customerId: string;
  /** Opaque id of the signed-in session. The confirm must come from the same one. */
  readonly startedBy: string;
  /** What the return page got in its query. */
  readonly confirmation: string;
};

export type PatchConnection = {
  readonly displayName?: string;
  readonly onUncertain?: "hold" | "resend";
  readonly alertAddress?: "" | string;
};

export type TestMail = {
  /** A mail address. Letters of any script; no quoted local part, no IP address as domain. */
  readonly to: string;
};

export type RotateSecret = {
  /** The Value of a client secret, not its Secret ID. */
  readonly clientSecret: string;
  /** Without it, 730 days are assumed. */
  readonly clientSecretExpiresOn?: string;
};

export type Mail = {
  /** Idempotency key, one per mail of a connection: the same id and content again changes nothing. Without it, the queue message’s id is taken, or one is drawn. */
  readonly mailId?: string;
  /** To, cc and bcc together have 1 to 500. */
  readonly to: readonly Recipient[];
  /** Copies. */
  readonly cc?: readonly Recipient[];
  /** Copies that the others do not see. */
  readonly bcc?: readonly Recipient[];
  /** Where answers go instead of the linked mailbox. */
  readonly replyTo?: readonly Recipient[];
  readonly subject: string;
  /** Needed unless contentBlob is given. */
  readonly body?: MailBody;
  /** Name of a blob in mail-drop, below {customerId}/{connectionId}/, that holds {body, attachments} instead of the message. */
  readonly contentBlob?: string;
  readonly attachments?: readonly Attachment[];
  readonly importance?: "low" | "normal" | "high";
  /** Headers of your own, beginning with `x-`; not x-ms-, x-microsoft-, x-forefront-, x-outlook-sender-. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the mailbox keeps a copy in Sent Items. */
  readonly saveToSentItems?: boolean;
  /** Not before this time; at most a year ahead. From the queue a past time means now. */
  readonly sendAt?: string;
  /** Not after this time; 72 hours after sendAt or intake unless given. */
  readonly expiresAt?: string;
  /** When Microsoft’s answer was lost, and the mail may have been sent: hold keeps it for a person, resend sends it once more. The connection’s own setting unless given. */
  readonly onUncertain?: "hold" | "resend";
} & ({ readonly body: MailBody; readonly contentBlob?: never } | { readonly contentBlob: string; readonly body?: never; readonly attachments?: never });

export type Retry = {
  /** attempts of the record that the caller has seen. */
  readonly attempt: number;
};

export type Resolve = {
  /** attempts of the record that the caller has seen. */
  readonly attempt: number;
  readonly as: "resend" | "sent";
};

export type RetryMany = {
  readonly items: readonly ({
    readonly mailId: string;
    /** attempts of the record that the caller has seen. */
    readonly attempt: number;
  })[];
};

export type ResolveMany = {
  readonly items: readonly ({
    readonly mailId: string;
    /** attempts of the record that the caller has seen. */
    readonly attempt: number;
    readonly as: "resend" | "sent";
  })[];
};

export type Leavers = {
  readonly accounts: readonly ({
    readonly tenantId: string;
    readonly objectId: string;
  } | {
    readonly signInName: string;
  })[];
};

/** An address, or an address with a name. */
export type Recipient = string | {
  /** A mail address. Letters of any script; no quoted local part, no IP address as domain. */
  readonly address: string;
  /** What mail programs show. */
  readonly name?: string;
};

export type MailBody = {
  readonly contentType: "html" | "text";
  readonly content: string;
};

export type Attachment = {
  /** File name as the recipient sees it. */
  readonly name: string;
  readonly contentType: string;
  /** All attachments together have at most 3000000 bytes, decoded. */
  readonly contentBytes: string;
  /** Content id, for `cid:` in html; makes the attachment an inline one. */
  readonly inlineId?: string;
};

/**
 * - `consent_declined`: The person pressed Cancel on Microsoft’s consent page. Nothing is wrong.
 * - `admin_approval_needed`: The tenant does not let users consent (AADSTS90094 and kin). Send its administrator the adminConsentUrl.
 * - `wrong_account`: The mailbox identity is not the expected one (expectedMailbox, or the connection being re-linked).
 * - `guest_account`: The id token names another identity provider (idp): the account is a guest in the tenant.
 * - `no_mailbox`: Graph says that the mailbox is missing, inactive, soft-deleted or on premises. The link stays connected, and its state tells this once the first mail, such as the test mail, was refused.
 * - `wrong_tenant`: The account’s tenant is not the tenant that the link was started for (tid, or AADSTS50020 and kin).
 * - `personal_account`: The application takes accounts of organizations only: one of the customer’s own always, RoboMQ’s unless SERVICE_PROVIDER_AUDIENCE is common.
 * - `account_unusable`: AADSTS50034, 50053, 50055, 50057, 50126: the account, not the application, is what Microsoft refuses.
 * - `tenant_unknown`: No Entra tenant has this id or verified domain (AADSTS90002).
 * - `app_not_found`: AADSTS700016 and its kin: wrong client ID, wrong tenant, or a single-tenant application without its tenant.
 * - `app_misconfigured`: The registration lacks the delegated permission Mail.Send of Microsoft Graph, or the tenant has no Exchange Online (AADSTS650056, 65005, 70011 and kin).
 * - `app_disabled`: The service principal is disabled, or the user is not assigned to it (AADSTS7000112, 50105).
 * - `redirect_uri_not_registered`: AADSTS50011 and its kin: the redirect URI is missing from the app registration or stands under another platform than Web.
 * - `secret_is_id`: The client secret has the shape of a GUID, with or without braces and hyphens: the Secret ID was copied instead of the Value.
 * - `secret_wrong`: invalid_client (AADSTS7000215 and kin): the value is not a current secret of this application.
 * - `secret_expired`: invalid_client (AADSTS7000222): the client secret is past its expiry.
 * - `service_provider_credential_refused`: The managed identity does not fit the federated credential of RoboMQ’s app registration: compare issuer, subject (the identity’s principal ID) and audience (AADSTS700211 to 700213, 70025).
 * - `conditional_access`: Conditional Access, a second factor or cross-tenant access (AADSTS53000-53004, 5300xx, 50072-50079, 500212 and kin).
 * - `link_expired`: Links live 30 minutes, the step back to Hire2Retire 5. The state of the link says how far it came.
 * - `link_used`: A ticket, state or confirmation works once, and only in the browser that opened the link.
 * - `link_wrong_session`: The session that came back is not the one that started the link. The authorization was destroyed.
 * - `interrupted`: A part of this service was restarted or unreachable in the middle; nothing was kept.
 * - `connection_unlinked`: Somebody unlinked the connection between the sign-in and its confirm. The unlink wins; nothing was kept.
 * - `microsoft_unavailable`: The token endpoint or the OpenID metadata answered 429, 5xx or nothing. With Retry-After the same request can be repeated, and nobody needs to sign in again.
 * - `sign_in_failed`: An error without an entry of its own; its correlation id leads to it in the tenant’s sign-in logs.
 * - `invalid_request`: The list `errors` names each field with a JSON pointer, a code and what is expected.
 * - `key_in_url`: Send keys in the header x-functions-key, tokens in the header Authorization: URLs end up in logs. Rotate this one.
 * - `unauthorized`: The key or token is missing or not accepted.
 * - `not_found`: There is no such thing, or it belongs to another customer.
 * - `payload_too_large`: The request is larger than any valid mail.
 * - `too_many_links`: A customer may have 10 links open at a time; each closes when it ends or after 30 minutes.
 * - `link_in_progress`: Another confirm of this link is under way, or the mailbox’s former connection is still being unlinked. Ask again in a few seconds.
 * - `link_not_authorized`: The person has not come back from Microsoft, or the confirmation is not the one that was handed out.
 * - `relink_other_application`: A connection is re-linked through its own application. To change it, unlink and link again.
 * - `rotation_in_progress`: Somebody gives this application a new secret at this moment. Ask again in a few seconds.
 * - `connection_removed`: The link was confirmed before, and the connection that it made was unlinked since. Start a new link.
 * - `customer_being_removed`: Everything of the customer is being removed. New links and mail are taken again once GET …/removal says removed.
 * - `connection_not_working`: Only a working connection is paused, and only a paused one resumed. Repair it first: see its status.
 * - `id_reused`: A mail with this mailId and another content exists on this connection. The first one is unaffected.
 * - `already_sending`: Only a mail that waits can be cancelled.
 * - `attempt_changed`: The mail is not at the attempt that was named any more. Read its record and decide anew.
 * - `not_retryable`: retry takes mail that is dead, rejected or expired; resolve takes mail that is uncertain.
 * - `content_gone`: The content is kept for 7 days after a mail ended, and not at all when it was refused at intake. Submit it anew.
 * - `service_unavailable`: Storage, the vault or another service of Microsoft’s did not answer. Nothing was lost; repeat the request after Retry-After.
 * - `internal_error`: Search the logs for the correlation id.
 */
export type ErrorCode = "consent_declined" | "admin_approval_needed" | "wrong_account" | "guest_account" | "no_mailbox" | "wrong_tenant" | "personal_account" | "account_unusable" | "tenant_unknown" | "app_not_found" | "app_misconfigured" | "app_disabled" | "redirect_uri_not_registered" | "secret_is_id" | "secret_wrong" | "secret_expired" | "service_provider_credential_refused" | "conditional_access" | "link_expired" | "link_used" | "link_wrong_session" | "interrupted" | "connection_unlinked" | "microsoft_unavailable" | "sign_in_failed" | "invalid_request" | "key_in_url" | "unauthorized" | "not_found" | "payload_too_large" | "too_many_links" | "link_in_progress" | "link_not_authorized" | "relink_other_application" | "rotation_in_progress" | "connection_removed" | "customer_being_removed" | "connection_not_working" | "id_reused" | "already_sending" | "attempt_changed" | "not_retryable" | "content_gone" | "service_unavailable" | "internal_error";

/** A code of `ErrorCode` that a link ends with. */
export type LinkErrorCode = "consent_declined" | "admin_approval_needed" | "wrong_account" | "guest_account" | "no_mailbox" | "wrong_tenant" | "personal_account" | "account_unusable" | "tenant_unknown" | "app_not_found" | "app_misconfigured" | "app_disabled" | "redirect_uri_not_registered" | "secret_is_id" | "secret_wrong" | "secret_expired" | "service_provider_credential_refused" | "conditional_access" | "link_expired" | "link_used" | "link_wrong_session" | "interrupted" | "connection_unlinked" | "microsoft_unavailable" | "sign_in_failed";

export type StartedLink = {
  readonly linkId: string;
  /** Where the person’s browser goes next. Works once, in one browser. */
  readonly linkUrl: string;
  readonly expiresAt: string;
  /** tenant_unknown: nobody said which organization it is. A single-tenant application cannot be signed in to so. */
  readonly warnings: readonly "tenant_unknown"[];
};

export type LinkError = {
  readonly code: LinkErrorCode;
  /** One sentence for the person who tries to link. */
  readonly person: string;
  /** For whoever operates or integrates. */
  readonly operator: string;
  readonly whoActs: "user" | "customerAdmin" | "robomq" | "nobody";
  /** What to click. */
  readonly action?: string;
  /** Where an administrator approves the application. */
  readonly adminConsentUrl?: string;
  /** Ready to be forwarded to the customer’s IT. */
  readonly textForIt?: string;
  /** Under these the sign-in logs of Entra have it. */
  readonly microsoft?: {
    readonly correlationId: string;
    readonly traceId: string;
  };
};

export type LinkState = {
  readonly linkId: string;
  readonly state: "started" | "opened" | "authorized" | "connected" | "failed" | "expired";
  readonly connectionId?: string;
  /** Another account than loginHint signed in. */
  readonly mailboxDiffers?: true;
  readonly error?: LinkError;
};

export type CheckedApplication = {
  readonly ok: boolean;
  /** What is wrong. */
  readonly code?: LinkErrorCode;
};

export type Connection = {
  readonly connectionId: string;
  readonly customerId: string;
  readonly displayName: string;
  readonly status: "connected" | "paused" | "needs_relink" | "no_mailbox" | "blocked" | "broken";
  /**
   * Why it does not work. Where Graph refused the mailbox (`no_mailbox`, `blocked`) Graph’s own code, otherwise one of these:
   * 
   * - `inactive`: The link was not used for 90 days, so Microsoft let it expire.
   * - `access_revoked`: The sessions of the account were ended: by the person (sign out everywhere, a changed password) or by an administrator.
   * - `password_reset`: The password was reset by an administrator or has expired, and must be changed at a sign-in.
   * - `sign_in_frequency`: A Conditional Access policy demands a new sign-in every so many days, and the time is over.
   * - `sign_in_policy`: A sign-in policy of the organization (Conditional Access, multi-factor authentication) stops the link.
   * - `sign_in_demanded`: Outlook ended the session early and demands a new sign-in.
   * - `account_disabled`: The account is disabled in the organization.
   * - `account_locked`: The account is locked after too many failed sign-ins.
   * - `account_missing`: The account is gone from the organization.
   * - `consent_withdrawn`: The permission to send mail was withdrawn by the person or by an administrator.
   * - `admin_approval_needed`: An administrator of the organization must approve the application, or approve it again.
   * - `tenant_unknown`: Microsoft does not know the organization any more.
   * - `not_assigned`: Only assigned users may use the application, and the account is not assigned to it.
   * - `sign_in_again`: Microsoft refuses the link and wants the person to sign in again.
   * - `secret_missing`: The vault does not hold the link’s secret any more.
   * - `secret_wrong`: Microsoft refuses the client secret of the customer’s application.
   * - `secret_expired`: The client secret of the customer’s application has expired.
   * - `app_not_found`: Microsoft does not find the application in the organization any more.
   * - `app_disabled`: The application is disabled in the organization.
   * - `app_refused`: Microsoft refuses the customer’s application.
   * - `no_mailbox`: The account has no Outlook mailbox, or none that mail can be sent from.
   * - `blocked`: Outlook forbids the account to send.
   */
  readonly reason?: string;
  /** The same in words: what happened, who acts, what to do. */
  readonly trouble?: {
    readonly meaning: string;
    readonly whoActs: "user" | "customerAdmin" | "robomq" | "nobody";
    readonly action: string;
  };
  readonly mailbox: {
    /** For display only: an address is no identity. */
    readonly signInName: string;
    readonly tenantId: string;
    readonly objectId: string;
  };
  readonly application: {
    readonly kind: "serviceProvider" | "customerOwned";
    readonly clientId: string;
    readonly tenantId: string;
    readonly secretExpiresOn?: string;
    /** Nobody gave a date. */
    readonly secretExpiryAssumed?: true;
  };
  readonly linkedAt: string;
  readonly lastProvenAt: string;
  /** Until the link dies by itself; 0 when it does not work now. */
  readonly daysToTrouble: number;
  readonly onUncertain: "hold" | "resend";
  readonly alertAddress?: string;
  /** Its line of mail; not in lists. */
  readonly lane?: {
    readonly waiting: number;
    readonly pausedUntil?: string;
    readonly expectedFinish?: string;
  };
};

export type ConfirmedConnection = {
  readonly connectionId: string;
  readonly customerId: string;
  readonly displayName: string;
  readonly status: "connected" | "paused" | "needs_relink" | "no_mailbox" | "blocked" | "broken";
  /**
   * Why it does not work. Where Graph refused the mailbox (`no_mailbox`, `blocked`) Graph’s own code, otherwise one of these:
   * 
   * - `inactive`: The link was not used for 90 days, so Microsoft let it expire.
   * - `access_revoked`: The sessions of the account were ended: by the person (sign out everywhere, a changed password) or by an administrator.
   * - `password_reset`: The password was reset by an administrator or has expired, and must be changed at a sign-in.
   * - `sign_in_frequency`: A Conditional Access policy demands a new sign-in every so many days, and the time is over.
   * - `sign_in_policy`: A sign-in policy of the organization (Conditional Access, multi-factor authentication) stops the link.
   * - `sign_in_demanded`: Outlook ended the session early and demands a new sign-in.
   * - `account_disabled`: The account is disabled in the organization.
   * - `account_locked`: The account is locked after too many failed sign-ins.
   * - `account_missing`: The account is gone from the organization.
   * - `consent_withdrawn`: The permission to send mail was withdrawn by the person or by an administrator.
   * - `admin_approval_needed`: An administrator of the organization must approve the application, or approve it again.
   * - `tenant_unknown`: Microsoft does not know the organization any more.
   * - `not_assigned`: Only assigned users may use the application, and the account is not assigned to it.
   * - `sign_in_again`: Microsoft refuses the link and wants the person to sign in again.
   * - `secret_missing`: The vault does not hold the link’s secret any more.
   * - `secret_wrong`: Microsoft refuses the client secret of the customer’s application.
   * - `secret_expired`: The client secret of the customer’s application has expired.
   * - `app_not_found`: Microsoft does not find the application in the organization any more.
   * - `app_disabled`: The application is disabled in the organization.
   * - `app_refused`: Microsoft refuses the customer’s application.
   * - `no_mailbox`: The account has no Outlook mailbox, or none that mail can be sent from.
   * - `blocked`: Outlook forbids the account to send.
   */
  readonly reason?: string;
  /** The same in words: what happened, who acts, what to do. */
  readonly trouble?: {
    readonly meaning: string;
    readonly whoActs: "user" | "customerAdmin" | "robomq" | "nobody";
    readonly action: string;
  };
  readonly mailbox: {
    /** For display only: an address is no identity. */
    readonly signInName: string;
    readonly tenantId: string;
    readonly objectId: string;
  };
  readonly application: {
    readonly kind: "serviceProvider" | "customerOwned";
    readonly clientId: string;
    readonly tenantId: string;
    readonly secretExpiresOn?: string;
    /** Nobody gave a date. */
    readonly secretExpiryAssumed?: true;
  };
  readonly linkedAt: string;
  readonly lastProvenAt: string;
  /** Until the link dies by itself; 0 when it does not work now. */
  readonly daysToTrouble: number;
  readonly onUncertain: "hold" | "resend";
  readonly alertAddress?: string;
  /** Its line of mail; not in lists. */
  readonly lane?: {
    readonly waiting: number;
    readonly pausedUntil?: string;
    readonly expectedFinish?: string;
  };
  /** Another account than loginHint signed in. */
  readonly mailboxDiffers?: true;
};

export type ConnectionList = {
  readonly items: readonly Connection[];
  /** The `after` of the next page; absent on the last one. */
  readonly next?: string;
};

export type UnlinkedConnection = {
  readonly connectionId: string;
  readonly state: "removed" | "removing";
  readonly secretsRecoverableUntil?: string;
  /** Where the person withdraws the consent that Microsoft keeps. */
  readonly withdrawConsentAt: string;
};

export type Application = {
  readonly customerId: string;
  readonly clientId: string;
  readonly tenantId: string;
  readonly status: "working" | "broken";
  readonly reason?: string;
  readonly secretSetAt: string;
  readonly secretExpiresOn: string;
  readonly secretExpiryAssumed?: true;
};

export type ApplicationList = {
  readonly items: readonly Application[];
  /** The `after` of the next page; absent on the last one. */
  readonly next?: string;
};

export type MailRecord = {
  readonly mailId: string;
  readonly customerId: string;
  readonly connectionId: string;
  readonly state: "queued" | "waiting" | "held" | "sending" | "accepted" | "rejected" | "uncertain" | "expired" | "cancelled" | "dead";
  readonly reason?: string;
  readonly attempts: number;
  readonly queuedAt: string;
  readonly dueAt?: string;
  readonly acceptedAt?: string;
  readonly expiresAt: string;
  /** The evidence came after the mail was called uncertain. */
  readonly late?: true;
  /** Under these Microsoft’s support finds the request. */
  readonly graph?: {
    readonly requestId: string;
    readonly clientRequestId: string;
    readonly status: number;
  };
};

export type MailList = {
  readonly items: readonly MailRecord[];
  /** The `after` of the next page; absent on the last one. */
  readonly next?: string;
};

export type MailResults = {
  readonly items: readonly ({
    readonly mailId: string;
    readonly state: "queued" | "waiting" | "held" | "sending" | "accepted" | "rejected" | "uncertain" | "expired" | "cancelled" | "dead";
  } | {
    readonly mailId: string;
    readonly code: ErrorCode;
  })[];
};

export type CustomerRemoval = {
  readonly state: "removing" | "removed";
  readonly connectionsLeft: number;
  /** Until when the vault can recover the deleted secrets. */
  readonly secretsRecoverableUntil?: string;
};

export type LeaversFound = {
  readonly items: readonly ({
    readonly connectionId: string;
    /** objectId is certain; a sign-in name is what the account was called at its last daily check. */
    readonly matchedBy: "objectId" | "signInName";
  })[];
};

export type Health = {
  readonly status: "ok";
};

export type HealthDetails = {
  readonly status: "ok" | "degraded";
  readonly dependencies: readonly ({
    readonly name: "table" | "queue" | "blob" | "vault" | "login" | "graph";
    readonly status: "ok" | "failed" | "timeout";
    readonly latencyMs: number;
  })[];
};

/**
 * - `required`: The field is missing.
 * - `unknown_field`: There is no such field; the pointer names it. A misspelled field is refused, not ignored.
 * - `wrong_type`: The value is of another type, for example a text instead of a list.
 * - `invalid`: The value has another form than the field’s description says, or is none of the values that it may have.
 * - `too_large`: The text is longer, the list has more items, or the number is higher than the limit.
 * - `too_small`: The text is shorter, the list has fewer items, or the number is lower than the limit.
 * - `empty`: The request changes nothing: none of the fields that it may name is there.
 * - `not_json`: The body is not JSON.
 * - `not_utf8`: The body is not UTF-8.
 * - `content_type`: The header Content-Type does not say application/json.
 * - `repeated`: A query parameter is given twice.
 * - `not_a_next`: `after` is not a `next` of this list.
 * - `not_unicode`: The text holds half a character (an unpaired surrogate).
 * - `control_character`: The text holds a control character, which may be a line break, or a line or paragraph separator (U+2028, U+2029); in the content of a body, NUL.
 * - `bidirectional_override`: The text holds a character that turns the reading direction around (U+202A to U+202E, U+2066 to U+2069), with which names and files can look like others.
 * - `no_recipient`: The mail has nobody in `to`, `cc` and `bcc`.
 * - `too_many_recipients`: The mail has more recipients than Exchange, or the limit of 24 hours, lets through at once.
 * - `from_not_supported`: Mail goes from the linked mailbox; `from` and `sender` do not exist.
 * - `too_many_headers`: The mail has more than four headers.
 * - `header_repeated`: Two headers differ in case alone.
 * - `header_reserved`: The header’s name begins as Microsoft’s or ours do.
 * - `inline_id_repeated`: Two attachments have the same `inlineId`.
 * - `attachments_too_large`: The attachments together are larger than Graph takes in one request.
 * - `mail_too_large`: The mail as a whole, or its blob, is larger than Graph takes in one request.
 * - `content_twice`: The mail has `contentBlob` and also `body` or `attachments`.
 * - `content_blob_foreign`: `contentBlob` does not lie below `{customerId}/{connectionId}/`.
 * - `content_blob_missing`: There is no such blob.
 * - `content_blob_invalid`: The blob does not hold `{body, attachments}` as JSON.
 * - `send_at_past`: `sendAt` is over. Over HTTP only: from the queue it means now.
 * - `send_at_too_far`: `sendAt` is more than a year ahead.
 * - `expires_before_send`: `expiresAt` is not after `sendAt`.
 * - `expires_in_past`: `expiresAt` is over. Over HTTP only: from the queue the mail is taken in and ends as `expired`.
 * - `expires_too_far`: `expiresAt` is more than two years ahead.
 * - `secret_is_id`: That is the ID of the client secret, not its value.
 * - `tenant_unknown`: Microsoft knows no organization of this name.
 * - `wrong_tenant`: The mailbox is of another organization than the tenant, or than the connection that is linked again.
 * - `personal_account`: The mailbox is a personal one, and the application takes none.
 * - `return_not_registered`: `returnTo` is no name of the setting `LINK_RETURN_URLS`.
 */
export type FieldCode = "required" | "unknown_field" | "wrong_type" | "invalid" | "too_large" | "too_small" | "empty" | "not_json" | "not_utf8" | "content_type" | "repeated" | "not_a_next" | "not_unicode" | "control_character" | "bidirectional_override" | "no_recipient" | "too_many_recipients" | "from_not_supported" | "too_many_headers" | "header_repeated" | "header_reserved" | "inline_id_repeated" | "attachments_too_large" | "mail_too_large" | "content_twice" | "content_blob_foreign" | "content_blob_missing" | "content_blob_invalid" | "send_at_past" | "send_at_too_far" | "expires_before_send" | "expires_in_past" | "expires_too_far" | "secret_is_id" | "tenant_unknown" | "wrong_tenant" | "personal_account" | "return_not_registered";

export type FieldError = {
  /** JSON pointer into the body, or ?name for a query parameter. */
  readonly pointer: string;
  readonly code: FieldCode;
  readonly detail: string;
};

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly correlationId: string;
  readonly errors?: readonly FieldError[];
  /** Of a link that failed. */
  readonly error?: LinkError;
};

/** What each operation takes and answers. */
export interface Operations {
  /** Starts a link. */
  readonly 'link-start': { readonly input: { readonly body: StartLink }; readonly answer: StartedLink };
  /** Proves a customer’s own application. */
  readonly 'application-check': { readonly input: { readonly body: CheckApplication }; readonly answer: CheckedApplication };
  /** How far a link is, and why it failed. */
  readonly 'link-state': { readonly input: { readonly path: { readonly linkId: string }; readonly query: { readonly customerId: string } }; readonly answer: LinkState };
  /** Says that the same session came back. */
  readonly 'link-confirm': { readonly input: { readonly path: { readonly linkId: string }; readonly body: ConfirmLink }; readonly answer: ConfirmedConnection };
  /** Connections of a customer. */
  readonly 'connections-list': { readonly input: { readonly path: { readonly customerId: string }; readonly query?: { readonly limit?: number; readonly after?: string } }; readonly answer: ConnectionList };
  /** One connection, with its line of mail. */
  readonly 'connection-get': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string } }; readonly answer: Connection };
  /** Changes a connection. */
  readonly 'connection-patch': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string }; readonly body: PatchConnection }; readonly answer: Connection };
  /** Unlinks: cancels waiting mail and deletes the secrets. */
  readonly 'connection-unlink': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string } }; readonly answer: UnlinkedConnection };
  /** Holds mail. */
  readonly 'connection-pause': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string } }; readonly answer: Connection };
  /** Lets held mail go. */
  readonly 'connection-resume': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string } }; readonly answer: Connection };
  /** Sends a test mail now and says what happened. */
  readonly 'connection-test': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string }; readonly body: TestMail }; readonly answer: MailRecord };
  /** A customer’s own applications, with the expiry of their secrets. */
  readonly 'applications-list': { readonly input: { readonly path: { readonly customerId: string }; readonly query?: { readonly limit?: number; readonly after?: string } }; readonly answer: ApplicationList };
  /** Gives a customer’s own application a new client secret. */
  readonly 'application-secret': { readonly input: { readonly path: { readonly customerId: string; readonly clientId: string }; readonly body: RotateSecret }; readonly answer: Application };
  /** Submits a mail. */
  readonly 'mail-submit': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string }; readonly body: Mail }; readonly answer: MailRecord };
  /** Records of mail. */
  readonly 'mails-list': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string }; readonly query?: { readonly limit?: number; readonly after?: string; readonly state?: "queued" | "waiting" | "held" | "sending" | "accepted" | "rejected" | "uncertain" | "expired" | "cancelled" | "dead" } }; readonly answer: MailList };
  /** One record. */
  readonly 'mail-get': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string; readonly mailId: string } }; readonly answer: MailRecord };
  /** Cancels a mail that waits. */
  readonly 'mail-cancel': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string; readonly mailId: string } }; readonly answer: MailRecord };
  /** Gives a dead, rejected or expired mail another try. */
  readonly 'mail-retry': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string; readonly mailId: string }; readonly body: Retry }; readonly answer: MailRecord };
  /** Settles an uncertain mail. */
  readonly 'mail-resolve': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string; readonly mailId: string }; readonly body: Resolve }; readonly answer: MailRecord };
  /** Retries up to 200 mails. */
  readonly 'mails-retry': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string }; readonly body: RetryMany }; readonly answer: MailResults };
  /** Settles up to 200 uncertain mails. */
  readonly 'mails-resolve': { readonly input: { readonly path: { readonly customerId: string; readonly connectionId: string }; readonly body: ResolveMany }; readonly answer: MailResults };
  /** Removes everything of a customer, in the background. */
  readonly 'customer-remove': { readonly input: { readonly path: { readonly customerId: string } }; readonly answer: CustomerRemoval };
  /** How far the removal of a customer is. */
  readonly 'customer-removal': { readonly input: { readonly path: { readonly customerId: string } }; readonly answer: CustomerRemoval };
  /** Which connections would die if these accounts were disabled. */
  readonly 'leavers-check': { readonly input: { readonly path: { readonly customerId: string }; readonly body: Leavers }; readonly answer: LeaversFound };
  /** Liveness. */
  readonly 'health': { readonly input: {  }; readonly answer: Health };
  /** Whether everything that the app depends on answers. */
  readonly 'health-details': { readonly input: {  }; readonly answer: HealthDetails };
  /** This description. */
  readonly 'openapi': { readonly input: {  }; readonly answer: Readonly<Record<string, unknown>> };
  /** The queue message, version 1. */
  readonly 'mail-message-schema': { readonly input: {  }; readonly answer: Readonly<Record<string, unknown>> };
}

/** Where each operation is. */
export const ROUTES = {
  'link-start': ['POST', '/auth/link/Outlook'],
  'application-check': ['POST', '/auth/check/Outlook'],
  'link-state': ['GET', '/auth/link/Outlook/{linkId}'],
  'link-confirm': ['POST', '/auth/link/Outlook/{linkId}/confirm'],
  'connections-list': ['GET', '/customers/{customerId}/connections'],
  'connection-get': ['GET', '/customers/{customerId}/connections/{connectionId}'],
  'connection-patch': ['PATCH', '/customers/{customerId}/connections/{connectionId}'],
  'connection-unlink': ['DELETE', '/customers/{customerId}/connections/{connectionId}'],
  'connection-pause': ['POST', '/customers/{customerId}/connections/{connectionId}/pause'],
  'connection-resume': ['POST', '/customers/{customerId}/connections/{connectionId}/resume'],
  'connection-test': ['POST', '/customers/{customerId}/connections/{connectionId}/test'],
  'applications-list': ['GET', '/customers/{customerId}/applications'],
  'application-secret': ['PUT', '/customers/{customerId}/applications/{clientId}/secret'],
  'mail-submit': ['POST', '/customers/{customerId}/connections/{connectionId}/mails'],
  'mails-list': ['GET', '/customers/{customerId}/connections/{connectionId}/mails'],
  'mail-get': ['GET', '/customers/{customerId}/connections/{connectionId}/mails/{mailId}'],
  'mail-cancel': ['DELETE', '/customers/{customerId}/connections/{connectionId}/mails/{mailId}'],
  'mail-retry': ['POST', '/customers/{customerId}/connections/{connectionId}/mails/{mailId}/retry'],
  'mail-resolve': ['POST', '/customers/{customerId}/connections/{connectionId}/mails/{mailId}/resolve'],
  'mails-retry': ['POST', '/customers/{customerId}/connections/{connectionId}/mails/retry'],
  'mails-resolve': ['POST', '/customers/{customerId}/connections/{connectionId}/mails/resolve'],
  'customer-remove': ['DELETE', '/customers/{customerId}'],
  'customer-removal': ['GET', '/customers/{customerId}/removal'],
  'leavers-check': ['POST', '/customers/{customerId}/leavers/check'],
  'health': ['GET', '/health'],
  'health-details': ['GET', '/health/details'],
  'openapi': ['GET', '/openapi.json'],
  'mail-message-schema': ['GET', '/schemas/mail-message-v1.json'],
} as const satisfies Readonly<Record<keyof Operations, readonly [method: string, path: string]>>;
