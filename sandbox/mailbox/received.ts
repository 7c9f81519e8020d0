import { readFile } from 'node:fs/promises';
import type { Email } from '@maildev/core';
import { type AddressObject, type Attachment, type HeaderLines, simpleParser } from 'mailparser';
import { headerValue } from './header-value.ts';
import { sentBody } from './sent-body.ts';

/** One mail as `GET {mailboxApi}` shows it. */
export interface ReceivedMail {
  readonly id: string;
  readonly from: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  /** Who got the mail and stands in neither `to` nor `cc`. */
  readonly bcc: readonly MailAddress[];
  readonly subject: string;
  /** Byte for byte, as `html` is. For a mail without a text part, what its HTML says. */
  readonly text: string;
  readonly html: string;
  /** Names in lower case; several lines of one name are an array. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly attachments: readonly ReceivedAttachment[];
}

export interface MailAddress {
  readonly address: string;
  readonly name: string;
}

export interface ReceivedAttachment {
  readonly name: string;
  readonly contentType: string;
  readonly contentId?: string;
  readonly size: number;
  /** base64 */
  readonly contentBytes: string;
}

/**
 * Reads a mail from its source. MailDev's own record will not do: it replaces references to inline images, forgets the
 * HTML as it was sent once somebody looked at the mail, and keeps one file for attachments of equal name and size.
 */
export async function readReceived(email: Email): Promise<ReceivedMail> {
  const source = await readFile(email.source);
  const mail = await simpleParser(source, { keepCidLinks: true });
  const body = sentBody(source.toString('latin1'));
  const html = body?.type === 'html' ? body.content : mail.html || '';
  return {
    id: email.id,
    from: addresses(mail.from),
    to: addresses(mail.to),
    cc: addresses(mail.cc),
    bcc: (email.calculatedBcc ?? []).map(({ address, name }) => ({ address, name: name ?? '' })),
    subject: mail.subject ?? '',
    text: body?.type === 'text' ? body.content : (mail.text ?? (await textOf(html))),
    html,
    headers: headers(mail.headerLines),
    attachments: mail.attachments.map(attachment),
  };
}

/** The parser makes text of a lone HTML part, but not of one that has attachments beside it; here it shall not matter. */
async function textOf(html: string): Promise<string> {
  if (html === '') return '';
  const head = 'Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n';
  const mail = await simpleParser(`${head}${Buffer.from(html).toString('base64')}`, { keepCidLinks: true });
  return mail.text ?? '';
}

function addresses(field: AddressObject | readonly AddressObject[] | undefined): MailAddress[] {
  const fields = field === undefined ? [] : 'value' in field ? [field] : field;
  return fields.flatMap(({ value }) => value.map(({ address, name }) => ({ address: address ?? '', name })));
}

function attachment({ filename, contentType, cid, content }: Attachment): ReceivedAttachment {
  return {
    name: filename ?? '',
    contentType,
    ...(cid !== undefined && { contentId: cid }),
    size: content.length,
    contentBytes: content.toString('base64'),
  };
}

function headers(lines: HeaderLines): ReceivedMail['headers'] {
  const byName = Map.groupBy(lines, ({ key }) => key);
  return Object.fromEntries(
    [...byName].map(([name, group]) => {
      const values = group.map(({ line }) => headerValue(line));
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}
