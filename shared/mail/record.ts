import { flag, number, type StoredRow, text } from '../storage/table.ts';
import type { Gate } from './lane.ts';

/** States as stored. `held` exists only on reading: a waiting mail behind a shut gate. */
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
    waitingKey: text(row, 'waitingKey'),
    refusedAtIntake: flag(row, 'refusedAtIntake'),
    late: flag(row, 'late'),
    graphRequestId: text(row, 'graphRequestId'),
    clientRequestId: text(row, 'clientRequestId'),
    graphStatus: number(row, 'graphStatus'),
  };
}

/** @param gate of the lane; a mail that waits behind a shut one is held, and the gate says why */
export function mailResource(record: MailRecord, gate: Gate): MailResource {
  const waits = record.state === 'queued' || record.state === 'waiting';
  const held = waits && gate !== 'open';
  const reason = held ? gate : record.reason;
  return {
    mailId: record.mailId,
    customerId: record.customerId,
    connectionId: record.connectionId,
    state: held ? 'held' : record.state,
    ...(reason && { reason }),
    attempts: record.attempts,
    queuedAt: record.queuedAt,
    ...(record.dueAt && record.dueAt !== record.queuedAt && { dueAt: record.dueAt }),
    ...(record.acceptedAt && { acceptedAt: record.acceptedAt }),
    expiresAt: record.expiresAt,
    ...(record.late && { late: true }),
    ...(record.clientRequestId && {
      graph: { requestId: record.graphRequestId, clientRequestId: record.clientRequestId, status: record.graphStatus },
    }),
  };
}
