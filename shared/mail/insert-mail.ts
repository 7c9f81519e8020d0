import { randomBytes } from 'node:crypto';
import type { Connection } from '../connections/connection.ts';
import { sha256 } from '../ids.ts';
import { RowConflict, type RowOperation } from '../storage/table.ts';
import { CONTAINERS } from '../storage-names.ts';
import type { MailDeps } from './deps.ts';
import { LIMITS } from './limits.ts';
import type { BlobContent } from './message.ts';
import type { PreparedMail } from './prepare.ts';
import { isWaiting, type MailRecord, recordOf } from './record.ts';
import { type BlobReference, recordKey, type WaitingMail, waitingKey, waitingOf } from './waiting.ts';
import type { OwnMail } from './work-lane.ts';

/** A producer's blob, read and checked at intake. */
export interface ReadBlob {
  readonly name: string;
  readonly etag: string;
  /** Of its bytes: an upload repeated with the same content gets another ETag. */
  readonly hash: string;
  readonly content: BlobContent;
}

export type Insertion =
  | { readonly kind: 'inserted'; readonly own: OwnMail }
  /** The same id and the same content: the mail is known. */
  | { readonly kind: 'known'; readonly record: MailRecord }
  /** The id stands for another content. */
  | { readonly kind: 'id_reused' };

/**
 * Stores a mail: its record and its waiting row, with the content in the row or, when it is large, in a blob that is
 * written first. One transaction; whoever reads a record finds the mail.
 */
export async function insertMail(
  deps: MailDeps,
  connection: Connection,
  mail: PreparedMail,
  blob?: ReadBlob,
): Promise<Insertion> {
  const hash = sha256(mail.mailId);
  const { connectionId } = connection;
  const stored = await storeContent(deps, connection, hash, mail, blob);
  for (;;) {
    const waiting = waitingRow(mail, hash, stored);
    const record = recordRow(deps, connection, mail, hash, blob);
    try {
      const etags = await deps.mails.write(connectionId, [record, waiting.operation]);
      const etag = etags.get(waiting.operation.rowKey) ?? '';
      return {
        kind: 'inserted',
        own: { mail: { ...waiting.mail, connectionId, etag }, content: { ...mail.content, ...blob?.content } },
      };
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
    }
    const { row } = await deps.mails.get(connectionId, recordKey(hash));
    if (!row) continue;
    const known = recordOf(row);
    if (known.refusedAtIntake) {
      const own = await replaceRefused(deps, connection, mail, hash, known, stored, blob);
      if (own) return { kind: 'inserted', own };
      continue;
    }
    if (stored?.container === CONTAINERS.content)
      await deps.blobs.remove(stored.container, stored.name).catch(() => {});
    const same = known.contentHash === mail.contentHash && (!blob || !known.blobHash || known.blobHash === blob.hash);
    if (!same) return { kind: 'id_reused' };
    if (blob && isWaiting(known)) await adoptUpload(deps, connectionId, known, blob);
    return { kind: 'known', record: known };
  }
}

/**
 * What takes a mail in already claimed, in one transaction with its lane; undefined when its content needs a blob of its
 * own, which is written before.
 */
export function claimedMail(
  deps: MailDeps,
  connection: Connection,
  mail: PreparedMail,
  blob: ReadBlob | undefined,
  epoch: number,
  clientRequestId: string,
): { readonly operations: readonly RowOperation[]; readonly own: OwnMail } | undefined {
  if (contentBytes(mail).length > LIMITS.rowContentBytes) return undefined;
  const hash = sha256(mail.mailId);
  const waiting = waitingRow(mail, hash, blob && dropReference(blob));
  const record = recordRow(deps, connection, mail, hash, blob);
  const claim = { attempts: 1 } as const;
  return {
    operations: [
      { ...record, properties: { ...record.properties, ...claim, state: 'sending', clientRequestId } },
      { ...waiting.operation, properties: { ...waiting.operation.properties, ...claim, claimedBy: epoch } },
    ],
    own: {
      mail: { ...waiting.mail, connectionId: connection.connectionId, etag: '' },
      content: { ...mail.content, ...blob?.content },
    },
  };
}

function dropReference({ name, etag }: ReadBlob): BlobReference {
  return { container: CONTAINERS.drop, name, etag, holds: 'body' };
}

