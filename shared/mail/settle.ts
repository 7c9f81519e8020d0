import type { Connection } from '../connections/connection.ts';
import type { Log } from '../log.ts';
import type { Properties, RowOperation } from '../storage/table.ts';
import { type EventType, eventRow } from './events.ts';
import type { AttemptResult, Evidence } from './transmit.ts';
import { recordKey, type WaitingMail } from './waiting.ts';

/** The rows that an attempt's result changes, apart from the lane's. */
export interface Settlement {
  readonly record: Properties;
  /** Changes of the waiting row, or its end. */
  readonly waiting: Properties | 'delete';
  readonly event: RowOperation | undefined;
  /** Whether the blob with the content has served its purpose. */
  readonly contentDone: boolean;
}

export interface SettleOptions {
  readonly connection: Pick<Connection, 'customerId' | 'connectionId' | 'alertAddress' | 'onUncertain'>;
  readonly acceptedEvents: boolean;
  readonly now: Date;
}

/** What an attempt's result means for the mail's rows. `mail.attempts` counts this attempt. Pure. */
export function settle(
  mail: WaitingMail,
  result: AttemptResult,
  evidence: Evidence,
  options: SettleOptions,
): Settlement {
  const graph = {
    clientRequestId: evidence.clientRequestId,
    graphRequestId: evidence.requestId,
    graphStatus: evidence.status,
  };
  const at = options.now.toISOString();
  switch (result.kind) {
    case 'accepted':
      return {
        record: { ...graph, state: 'accepted', reason: '', acceptedAt: at, endedAt: at },
        waiting: 'delete',
        event: options.acceptedEvents ? event('accepted', mail, '', options) : undefined,
        contentDone: true,
      };
    case 'rejected':
      return {
        record: { ...graph, state: 'rejected', reason: result.reason, endedAt: at },
        waiting: parked(at),
        event: event('rejected', mail, result.reason, options),
        contentDone: false,
      };
    case 'uncertain': {
      if (sendsAgain(mail, options.connection))
        return { ...again(mail, graph, result.reason), waiting: { claimedBy: 0, resent: true, parked: false } };
      return uncertain(mail, result.reason, graph, options);
    }
    // Graph took nothing: the attempt does not count, and the mail waits as before.
    case 'wait':
    case 'gate':
    case 'shut':
      return { ...again(mail, graph, result.reason), ...uncounted(mail, result.reason, graph) };
    case 'unclaimed':
      return { ...again(mail, {}, ''), ...uncounted(mail, '', {}) };
  }
}

/** A claim found by a newer epoch: its holder died, and nobody knows whether the mail went out. */
export function settleStale(mail: WaitingMail, options: SettleOptions): Settlement {
  if (sendsAgain(mail, options.connection))
    return { ...again(mail, {}, 'stale_claim'), waiting: { claimedBy: 0, resent: true, parked: false } };
  return uncertain(mail, 'stale_claim', {}, options);
}

/** A mail whose time is over before it was claimed. */
export function settleExpired(mail: WaitingMail, options: SettleOptions): Settlement {
  const at = options.now.toISOString();
  return {
    record: { state: 'expired', reason: 'expired', endedAt: at },
    waiting: parked(at),
    event: event('expired', mail, 'expired', options),
    contentDone: false,
  };
}

/** Tells that a mail has expired: after its rows say so, or a failed write would be told too. */
export function tellExpired(log: Log, { customerId }: Pick<Connection, 'customerId'>, mail: WaitingMail): void {
  log.warning('mail.expired', { connectionId: mail.connectionId, customerId, mailId: mail.mailId });
}

/** The settlement as operations. With `waitingEtag`, it applies only to a mail that nobody touched since. */
export function operations(
  mail: WaitingMail,
  settlement: Settlement,
  etags: { readonly record?: string; readonly waiting?: string } = {},
): RowOperation[] {
  const record: RowOperation = {
    kind: 'merge',
    rowKey: recordKey(mail.hash),
    properties: settlement.record,
    ...(etags.record && { etag: etags.record }),
  };
  const waiting: RowOperation =
    settlement.waiting === 'delete'
      ? { kind: 'delete', rowKey: mail.rowKey }
      : {
          kind: 'merge',
          rowKey: mail.rowKey,
          properties: settlement.waiting,
          ...(etags.waiting && { etag: etags.waiting }),
        };
  return [record, waiting, ...(settlement.event ? [settlement.event] : [])];
}

function parked(at: string): Properties {
  return { parked: true, parkedAt: at, claimedBy: 0 };
}

function sendsAgain(mail: WaitingMail, connection: SettleOptions['connection']): boolean {
  return !mail.resent && (mail.onUncertain || connection.onUncertain) === 'resend';
}

function uncertain(mail: WaitingMail, reason: string, graph: Properties, options: SettleOptions): Settlement {
  return {
    record: { ...graph, state: 'uncertain', reason },
    waiting: parked(options.now.toISOString()),
    event: event('uncertain', mail, reason, options),
    contentDone: false,
  };
}

function again(mail: WaitingMail, graph: Properties, reason: string): Settlement {
  return {
    record: { ...graph, state: 'waiting', reason, attempts: mail.attempts },
    waiting: { claimedBy: 0 },
    event: undefined,
    contentDone: false,
  };
}

function uncounted(mail: WaitingMail, reason: string, graph: Properties): Pick<Settlement, 'record' | 'waiting'> {
  const attempts = Math.max(0, mail.attempts - 1);
  return {
    record: { ...graph, state: 'waiting', reason, attempts },
    // `parked: false` matters for late evidence, when the mail had been declared uncertain meanwhile.
    waiting: { claimedBy: 0, attempts, parked: false },
  };
}

type Told = 'accepted' | 'rejected' | 'uncertain' | 'expired';

function event(state: Told, mail: WaitingMail, reason: string, options: SettleOptions): RowOperation {
  const { customerId, connectionId, alertAddress } = options.connection;
  const type: EventType = `mail.${state}`;
  const data = {
    customerId,
    connectionId,
    mailId: mail.mailId,
    state,
    ...(reason && { reason }),
    ...(alertAddress && { alertAddress }),
  };
  // A mail may expire again, when it was retried meanwhile: without an attempt, its time tells the two apart.
  const time = state === 'expired' ? `-${Date.parse(mail.expiresAt)}` : '';
  return eventRow(`${mail.hash}|${mail.attempts}-${state}${time}`, type, data, options.now);
}
