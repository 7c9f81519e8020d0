import type { Blobs } from '../storage/ports.ts';
import { flag, number, type StoredRow, text } from '../storage/table.ts';
import { CONTAINERS } from '../storage-names.ts';
import { utf8 } from '../utf8.ts';
import { LIMITS } from './limits.ts';
import { blobContentSchema } from './message.ts';
import type { MailContent } from './prepare.ts';

/** A mail that waits, with its content or the blob that holds it. Row `2|<dueAt>|<hash>`. */
export interface WaitingMail {
  readonly connectionId: string;
  readonly rowKey: string;
  readonly etag: string;
  /** Hash of the mailId: key of the record. */
  readonly hash: string;
  readonly mailId: string;
  readonly dueAt: string;
  readonly expiresAt: string;
  /** Epoch of the lane under which it was claimed; 0 for none. */
  readonly claimedBy: number;
  readonly attempts: number;
  /** Sent once more already after an unknown outcome. */
  readonly resent: boolean;
  readonly recipients: number;
  /** '' leaves the choice to the connection. */
  readonly onUncertain: '' | 'hold' | 'resend';
  readonly content: Uint8Array | undefined;
  readonly blob: BlobReference | undefined;
}

export interface BlobReference {
  readonly container: string;
  readonly name: string;
  readonly etag: string;
  /** Whether the blob holds the whole mail (ours) or body and attachments only (a producer's). */
  readonly holds: 'mail' | 'body';
}

/** Row keys of waiting mail and of events that are not on the queue yet: what a drain looks at. */
export const DRAIN_ROWS = { from: '2|', to: '3~', filter: 'parked ne true' } as const;
export const WAITING_ROWS = { from: '2|', to: '2~' } as const;

export function waitingKey(dueAt: Date, hash: string): string {
  return `2|${dueAt.toISOString()}|${hash}`;
}

export function recordKey(hash: string): string {
  return `1|${hash}`;
}

export function waitingOf(row: StoredRow): WaitingMail {
  const [, dueAt = '', hash = ''] = row.rowKey.split('|');
  const content = row.properties['content'];
  const container = text(row, 'blobContainer');
  return {
    connectionId: row.partitionKey,
    rowKey: row.rowKey,
    etag: row.etag,
    hash,
    mailId: text(row, 'mailId'),
    dueAt,
    expiresAt: text(row, 'expiresAt'),
    claimedBy: number(row, 'claimedBy'),
    attempts: number(row, 'attempts'),
    resent: flag(row, 'resent'),
    recipients: number(row, 'recipients'),
    onUncertain: text(row, 'onUncertain') as WaitingMail['onUncertain'],
    content: content instanceof Uint8Array ? content : undefined,
    blob: container
      ? {
          container,
          name: text(row, 'blobName'),
          etag: text(row, 'blobEtag'),
          holds: container === CONTAINERS.drop ? 'body' : 'mail',
        }
      : undefined,
  };
}

/**
 * The whole mail, read from its row and blob.
 * @returns undefined when the blob was changed or deleted since intake
 */
export async function loadContent(blobs: Blobs, mail: WaitingMail): Promise<MailContent | undefined> {
  const inRow = mail.content && (JSON.parse(Buffer.from(mail.content).toString('utf8')) as MailContent);
  if (!mail.blob) return inRow;
  const blob = await blobs.get(mail.blob.container, mail.blob.name, LIMITS.httpBodyBytes, mail.blob.etag);
  if (blob === undefined || blob === 'tooLarge') return undefined;
  // The ETag says that it is what was checked at intake.
  const parsed: unknown = JSON.parse(utf8(blob.content) ?? '');
  if (mail.blob.holds === 'mail') return parsed as MailContent;
  return inRow && { ...inRow, ...blobContentSchema.parse(parsed) };
}
