/**
 * What the API answers, as schemas: for the OpenAPI description, and for the tests, which hold every answer that they get
 * against it. Strict: a member that is not described here fails a test.
 */
import * as z from 'zod';
import { CONNECTION_REASONS } from '../../shared/connection-reasons.ts';
import type { ApplicationResource } from '../../shared/connections/application-resource.ts';
import type { ConnectionResource } from '../../shared/connections/resource.ts';
import type { UnlinkResource } from '../../shared/connections/unlink.ts';
import type { LeaversResource } from '../../shared/customers/leavers.ts';
import type { RemovalResource } from '../../shared/customers/remove-customer.ts';
import { API_ERRORS, type FieldError, LINK_ERRORS } from '../../shared/errors.ts';
import { FIELD_CODES, type FieldCode } from '../../shared/field-codes.ts';
import { CALLER_ID } from '../../shared/ids.ts';
import type { CheckedApplication } from '../../shared/linking/check-application.ts';
import type { LinkError } from '../../shared/linking/link-problem.ts';
import type { LinkResource } from '../../shared/linking/link-state.ts';
import type { StartedLink } from '../../shared/linking/start-link.ts';
import { LISTED_STATES } from '../../shared/mail/read-mails.ts';
import type { MailResource } from '../../shared/mail/record.ts';
import type { HealthDetails } from '../../shared/operations/health-details.ts';

type LinkCode = keyof typeof LINK_ERRORS;
type AnyCode = LinkCode | keyof typeof API_ERRORS;
const keysOf = <K extends string>(object: Readonly<Record<K, unknown>>) => Object.keys(object) as [K, ...K[]];

const meaning = (entries: Readonly<Record<string, { readonly operator: string }>>) =>
  Object.entries(entries)
    .map(([code, { operator }]) => `- \`${code}\`: ${operator}`)
    .join('\n');
const EVERY = { ...LINK_ERRORS, ...API_ERRORS };

const linkCode = z
  .enum(keysOf<LinkCode>(LINK_ERRORS))
  .meta({ description: 'A code of `ErrorCode` that a link ends with.' });
const anyCode = z.enum(keysOf<AnyCode>(EVERY)).meta({ description: meaning(EVERY) });

const fieldCode = z.enum(keysOf<FieldCode>(FIELD_CODES)).meta({
  description: Object.entries(FIELD_CODES)
    .map(([code, sentence]) => `- \`${code}\`: ${sentence}`)
    .join('\n'),
});

const whoActs = z.enum(['user', 'customerAdmin', 'robomq', 'nobody']);
const reasons = Object.entries(CONNECTION_REASONS)
  .map(([code, { meaning: what }]) => `- \`${code}\`: ${what}`)
  .join('\n');

const moment = z.iso.datetime({ offset: true });
const date = z.iso.date();
const callerId = z.string().regex(CALLER_ID);
const linkId = z.string().regex(/^lnk_[0-9a-f]{32}$/);
const connectionId = z.string().regex(/^con_[0-9a-f]{32}$/);
/** Microsoft's own identifiers: GUIDs in every case that is known, and theirs to change. */
const microsoftId = z.string();

export const startedLink = z.strictObject({
  linkId,
  linkUrl: z.url().meta({ description: 'Where the person’s browser goes next. Works once, in one browser.' }),
  expiresAt: moment,
  warnings: z.array(z.enum(['tenant_unknown'])).meta({
    description:
      'tenant_unknown: nobody said which organization it is. A single-tenant application cannot be signed in to so.',
  }),
}) satisfies z.ZodType<StartedLink>;

export const linkError = z.strictObject({
  code: linkCode,
  person: z.string().meta({ description: 'One sentence for the person who tries to link.' }),
  operator: z.string().meta({ description: 'For whoever operates or integrates.' }),
  whoActs,
  action: z.string().exactOptional().meta({ description: 'What to click.' }),
  adminConsentUrl: z.url().exactOptional().meta({ description: 'Where an administrator approves the application.' }),
  textForIt: z.string().exactOptional().meta({ description: 'Ready to be forwarded to the customer’s IT.' }),
  microsoft: z
    .strictObject({ correlationId: microsoftId, traceId: microsoftId })
    .exactOptional()
    .meta({ description: 'Under these the sign-in logs of Entra have it.' }),
}) satisfies z.ZodType<LinkError>;

export const linkState = z.strictObject({
  linkId,
  state: z.enum(['started', 'opened', 'authorized', 'connected', 'failed', 'expired']),
  connectionId: connectionId.exactOptional(),
  mailboxDiffers: z.literal(true).exactOptional().meta({ description: 'Another account than loginHint signed in.' }),
  error: linkError.exactOptional(),
}) satisfies z.ZodType<LinkResource>;

export const checkedApplication = z.strictObject({
  ok: z.boolean(),
  code: linkCode.exactOptional().meta({ description: 'What is wrong.' }),
}) satisfies z.ZodType<CheckedApplication>;

