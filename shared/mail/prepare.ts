import { DAY, HOUR, later, MINUTE } from '../clock.ts';
import type { FieldError } from '../errors.ts';
import type { FieldCode } from '../field-codes.ts';
import { sha256 } from '../ids.ts';
import { graphRequest } from './graph-request.ts';
import { LIMITS } from './limits.ts';
import type { BlobContent, Mail } from './message.ts';

/** A mail that passed every limit, as its rows hold it. */
export interface PreparedMail {
  readonly mailId: string;
  /** What the waiting row or its blob holds. */
  readonly content: MailContent;
  /** Tells the same message from another one under the same id. */
  readonly contentHash: string;
  readonly recipients: number;
  readonly dueAt: Date;
  readonly expiresAt: Date;
  readonly onUncertain: 'hold' | 'resend' | undefined;
}

/** The mail without what steers it; `body` is absent when a producer's blob holds it. */
export type MailContent = Omit<Mail, 'mailId' | 'sendAt' | 'expiresAt' | 'onUncertain' | 'contentBlob'>;

export type Preparation = { readonly mail: PreparedMail } | { readonly errors: readonly FieldError[] };

/**
 * Checks what a schema cannot: sums, sizes, times.
 * @param blob content of `contentBlob`, when the mail names one
 * @param source over HTTP a past time is a mistake. From the queue a past `sendAt` means "now", and a past `expiresAt`
 *   that the message lay there too long: it is taken in, and ends as expired
 */
export function prepareMail(
  mail: Mail,
  mailId: string,
  blob: BlobContent | undefined,
  source: 'http' | 'queue',
  now: Date,
  recipientsPerDay: number,
): Preparation {
  const { mailId: _, sendAt, expiresAt, onUncertain, contentBlob, ...content } = mail;
  const contentHash = contentHashOf(mail);
  const errors: FieldError[] = [];
  const report: Report = (pointer, code, detail) => void errors.push({ pointer, code, detail });

  const recipients = content.to.length + (content.cc?.length ?? 0) + (content.bcc?.length ?? 0);
  if (recipients === 0) report('/to', 'no_recipient', 'A mail needs at least one recipient in to, cc or bcc.');
  if (recipients > LIMITS.recipients) {
    report(
      '/to',
      'too_many_recipients',
      `There are ${recipients} recipients in to, cc and bcc; Exchange takes ${LIMITS.recipients}.`,
    );
  }
  if (recipients > recipientsPerDay && recipients <= LIMITS.recipients) {
    const detail = `There are ${recipients} recipients; a mailbox may write to ${recipientsPerDay} in 24 hours here.`;
    report('/to', 'too_many_recipients', detail);
  }
  if (contentBlob === undefined && content.body === undefined)
    report('/body', 'required', 'Either body or contentBlob is needed.');
  if (contentBlob !== undefined && (content.body || content.attachments)) {
    report('/contentBlob', 'content_twice', 'contentBlob stands instead of body and attachments.');
  }
  const whole = { ...content, ...blob };
  checkSizes(whole, mailId, report);
  const dueAt = checkTimes(sendAt, expiresAt, source, now, report);
  if (errors.length > 0) return { errors };
  const expiry = expiresAt === undefined ? later(dueAt, LIMITS.defaultExpiryHours * HOUR) : new Date(expiresAt);
  return { mail: { mailId, content, contentHash, recipients, dueAt, expiresAt: expiry, onUncertain } };
}

/**
 * Tells the same message from another one under the same id, whenever it comes. A default spelled out, and another
 * spelling of the same instant, change nothing.
 */
export function contentHashOf(mail: Mail): string {
  const { mailId: _, ...message } = mail;
  const said = Object.entries(message)
    .filter(([name, value]) => value !== undefined && !isDefault(name, value))
    .map(([name, value]) => [name, INSTANTS.has(name) ? new Date(String(value)).toISOString() : value]);
  return sha256(canonical(Object.fromEntries(said)));
}

const INSTANTS = new Set(['sendAt', 'expiresAt']);

function isDefault(name: string, value: unknown): boolean {
  if (name === 'importance') return value === 'normal';
  if (name === 'saveToSentItems') return value === true;
  if (['cc', 'bcc', 'replyTo', 'attachments'].includes(name)) return Array.isArray(value) && value.length === 0;
  return name === 'headers' && Object.keys(value ?? {}).length === 0;
}

type Report = (pointer: string, code: FieldCode, detail: string) => void;

function checkSizes(content: MailContent, mailId: string, report: Report): void {
  const decoded = (content.attachments ?? []).reduce((sum, { contentBytes }) => sum + decodedLength(contentBytes), 0);
  if (decoded > LIMITS.attachmentBytes) {
    report(
      '/attachments',
      'attachments_too_large',
      `The attachments have ${decoded} bytes; the limit is ${LIMITS.attachmentBytes}.`,
    );
    return;
  }
  if (content.body === undefined) return;
  const encoded = Buffer.byteLength(graphRequest(content, mailId));
  if (encoded > LIMITS.graphRequestBytes) {
    report(
      '',
      'mail_too_large',
      `The mail has ${encoded} bytes as a Graph request; the limit is ${LIMITS.graphRequestBytes}.`,
    );
  }
}

function decodedLength(base64: string): number {
  return Math.floor((base64.length * 3) / 4) - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0);
}

function checkTimes(
  sendAt: string | undefined,
  expiresAt: string | undefined,
  source: 'http' | 'queue',
  now: Date,
  report: Report,
): Date {
  const wanted = sendAt === undefined ? now : new Date(sendAt);
  if (source === 'http' && wanted < later(now, -LIMITS.pastMinutes * MINUTE)) {
    report('/sendAt', 'send_at_past', `sendAt is more than ${LIMITS.pastMinutes} minutes past.`);
  }
  if (wanted > later(now, LIMITS.scheduleDays * DAY)) {
    report('/sendAt', 'send_at_too_far', 'sendAt is more than a year ahead.');
  }
  const dueAt = wanted < now ? now : wanted;
  if (expiresAt === undefined) return dueAt;
  if (sendAt !== undefined && new Date(expiresAt) <= wanted) {
    report('/expiresAt', 'expires_before_send', 'expiresAt is not after sendAt.');
  } else if (source === 'http' && new Date(expiresAt) <= now)
    report('/expiresAt', 'expires_in_past', 'expiresAt is over.');
  else if (new Date(expiresAt) > later(now, 2 * LIMITS.scheduleDays * DAY)) {
    report('/expiresAt', 'expires_too_far', 'expiresAt is more than two years ahead.');
  }
  return dueAt;
}

/** JSON with sorted keys: the same message spelled in another order is the same message. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
}
