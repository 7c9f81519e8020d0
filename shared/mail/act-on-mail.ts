import * as z from 'zod';
import { HOUR, later } from '../clock.ts';
import { AppError, type ErrorCode } from '../errors.ts';
import { CALLER_ID, sha256 } from '../ids.ts';
import type { Invocation } from '../log.ts';
import { type Properties, RowConflict, type RowOperation } from '../storage/table.ts';
import type { MailDeps } from './deps.ts';
import { LIMITS } from './limits.ts';
import { readMail, viewLane } from './read-mails.ts';
import { isWaiting, type MailRecord, type MailResource, type MailState, mailResource, recordOf } from './record.ts';
import { leaveTicket } from './tickets.ts';
import { recordKey, type WaitingMail, waitingOf } from './waiting.ts';

const attempt = z.int().min(0).max(1_000_000).meta({ description: 'attempts of the record that the caller has seen.' });
const mailId = z.string().regex(CALLER_ID);
const resolution = z.enum(['resend', 'sent']);

/** Bodies of `…/mails/{mailId}/retry` and `/resolve`. The attempt says what the caller has seen. */
export const retrySchema = z.strictObject({ attempt });
export const resolveSchema = z.strictObject({ attempt, as: resolution });
/** Bodies of the bulk forms. */
export const retryManySchema = z.strictObject({ items: z.array(z.strictObject({ mailId, attempt })).min(1).max(200) });
export const resolveManySchema = z.strictObject({
  items: z
    .array(z.strictObject({ mailId, attempt, as: resolution }))
    .min(1)
    .max(200),
});

/** The lane of the mail that is acted on. */
export interface MailOwner {
  readonly customerId: string;
  readonly connectionId: string;
  /** The connection was unlinked: an uncertain mail can still be settled as sent, and nothing can be sent again. */
  readonly ended?: boolean;
}

export type MailAction =
  | { readonly kind: 'retry'; readonly attempt: number }
  | { readonly kind: 'resolve'; readonly attempt: number; readonly as: 'resend' | 'sent' };

const RETRIED: readonly MailState[] = ['dead', 'rejected', 'expired'];

/**
 * Cancels a mail that waits. Conditioned on the record: a claim changes it, so a mail is either cancelled or sent.
 * @throws {AppError} not_found, already_sending
 */
export async function cancelMail(
  deps: MailDeps,
  owner: MailOwner,
  id: string,
  invocation: Invocation,
): Promise<MailResource> {
  const record = await requireRecord(deps, owner, id);
  if (record.state === 'cancelled') return readMail(deps, record);
  if (!isWaiting(record)) throw new AppError('already_sending');
  const { row } = await deps.mails.get(owner.connectionId, record.waitingKey);
  const ended = { state: 'cancelled', reason: 'cancelled_by_request', endedAt: deps.clock.now().toISOString() };
  try {
    await deps.mails.write(owner.connectionId, [
      { kind: 'merge', rowKey: record.rowKey, properties: ended, etag: record.etag },
      { kind: 'delete', rowKey: record.waitingKey },
    ]);
  } catch (error) {
    if (error instanceof RowConflict) throw new AppError('already_sending');
    throw error;
  }
  if (row) await removeContent(deps, waitingOf(row), invocation);
  invocation.log.event('mail.cancelled', { ...owner, mailId: id });
  return readMail(deps, await requireRecord(deps, owner, id));
}

/**
 * Gives a mail that ended a fresh budget, or settles one whose fate is unknown. Repeated by a caller who lost the answer,
 * it changes nothing and answers the same.
 * @throws {AppError} not_found, attempt_changed, not_retryable, content_gone
 */
export async function actOnMail(
  deps: MailDeps,
  owner: MailOwner,
  id: string,
  action: MailAction,
  invocation: Invocation,
): Promise<MailResource> {
  const record = await applyAction(deps, owner, id, action, invocation);
  // A repeated call may be the one whose ticket was never left.
  if (isWaiting(record)) await leaveTicket(deps.queues, owner);
  return readMail(deps, record);
}

/** Many at once, with one ticket for all. Each item has its own result; none stops the others. */
export async function actOnMails(
  deps: MailDeps,
  owner: MailOwner,
  items: readonly { readonly mailId: string; readonly action: MailAction }[],
  invocation: Invocation,
): Promise<{
  readonly items: readonly ({ mailId: string; state: MailResource['state'] } | { mailId: string; code: ErrorCode })[];
}> {
  const results: ({ mailId: string; state: MailResource['state'] } | { mailId: string; code: ErrorCode })[] = [];
  const lane = await viewLane(deps, owner.connectionId);
  let woken = false;
  for (const item of items) {
    try {
      const record = await applyAction(deps, owner, item.mailId, item.action, invocation);
      woken ||= isWaiting(record);
      const { state } = mailResource(record, lane, deps.clock.now());
      results.push({ mailId: item.mailId, state });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      results.push({ mailId: item.mailId, code: error.code });
    }
  }
  if (woken) await leaveTicket(deps.queues, owner);
  return { items: results };
}