export const connection = z.strictObject({
  connectionId,
  customerId: callerId,
  displayName: z.string(),
  status: z.enum(['connected', 'paused', 'needs_relink', 'no_mailbox', 'blocked', 'broken']),
  reason: z
    .string()
    .exactOptional()
    .meta({
      description: `Why it does not work. Where Graph refused the mailbox (\`no_mailbox\`, \`blocked\`) Graph’s own code, otherwise one of these:\n\n${reasons}`,
    }),
  trouble: z
    .strictObject({ meaning: z.string(), whoActs, action: z.string() })
    .exactOptional()
    .meta({ description: 'The same in words: what happened, who acts, what to do.' }),
  mailbox: z.strictObject({
    signInName: z.string().meta({ description: 'For display only: an address is no identity.' }),
    tenantId: microsoftId,
    objectId: microsoftId,
  }),
  application: z.strictObject({
    kind: z.enum(['serviceProvider', 'customerOwned']),
    clientId: microsoftId,
    tenantId: microsoftId,
    secretExpiresOn: date.exactOptional(),
    secretExpiryAssumed: z.literal(true).exactOptional().meta({ description: 'Nobody gave a date.' }),
  }),
  linkedAt: moment,
  lastProvenAt: moment,
  daysToTrouble: z.int().min(0).meta({ description: 'Until the link dies by itself; 0 when it does not work now.' }),
  onUncertain: z.enum(['hold', 'resend']),
  alertAddress: z.string().exactOptional(),
  lane: z
    .strictObject({
      waiting: z.int().min(0),
      pausedUntil: moment.exactOptional(),
      expectedFinish: moment.exactOptional(),
    })
    .exactOptional()
    .meta({ description: 'Its line of mail; not in lists.' }),
}) satisfies z.ZodType<ConnectionResource>;

export const confirmedConnection = connection.extend({
  mailboxDiffers: z.literal(true).exactOptional().meta({ description: 'Another account than loginHint signed in.' }),
});

export const unlinked = z.strictObject({
  connectionId,
  state: z.enum(['removed', 'removing']),
  secretsRecoverableUntil: moment.exactOptional(),
  withdrawConsentAt: z.url().meta({ description: 'Where the person withdraws the consent that Microsoft keeps.' }),
}) satisfies z.ZodType<UnlinkResource>;

export const application = z.strictObject({
  customerId: callerId,
  clientId: microsoftId,
  tenantId: microsoftId,
  status: z.enum(['working', 'broken']),
  reason: z.string().exactOptional(),
  secretSetAt: moment,
  secretExpiresOn: date,
  secretExpiryAssumed: z.literal(true).exactOptional(),
}) satisfies z.ZodType<ApplicationResource>;

const mailState = z.enum(LISTED_STATES);

export const mail = z.strictObject({
  mailId: callerId,
  customerId: callerId,
  connectionId,
  state: mailState,
  reason: z.string().exactOptional(),
  attempts: z.int().min(0),
  queuedAt: moment,
  dueAt: moment.exactOptional(),
  acceptedAt: moment.exactOptional(),
  expiresAt: moment,
  late: z.literal(true).exactOptional().meta({ description: 'The evidence came after the mail was called uncertain.' }),
  graph: z
    .strictObject({ requestId: z.string(), clientRequestId: z.string(), status: z.int() })
    .exactOptional()
    .meta({ description: 'Under these Microsoft’s support finds the request.' }),
}) satisfies z.ZodType<MailResource>;

export const mailResults = z.strictObject({
  items: z.array(
    z.union([
      z.strictObject({ mailId: callerId, state: mailState }),
      z.strictObject({ mailId: callerId, code: anyCode }),
    ]),
  ),
});

export const customerRemoval = z.strictObject({
  state: z.enum(['removing', 'removed']),
  connectionsLeft: z.int().min(0),
  secretsRecoverableUntil: moment
    .exactOptional()
    .meta({ description: 'Until when the vault can recover the deleted secrets.' }),
}) satisfies z.ZodType<RemovalResource>;

export const leaversFound = z.strictObject({
  items: z.array(
    z.strictObject({
      connectionId,
      matchedBy: z.enum(['objectId', 'signInName']).meta({
        description: 'objectId is certain; a sign-in name is what the account was called at its last daily check.',
      }),
    }),
  ),
}) satisfies z.ZodType<LeaversResource>;

export const healthDetails = z.strictObject({
  status: z.enum(['ok', 'degraded']),
  dependencies: z.array(
    z.strictObject({
      name: z.enum(['table', 'queue', 'blob', 'vault', 'login', 'graph']),
      status: z.enum(['ok', 'failed', 'timeout']),
      latencyMs: z.int().min(0),
    }),
  ),
}) satisfies z.ZodType<HealthDetails>;

export const health = z.strictObject({ status: z.literal('ok') });

const page = <T extends z.ZodType>(item: T) =>
  z.strictObject({
    items: z.array(item),
    next: z.string().exactOptional().meta({ description: 'The `after` of the next page; absent on the last one.' }),
  });
export const connectionList = page(connection);
export const applicationList = page(application);
export const mailList = page(mail);

export const fieldError = z.strictObject({
  pointer: z.string().meta({ description: 'JSON pointer into the body, or ?name for a query parameter.' }),
  code: fieldCode,
  detail: z.string(),
}) satisfies z.ZodType<FieldError>;

/** RFC 9457. */
export const problem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: anyCode,
  correlationId: z.string(),
  errors: z.array(fieldError).exactOptional(),
  error: linkError.exactOptional().meta({ description: 'Of a link that failed.' }),
});

/** Names under which the description has them. */
export const ANSWERS = {
  ErrorCode: anyCode,
  LinkErrorCode: linkCode,
  StartedLink: startedLink,
  LinkError: linkError,
  LinkState: linkState,
  CheckedApplication: checkedApplication,
  Connection: connection,
  ConfirmedConnection: confirmedConnection,
  ConnectionList: connectionList,
  UnlinkedConnection: unlinked,
  Application: application,
  ApplicationList: applicationList,
  MailRecord: mail,
  MailList: mailList,
  MailResults: mailResults,
  CustomerRemoval: customerRemoval,
  LeaversFound: leaversFound,
  Health: health,
  HealthDetails: healthDetails,
  FieldCode: fieldCode,
  FieldError: fieldError,
  Problem: problem,
} as const;
export type AnswerName = keyof typeof ANSWERS;
