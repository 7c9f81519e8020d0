import type { Connection } from '../connections/connection.ts';
import type { FieldError, NotTakenReason } from '../errors.ts';
import { CALLER_ID, isOwnId, sha256 } from '../ids.ts';
import { RowConflict } from '../storage/table.ts';
import { CONTAINERS } from '../storage-names.ts';
import { utf8 } from '../utf8.ts';
import { readContentBlob } from './content-blob.ts';
import type { MailDeps } from './deps.ts';
import { eventRow } from './events.ts';
import { checkFields, namedPointer, ownPointer } from './field-errors.ts';
import { findTakenIn } from './find-taken-in.ts';
import { insertMail } from './insert-mail.ts';
import { queueMessageSchema } from './message.ts';
import { contentHashOf, prepareMail } from './prepare.ts';
import { isWaiting, recordOf } from './record.ts';
import { sendAtOnce } from './send-at-once.ts';
import { recordKey, type WaitingMail } from './waiting.ts';
import { type Delivery, workLane } from './work-lane.ts';

/** A message as the queue trigger hands it over. */
export interface QueuedMessage {
  readonly messageId: string;
  /** As the Functions library gives it: parsed where it was JSON, text otherwise. */
  readonly body: unknown;
}

/** Takes a message from `outlook-mail` in, and sends it at once when its lane is free. Nothing that comes in is lost. */
export async function acceptMessage(deps: MailDeps, message: QueuedMessage, delivery: Delivery): Promise<void> {
  const decoded = decodeBody(message.body);
  if (decoded === undefined) return reject(deps, message, 'message_unreadable', delivery);
  const owner = ownerOf(decoded);
  const connection = owner && (await deps.cache.get(owner.customerId, owner.connectionId));
  if (!connection) return reject(deps, message, owner ? 'connection_unknown' : 'message_invalid', delivery);
  const parsed = checkFields(queueMessageSchema, decoded);
  const mailId = mailIdOf(decoded) ?? message.messageId;
  if (parsed.errors) return refuse(deps, connection, mailId, parsed.errors, message, delivery);

  const { version: _, customerId: _c, connectionId: _i, ...mail } = parsed.data;
  const read = mail.contentBlob === undefined ? undefined : await readContentBlob(deps, connection, mail.contentBlob);
  const blob = read && 'pointer' in read ? undefined : read;
  const prepared =
    read && 'pointer' in read
      ? { errors: [read] }
      : prepareMail(mail, mailId, blob?.content, 'queue', deps.clock.now(), deps.config.recipientsPerDay);
  if ('errors' in prepared) {
    // Taken in while it was in time and its blob was there: the lane still counts on this message.
    if (await findTakenIn(deps, connection.connectionId, mailId, contentHashOf(mail))) {
      await workLane(deps, delivery, connection);
      return;
    }
    return refuse(deps, connection, mailId, prepared.errors, message, delivery);
  }

  const posted = new Set<string>();
  if (await sendAtOnce(deps, delivery, connection, prepared.mail, blob, posted)) return;
  const insertion = await insertMail(deps, connection, prepared.mail, blob);
  if (insertion.kind === 'id_reused') return rejectReused(deps, connection, mailId, message, delivery);
  const own = insertion.kind === 'inserted' ? insertion.own : undefined;
  const result = await workLane(deps, delivery, connection, own, posted);
  if (result === 'removed') await cancel(deps, connection.connectionId, mailId);
  if (result === 'no_lane' && own) {
    await undo(deps, own.mail);
    await reject(deps, message, 'connection_unknown', delivery);
  }
}

/** Producers send plain JSON or base64 of it, as their SDK likes. Undefined when it is neither. */
export function decodeBody(body: unknown): unknown {
  if (typeof body !== 'string') return body;
  const parsed = parse(body);
  if (parsed !== undefined) return parsed;
  if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(body)) return undefined;
  const text = utf8(Buffer.from(body, 'base64'));
  return text === undefined ? undefined : parse(text);
}