async function applyAction(
  deps: MailDeps,
  owner: MailOwner,
  id: string,
  action: MailAction,
  invocation: Invocation,
): Promise<MailRecord> {
  const record = await requireRecord(deps, owner, id);
  if (record.attempts !== action.attempt) throw new AppError('attempt_changed');
  if (isDone(record, action)) return record;
  const from: readonly MailState[] = action.kind === 'retry' ? RETRIED : ['uncertain'];
  if (!from.includes(record.state)) throw new AppError('not_retryable');
  const sent = action.kind === 'resolve' && action.as === 'sent';
  if (owner.ended && !sent) throw new AppError('content_gone');
  const { row } = record.waitingKey ? await deps.mails.get(owner.connectionId, record.waitingKey) : { row: undefined };
  if (!row && !sent) throw await whyNoContent(deps, owner, record);
  const waiting = row && waitingOf(row);
  try {
    await deps.mails.write(owner.connectionId, sent ? asSent(deps, record, waiting) : waitAgain(deps, record, waiting));
  } catch (error) {
    // Somebody acted on it a moment ago: late evidence, another caller.
    if (error instanceof RowConflict) throw new AppError('attempt_changed');
    throw error;
  }
  if (sent && waiting) await removeContent(deps, waiting, invocation);
  invocation.log.event(`mail.${action.kind}`, {
    ...owner,
    mailId: id,
    attempt: action.attempt,
    as: sent ? 'sent' : 'resend',
  });
  return requireRecord(deps, owner, id);
}

/** Somebody settled the mail a moment ago, and its content went with that; or it was kept for its time. */
async function whyNoContent(deps: MailDeps, owner: MailOwner, seen: MailRecord): Promise<AppError> {
  const current = await requireRecord(deps, owner, seen.mailId);
  return new AppError(current.etag === seen.etag ? 'content_gone' : 'attempt_changed');
}

function isDone(record: MailRecord, action: MailAction): boolean {
  if (action.kind === 'resolve' && action.as === 'sent') return record.state === 'accepted';
  return record.state === 'waiting' && record.reason === reasonOf(action);
}

function reasonOf(action: MailAction): string {
  return action.kind === 'retry' ? 'retried' : 'resent_by_request';
}

function asSent(deps: MailDeps, record: MailRecord, waiting: WaitingMail | undefined): RowOperation[] {
  const at = deps.clock.now().toISOString();
  const properties: Properties = { state: 'accepted', reason: 'resolved_as_sent', acceptedAt: at, endedAt: at };
  const merge: RowOperation = { kind: 'merge', rowKey: record.rowKey, properties, etag: record.etag };
  return waiting ? [merge, { kind: 'delete', rowKey: waiting.rowKey }] : [merge];
}

/** Record and waiting row in one transaction; the ticket comes after it. */
function waitAgain(deps: MailDeps, record: MailRecord, waiting: WaitingMail | undefined): RowOperation[] {
  const now = deps.clock.now();
  const expiresAt =
    Date.parse(record.expiresAt) > now.getTime()
      ? record.expiresAt
      : later(now, LIMITS.defaultExpiryHours * HOUR).toISOString();
  const reason = record.state === 'uncertain' ? 'resent_by_request' : 'retried';
  return [
    {
      kind: 'merge',
      rowKey: record.rowKey,
      properties: { state: 'waiting', reason, expiresAt, endedAt: '' },
      etag: record.etag,
    },
    {
      kind: 'merge',
      rowKey: record.waitingKey,
      properties: { parked: false, parkedAt: '', claimedBy: 0, expiresAt },
      ...(waiting && { etag: waiting.etag }),
    },
  ];
}

async function requireRecord(deps: MailDeps, owner: MailOwner, id: string): Promise<MailRecord> {
  const { row } = CALLER_ID.test(id)
    ? await deps.mails.get(owner.connectionId, recordKey(sha256(id)))
    : { row: undefined };
  if (!row) throw new AppError('not_found');
  return recordOf(row);
}

async function removeContent(deps: MailDeps, mail: WaitingMail, invocation: Invocation): Promise<void> {
  if (!mail.blob) return;
  await deps.blobs.remove(mail.blob.container, mail.blob.name).catch((error: unknown) => {
    invocation.log.failure('mail.content_not_deleted', error, { mailId: mail.mailId });
  });
}