/** The producer uploaded the same content once more before it sent its message again: the mail counts on the new ETag. */
async function adoptUpload(deps: MailDeps, connectionId: string, known: MailRecord, blob: ReadBlob): Promise<void> {
  const { row } = await deps.mails.get(connectionId, known.waitingKey);
  if (!row || waitingOf(row).blob?.etag === blob.etag) return;
  const properties = { blobEtag: blob.etag };
  try {
    await deps.mails.write(connectionId, [{ kind: 'merge', rowKey: known.waitingKey, properties, etag: row.etag }]);
  } catch (error) {
    // Claimed or settled a moment ago.
    if (!(error instanceof RowConflict)) throw error;
  }
}

/** A mail that was refused leaves its id free: the next message with that id takes the record's place. */
async function replaceRefused(
  deps: MailDeps,
  connection: Connection,
  mail: PreparedMail,
  hash: string,
  refused: MailRecord,
  stored: BlobReference | undefined,
  blob: ReadBlob | undefined,
): Promise<OwnMail | undefined> {
  const waiting = waitingRow(mail, hash, stored);
  const { properties } = recordRow(deps, connection, mail, hash, blob);
  const { connectionId } = connection;
  try {
    const etags = await deps.mails.write(connectionId, [
      { kind: 'replace', rowKey: recordKey(hash), properties, etag: refused.etag },
      waiting.operation,
    ]);
    const etag = etags.get(waiting.operation.rowKey) ?? '';
    return { mail: { ...waiting.mail, connectionId, etag }, content: { ...mail.content, ...blob?.content } };
  } catch (error) {
    if (error instanceof RowConflict) return undefined;
    throw error;
  }
}

async function storeContent(
  deps: MailDeps,
  connection: Connection,
  hash: string,
  mail: PreparedMail,
  blob: ReadBlob | undefined,
): Promise<BlobReference | undefined> {
  const small = contentBytes(mail).length <= LIMITS.rowContentBytes;
  if (small) return blob && dropReference(blob);
  // The random part keeps two tries of one mail apart: neither deletes the other's content.
  const name = `${connection.customerId}/${connection.connectionId}/${hash}-${randomBytes(6).toString('hex')}`;
  const whole = Buffer.from(JSON.stringify({ ...mail.content, ...blob?.content }));
  const etag = await deps.blobs.put(CONTAINERS.content, name, whole);
  return { container: CONTAINERS.content, name, etag, holds: 'mail' };
}

function contentBytes(mail: PreparedMail): Buffer {
  return Buffer.from(JSON.stringify(mail.content));
}

function waitingRow(mail: PreparedMail, hash: string, blob: BlobReference | undefined) {
  const rowKey = waitingKey(mail.dueAt, hash);
  const inRow = blob?.holds === 'mail' ? undefined : contentBytes(mail);
  const shared = {
    mailId: mail.mailId,
    expiresAt: mail.expiresAt.toISOString(),
    claimedBy: 0,
    attempts: 0,
    resent: false,
    recipients: mail.recipients,
    onUncertain: mail.onUncertain ?? '',
  } as const;
  const operation = {
    kind: 'insert',
    rowKey,
    properties: {
      v: 1,
      // Present from the start: the drain's filter does not see rows without the property.
      parked: false,
      ...shared,
      ...(inRow && { content: inRow }),
      ...(blob && { blobContainer: blob.container, blobName: blob.name, blobEtag: blob.etag }),
    },
  } as const;
  const waiting: Omit<WaitingMail, 'connectionId' | 'etag'> = {
    ...shared,
    rowKey,
    hash,
    dueAt: mail.dueAt.toISOString(),
    content: inRow,
    blob,
  };
  return { operation, mail: waiting };
}

function recordRow(
  deps: MailDeps,
  connection: Connection,
  mail: PreparedMail,
  hash: string,
  blob: ReadBlob | undefined,
) {
  const { content } = mail;
  const recipients = [...content.to, ...(content.cc ?? []), ...(content.bcc ?? [])].map(({ address }) => address);
  return {
    kind: 'insert',
    rowKey: recordKey(hash),
    properties: {
      v: 1,
      customerId: connection.customerId,
      mailId: mail.mailId,
      state: 'queued',
      reason: '',
      attempts: 0,
      queuedAt: deps.clock.now().toISOString(),
      dueAt: mail.dueAt.toISOString(),
      expiresAt: mail.expiresAt.toISOString(),
      contentHash: mail.contentHash,
      waitingKey: waitingKey(mail.dueAt, hash),
      recipientCount: mail.recipients,
      ...(blob && { contentBlob: blob.name, blobHash: blob.hash }),
      ...(deps.config.logRecipients && { recipients: recipients.join(', ').slice(0, 32_000) }),
    },
  } as const;
}
