import { flag, number, type StoredRow, text } from '../storage/table.ts';
import type { Gate } from './lane.ts';

/** What a lane says of the mail that waits in it. */
export interface LaneView {
  readonly gate: Gate;
  /** ISO; '' for not paused. */
  readonly pausedUntil: string;
  readonly pausedFor: string;
  /** An operator stopped all sending. */
  readonly stopped: boolean;
}

/**
 * States as stored. What mail in `queued` and `waiting` waits for changes without a write to its record; `mailResource`
 * says it on reading, and there `held` exists too: a waiting mail behind a shut gate.
 */
export type MailState =
  | 'queued'
  | 'waiting'
  | 'sending'
  | 'accepted'
  | 'rejected'
  | 'uncertain'
  | 'expired'
  | 'cancelled'
  | 'dead';

/** A mail's record: what happened to it, without subject, body or recipients. Row `1|<hash>`. */
export interface MailRecord {
  readonly connectionId: string;
  readonly customerId: string;
  readonly mailId: string;
  readonly rowKey: string;
  readonly etag: string;
  readonly state: MailState;
  readonly reason: string;
  readonly attempts: number;
  readonly queuedAt: string;
  readonly dueAt: string;
  readonly expiresAt: string;
  readonly acceptedAt: string;
  readonly contentHash: string;
  /** Of the producer's blob; '' without one. */
  readonly blobHash: string;
  /** Row key of the waiting row. */
  readonly waitingKey: string;
  readonly refusedAtIntake: boolean;
  /** Evidence that came after the mail was declared uncertain. */
  readonly late: boolean;
  readonly graphRequestId: string;
  readonly clientRequestId: string;
  readonly graphStatus: number;
}

/** A mail as the API shows it. */
export interface MailResource {
  readonly mailId: string;
  readonly customerId: string;
  readonly connectionId: string;
  readonly state: MailState | 'held';
  readonly reason?: string;
  readonly attempts: number;
  readonly queuedAt: string;
  readonly dueAt?: string;
  readonly acceptedAt?: string;
  readonly expiresAt: string;
  readonly late?: true;
  readonly graph?: { readonly requestId: string; readonly clientRequestId: string; readonly status: number };
}

export function recordOf(row: StoredRow): MailRecord {
  return {
    connectionId: row.partitionKey,
    customerId: text(row, 'customerId'),
    mailId: text(row, 'mailId'),
    rowKey: row.rowKey,
    etag: row.etag,
    state: text(row, 'state') as MailState,
    reason: text(row, 'reason'),
    attempts: number(row, 'attempts'),
    queuedAt: text(row, 'queuedAt'),
    dueAt: text(row, 'dueAt'),
    expiresAt: text(row, 'expiresAt'),
    acceptedAt: text(row, 'acceptedAt'),
    contentHash: text(row, 'contentHash'),
    blobHash: text(row, 'blobHash'),
    waitingKey: text(row, 'waitingKey'),
    refusedAtIntake: flag(row, 'refusedAtIntake'),
    late: flag(row, 'late'),
    graphRequestId: text(row, 'graphRequestId'),
    clientRequestId: text(row, 'clientRequestId'),
    graphStatus: number(row, 'graphStatus'),
  };
}

/** A mail as its lane makes it look at a time. */
export function mailResource(record: MailRecord, lane: LaneView, now: Date): MailResource {
  const { state, reason } = shown(record, lane, now.toISOString());
  return {
    mailId: record.mailId,
    customerId: record.customerId,
    connectionId: record.connectionId,
    state,
    ...(reason && { reason }),
    attempts: record.attempts,
    queuedAt: record.queuedAt,
    ...(record.dueAt > record.queuedAt && { dueAt: record.dueAt }),
    ...(record.acceptedAt && { acceptedAt: record.acceptedAt }),
    expiresAt: record.expiresAt,
    ...(record.late && { late: true }),
    ...(record.clientRequestId && {
      graph: { requestId: record.graphRequestId, clientRequestId: record.clientRequestId, status: record.graphStatus },
    }),
  };
}

/** Whether a mail has yet to be claimed. */
export function isWaiting({ state }: MailRecord): boolean {
  return state === 'queued' || state === 'waiting';
}

/** Why nothing of a lane goes now; undefined when it does. */
export function whyNothingGoes(lane: LaneView, now: string): string | undefined {
  if (lane.stopped) return 'sending_stopped';
  return lane.pausedUntil > now ? lane.pausedFor || 'throttled' : undefined;
}

/** What a mail that waits is waiting for: its gate, its time, its lane, or nothing but its turn. */
function shown(record: MailRecord, lane: LaneView, now: string): { state: MailResource['state']; reason: string } {
  const { state, reason, dueAt } = record;
  if (!isWaiting(record)) return { state, reason };
  if (lane.gate !== 'open') return { state: 'held', reason: lane.gate };
  if (dueAt > now) return { state: 'waiting', reason: 'scheduled' };
  const why = whyNothingGoes(lane, now);
  return why === undefined ? { state, reason } : { state: 'waiting', reason: why };
}
