import { randomUUID } from 'node:crypto';
import type { Flow } from './flow.ts';
import { CUSTOMER } from './mails.ts';

export interface MailFields {
  readonly mailId: string;
  readonly [name: string]: unknown;
}

/** A mail as `POST mails` takes it. */
export function mail(changes: Readonly<Record<string, unknown>> = {}): MailFields {
  const mailId = `mail-${randomUUID()}`;
  return {
    mailId,
    to: ['ada@example.com'],
    subject: `Subject of ${mailId}`,
    body: { contentType: 'text', content: 'Good morning.' },
    ...changes,
  };
}

/** A message for `outlook-mail`. */
export function message(connectionId: string, changes: Readonly<Record<string, unknown>> = {}): MailFields {
  return { version: 1, customerId: CUSTOMER, connectionId, ...mail(changes) };
}

export type Encoding = 'plain' | 'base64';

/** Puts a message on `outlook-mail` as a producer does. Returns the id that the queue gave it. */
export async function enqueue(flow: Flow, content: unknown, encoding: Encoding = 'plain'): Promise<string> {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const encoded = encoding === 'base64' ? Buffer.from(text).toString('base64') : text;
  const { messageId } = await flow.queue(flow.sandbox.info.mailQueue).sendMessage(encoded);
  return messageId;
}

/** What `rejected-mail` keeps of a message, and why; undefined when it keeps nothing. */
export async function rejected(flow: Flow, messageId: string) {
  const blob = flow.blobs().getContainerClient('rejected-mail').getBlockBlobClient(messageId);
  if (!(await blob.exists())) return undefined;
  const { metadata } = await blob.getProperties();
  return { reason: metadata?.['reason'], text: (await blob.downloadToBuffer()).toString() };
}

/** Messages on `outlook-mail`, those in work among them. */
export async function queued(flow: Flow): Promise<number> {
  const properties = await flow.queue(flow.sandbox.info.mailQueue).getProperties();
  return properties.approximateMessagesCount ?? 0;
}
