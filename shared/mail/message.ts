import * as z from 'zod';
import { because } from '../field-codes.ts';
import { CALLER_ID, isOwnId } from '../ids.ts';
import { address } from './address.ts';
import { headerText } from './header-text.ts';
import { LIMITS } from './limits.ts';

/** One recipient: an address, or an address with a name. */
export const recipient = z
  .union([
    address.transform((value) => ({ address: value })),
    z.strictObject({
      address,
      name: headerText(LIMITS.nameCharacters).optional().meta({ description: 'What mail programs show.' }),
    }),
  ])
  .meta({ description: 'An address, or an address with a name.' });

const recipients = (description: string) =>
  z
    .array(recipient)
    .refine(
      (list) => list.length <= LIMITS.recipients,
      because('too_many_recipients', `must list at most ${LIMITS.recipients} recipients`),
    )
    .meta({ description, maxItems: LIMITS.recipients });

export const body = z.strictObject({
  contentType: z.enum(['html', 'text']),
  content: z
    .string()
    .refine((value) => value.isWellFormed(), because('not_unicode', 'must be well-formed Unicode'))
    .refine((value) => !value.includes('\0'), because('control_character', 'must not contain the character NUL')),
});

export const attachment = z.strictObject({
  name: headerText(LIMITS.attachmentNameCharacters).min(1).meta({ description: 'File name as the recipient sees it.' }),
  contentType: headerText(LIMITS.attachmentNameCharacters)
    .regex(/^[\w.+-]+\/[\w.+-]+(\s*;.*)?$/, 'must be a media type such as application/pdf')
    .meta({ examples: ['application/pdf'] }),
  contentBytes: z
    .base64('must be base64')
    .meta({ description: `All attachments together have at most ${LIMITS.attachmentBytes} bytes, decoded.` }),
  inlineId: headerText(LIMITS.attachmentNameCharacters)
    .regex(/^[\w.@+-]+$/, 'must hold letters, digits, and . _ @ + - only')
    .optional()
    .meta({ description: 'Content id, for `cid:` in html; makes the attachment an inline one.' }),
});

const attachments = z.array(attachment).refine(
  (list) => {
    const ids = list.flatMap(({ inlineId }) => inlineId ?? []);
    return new Set(ids).size === ids.length;
  },
  because('inline_id_repeated', 'must use each inlineId once: html could not tell which of them it means'),
);

/** How no header of a producer's begins: Exchange reads or strips these, and the last are ours. */
export const RESERVED_HEADERS = ['x-ms-', 'x-microsoft-', 'x-forefront-', 'x-outlook-sender-'] as const;

const headerName = z
  .string()
  .max(LIMITS.headerNameCharacters, `must have at most ${LIMITS.headerNameCharacters} characters`)
  .regex(/^[xX]-[A-Za-z0-9-]+$/, 'must begin with x- and hold letters, digits and hyphens')
  .refine(
    (value) => !RESERVED_HEADERS.some((prefix) => value.toLowerCase().startsWith(prefix)),
    because('header_reserved', `must not begin with ${RESERVED_HEADERS.join(', ')}`),
  )
  .meta({ not: { pattern: '^[xX]-([mM][sS]|microsoft|forefront|outlook-sender)-' } });

const headers = z
  .record(headerName, headerText(LIMITS.headerCharacters))
  .refine(
    (value) => new Set(Object.keys(value).map((name) => name.toLowerCase())).size === Object.keys(value).length,
    because('header_repeated', 'must name each header once: case makes no difference'),
  )
  .refine(
    (value) => Object.keys(value).length <= LIMITS.headers,
    because('too_many_headers', `must hold at most ${LIMITS.headers} headers: Graph takes 5, and one is ours`),
  )
  .meta({
    description: 'Headers of your own, beginning with `x-`; not x-ms-, x-microsoft-, x-forefront-, x-outlook-sender-.',
    maxProperties: LIMITS.headers,
    examples: [{ 'x-case': '4711' }],
  });

/** A date and time with an offset. */
const moment = z.iso.datetime({ offset: true, error: 'must be an ISO 8601 date and time with an offset' });

/** Refused with the reason, instead of as a field that nobody knows: producers look for it. */
const anotherSender = z
  .custom<never>(
    () => false,
    because(
      'from_not_supported',
      'Mail goes from the linked mailbox itself. Another sender needs the permission Mail.Send.Shared, which is not asked for: link that mailbox instead.',
    ),
  )
  .optional();

const fields = {
  mailId: z.string().regex(CALLER_ID, 'must match ^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$').optional().meta({
    description:
      'Idempotency key, one per mail of a connection: the same id and content again changes nothing. Without it, the queue message’s id is taken, or one is drawn.',
  }),
  to: recipients('To, cc and bcc together have 1 to 500.'),
  cc: recipients('Copies.').optional(),
  bcc: recipients('Copies that the others do not see.').optional(),
  replyTo: recipients('Where answers go instead of the linked mailbox.').optional(),
  subject: headerText(LIMITS.subjectCharacters),
  body: body.optional().meta({ description: 'Needed unless contentBlob is given.' }),
  contentBlob: z.string().min(1).max(1024).optional().meta({
    description:
      'Name of a blob in mail-drop, below {customerId}/{connectionId}/, that holds {body, attachments} instead of the message.',
  }),
  attachments: attachments.optional(),
  importance: z.enum(['low', 'normal', 'high']).optional(),
  headers: headers.optional(),
  saveToSentItems: z
    .boolean()
    .optional()
    .meta({ description: 'Whether the mailbox keeps a copy in Sent Items.', default: true }),
  sendAt: moment.optional().meta({
    description: 'Not before this time; at most a year ahead. From the queue a past time means now.',
  }),
  expiresAt: moment.optional().meta({
    description: `Not after this time; ${LIMITS.defaultExpiryHours} hours after sendAt or intake unless given.`,
  }),
  onUncertain: z.enum(['hold', 'resend']).optional().meta({
    description:
      'When Microsoft’s answer was lost, and the mail may have been sent: hold keeps it for a person, resend sends it once more. The connection’s own setting unless given.',
  }),
  from: anotherSender,
  sender: anotherSender,
} as const;

/** Body of `POST …/connections/{connectionId}/mails`. */
export const mailSchema = z.strictObject(fields);
export type Mail = z.infer<typeof mailSchema>;

/** Message on the queue `outlook-mail`, version 1. */
export const queueMessageSchema = z.strictObject({
  version: z.literal(1).meta({ type: 'integer' }),
  customerId: z.string().regex(CALLER_ID).meta({ description: 'The customer whose connection it is.' }),
  connectionId: z
    .string()
    .refine((value) => isOwnId(value, 'con'), 'is not the id of a connection')
    .meta({ description: 'The linked mailbox that sends.', pattern: '^con_[0-9a-f]{32}$' }),
  ...fields,
});
export type QueueMessage = z.infer<typeof queueMessageSchema>;

/** What a blob named by `contentBlob` holds. */
export const blobContentSchema = z.strictObject({ body, attachments: attachments.optional() });
export type BlobContent = z.infer<typeof blobContentSchema>;

export type Recipient = z.infer<typeof recipient>;
export type Attachment = z.infer<typeof attachment>;