function parse(text: string): unknown {
  try {
    // A byte order mark is what some SDKs begin text with.
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

/** Whose mail a message says it is; undefined unless both ids have the right shape. */
export function ownerOf(decoded: unknown): { customerId: string; connectionId: string } | undefined {
  const { customerId, connectionId } = (decoded ?? {}) as { customerId?: unknown; connectionId?: unknown };
  if (typeof customerId !== 'string' || typeof connectionId !== 'string') return undefined;
  return CALLER_ID.test(customerId) && isOwnId(connectionId, 'con') ? { customerId, connectionId } : undefined;
}

function mailIdOf(decoded: unknown): string | undefined {
  const { mailId } = decoded as { mailId?: unknown };
  return typeof mailId === 'string' && CALLER_ID.test(mailId) ? mailId : undefined;
}

/** Nobody's mail, or unreadable: kept for an operator, counted, alerted, gone from the queue. */
async function reject(
  deps: MailDeps,
  message: QueuedMessage,
  reason: NotTakenReason,
  delivery: Delivery,
): Promise<void> {
  const text = typeof message.body === 'string' ? message.body : JSON.stringify(message.body);
  await deps.blobs.put(CONTAINERS.rejected, message.messageId, Buffer.from(text ?? ''), { reason });
  delivery.invocation.log.warning('mail.not_taken', { messageId: message.messageId, reason });
}

async function rejectReused(
  deps: MailDeps,
  connection: Connection,
  mailId: string,
  message: QueuedMessage,
  delivery: Delivery,
) {
  await reject(deps, message, 'id_reused', delivery);
  const { customerId, connectionId } = connection;
  const data = { customerId, connectionId, mailId, reason: 'id_reused' };
  const event = eventRow(`reused-${message.messageId}`, 'mail.rejected', data, deps.clock.now());
  await deps.mails.write(connectionId, [event]).catch((error: unknown) => {
    if (!(error instanceof RowConflict)) throw error;
  });
  await deps.outbox.tell(connectionId, event);
}

/** The connection is right, the mail is not: a record says why, without content, and leaves the id free. */
async function refuse(
  deps: MailDeps,
  connection: Connection,
  mailId: string,
  errors: readonly FieldError[],
  message: QueuedMessage,
  delivery: Delivery,
): Promise<void> {
  const now = deps.clock.now();
  const { customerId, connectionId } = connection;
  const rowKey = recordKey(sha256(mailId));
  const reason = reasonOf(errors, namedPointer);
  const properties = {
    v: 1,
    customerId,
    mailId,
    state: 'rejected',
    reason,
    attempts: 0,
    refusedAtIntake: true,
    queuedAt: now.toISOString(),
    endedAt: now.toISOString(),
    expiresAt: now.toISOString(),
  };
  const data = { customerId, connectionId, mailId, state: 'rejected', reason };
  const event = eventRow(`${sha256(mailId)}|${message.messageId}`, 'mail.rejected', data, now);
  const { row } = await deps.mails.get(connectionId, rowKey);
  if (row && !recordOf(row).refusedAtIntake) return rejectReused(deps, connection, mailId, message, delivery);
  try {
    const write = row
      ? ({ kind: 'replace', rowKey, properties, etag: row.etag } as const)
      : ({ kind: 'insert', rowKey, properties } as const);
    await deps.mails.write(connectionId, [write, event]);
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
    // The event's row is there: this delivery was here before. A record that came meanwhile is looked at anew.
    if (!error.rowKey.startsWith('3|')) return refuse(deps, connection, mailId, errors, message, delivery);
  }
  const logged = reasonOf(errors, ownPointer);
  delivery.invocation.log.warning('mail.refused', { connectionId, customerId, mailId, reason: logged });
  await deps.outbox.tell(connectionId, event);
}

/** The first field that is wrong: `unknown_field: /body/charset`. */
function reasonOf([first]: readonly FieldError[], shown: (pointer: string) => string): string {
  const pointer = shown(first?.pointer ?? '');
  return `${first?.code ?? 'invalid'}${pointer && `: ${pointer}`}`;
}

/** The lane ended before the mail was claimed; whoever unlinked may have looked before the mail was there. */
async function cancel(deps: MailDeps, connectionId: string, mailId: string): Promise<void> {
  const { row } = await deps.mails.get(connectionId, recordKey(sha256(mailId)));
  const record = row && recordOf(row);
  if (!record || !isWaiting(record)) return;
  const ended = { state: 'cancelled', reason: 'connection_removed', endedAt: deps.clock.now().toISOString() };
  await ignoringConflict(() =>
    deps.mails.write(connectionId, [
      { kind: 'merge', rowKey: record.rowKey, properties: ended, etag: record.etag },
      { kind: 'delete', rowKey: record.waitingKey },
    ]),
  );
}

async function undo(deps: MailDeps, mail: WaitingMail): Promise<void> {
  const rows = [mail.rowKey, recordKey(mail.hash)];
  await ignoringConflict(() =>
    deps.mails.write(
      mail.connectionId,
      rows.map((rowKey) => ({ kind: 'delete', rowKey }) as const),
    ),
  );
}

async function ignoringConflict(action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
  }
}
