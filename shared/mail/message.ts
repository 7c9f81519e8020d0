import * as z from 'zod';
import { CALLER_ID, isOwnId } from '../ids.ts';
import { LIMITS } from './limits.ts';

/** Text that becomes part of a header line: a line break in it would forge further headers. */
const headerText = (maximum: number) =>
  z
    .string()
    .max(maximum, `must have at most ${maximum} characters`)
    .refine((value) => value.isWellFormed(), {
      message: 'must be well-formed Unicode',
      params: { code: 'not_unicode' },
    })
    .refine((value) => !/\p{Cc}/u.test(value), {
      message: 'must not contain control characters',
      params: { code: 'control_character' },
    });

/** A mail address, as it may stand in a header line. */
export const address = headerText(LIMITS.addressCharacters).regex(
  /^[^\s@<>()[\]\\,;:"]{1,64}@[^\s@<>()[\]\\,;:"]{1,255}$/u,
  'must be a mail address such as ada@example.com',
);

const recipient = z.union([
  address.transform((value) => ({ address: value })),
  z.strictObject({ address, name: headerText(LIMITS.nameCharacters).optional() }),
]);

const recipients = z.array(recipient).refine((list) => list.length <= LIMITS.recipients, {
  message: `must list at most ${LIMITS.recipients} recipients`,
  params: { code: 'too_many_recipients' },
});

const body = z.strictObject({
  contentType: z.enum(['html', 'text']),
  content: z.string().refine((value) => value.isWellFormed(), {
    message: 'must be well-formed Unicode',
    params: { code: 'not_unicode' },
  }),
});

const attachment = z.strictObject({
  name: headerText(255).min(1),
  contentType: headerText(255).regex(/^[\w.+-]+\/[\w.+-]+(\s*;.*)?$/, 'must be a media type such as application/pdf'),
  contentBytes: z.base64('must be base64'),
  /** Content id, for `cid:` in html; makes the attachment an inline one. */
  inlineId: headerText(255)
    .regex(/^[\w.@+-]+$/)
    .optional(),
});

const headerName = z
  .string()
  .max(100)
  .regex(/^[xX]-[A-Za-z0-9-]+$/, 'must begin with x- and hold letters, digits and hyphens')
  .refine((value) => !/^x-(ms|microsoft|forefront|outlook-sender)-/i.test(value), {
    message: 'must not begin with x-ms-, x-microsoft-, x-forefront- or x-outlook-sender-',
    params: { code: 'header_reserved' },
  });

const headers = z
  .record(headerName, headerText(LIMITS.headerCharacters))
  .refine((value) => new Set(Object.keys(value).map((name) => name.toLowerCase())).size === Object.keys(value).length, {
    message: 'must name each header once: case makes no difference',
    params: { code: 'header_repeated' },
  })
  .refine((value) => Object.keys(value).length <= LIMITS.headers, {
    message: `must hold at most ${LIMITS.headers} headers: Graph takes 5, and one is ours`,
    params: { code: 'too_many_headers' },
  });

/** A date and time with an offset. */
const moment = z.iso.datetime({ offset: true, error: 'must be an ISO 8601 date and time with an offset' });

const fields = {
  mailId: z.string().regex(CALLER_ID, 'must match ^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$').optional(),
  to: recipients,
  cc: recipients.optional(),
  bcc: recipients.optional(),
  replyTo: recipients.optional(),
  subject: headerText(LIMITS.subjectCharacters),
  body: body.optional(),
  contentBlob: z.string().min(1).max(1024).optional(),
  attachments: z.array(attachment).optional(),
  importance: z.enum(['low', 'normal', 'high']).optional(),
  headers: headers.optional(),
  saveToSentItems: z.boolean().optional(),
  sendAt: moment.optional(),
  expiresAt: moment.optional(),
  onUncertain: z.enum(['hold', 'resend']).optional(),
} as const;

/** Body of `POST …/connections/{connectionId}/mails`. */
export const mailSchema = z.strictObject(fields);
export type Mail = z.infer<typeof mailSchema>;

/** Message on the queue `outlook-mail`, version 1. */
export const queueMessageSchema = z.strictObject({
  version: z.literal(1),
  customerId: z.string().regex(CALLER_ID),
  connectionId: z.string().refine((value) => isOwnId(value, 'con'), 'is not the id of a connection'),
  ...fields,
});
export type QueueMessage = z.infer<typeof queueMessageSchema>;

/** What a blob named by `contentBlob` holds. */
export const blobContentSchema = z.strictObject({ body, attachments: z.array(attachment).optional() });
export type BlobContent = z.infer<typeof blobContentSchema>;

export type Recipient = z.infer<typeof recipient>;
export type Attachment = z.infer<typeof attachment>;
