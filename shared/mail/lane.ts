import { HOUR } from '../clock.ts';
import {
  flag,
  number,
  type Properties,
  RowConflict,
  type RowOperation,
  type StoredRow,
  type Table,
  text,
} from '../storage/table.ts';
import { PACE_BURST } from './pace.ts';
import { WAITING_ROWS } from './waiting.ts';

/** Whether mail of a connection flows. Everything but `open` holds it; `removed` ends it. */
export type Gate = 'open' | 'paused' | 'needs_relink' | 'no_mailbox' | 'blocked' | 'broken' | 'removed';

/** A mailbox that Graph refused is tried again with one waiting mail after so long: nobody tells us that it came back. */
export const PROBE_MS = HOUR;

/** Whether a gate opens by itself when a mail goes through; the others need a person. */
export function isProbed(gate: Gate): boolean {
  return gate === 'no_mailbox' || gate === 'blocked';
}

/** Row key of the lane in table `mails`; the partition is the connection. */
export const LANE_ROW = '0';

/** A connection's line of mail: who works on it, and whether mail flows. */
export interface Lane {
  readonly connectionId: string;
  readonly customerId: string;
  readonly etag: string;
  /** Grows each time the lane is taken; only the holder of a newer one may call a claim stale. */
  readonly epoch: number;
  /** Invocation that holds the lane; '' when it was released in order. */
  readonly owner: string;
  /** ISO; for people. Whether the lease ran out is judged by storage's clock, see `leaseRemaining`. */
  readonly leaseUntil: string;
  /** Somebody put mail down while the lane was held: the holder must look again before it lets go. */
  readonly dirty: boolean;
  readonly gate: Gate;
  /** ISO; '' for not paused. Set by throttling. */
  readonly pausedUntil: string;
  /** Why it is paused; says nothing once `pausedUntil` is over. */
  readonly pausedFor: string;
  /** ISO; a ticket for about this time is on the queue already. */
  readonly ticketAt: string;
  /** ISO; when a mailbox that Graph refused may be tried with one mail again. '' unless the gate is such. */
  readonly probeAt: string;
  /** Waits in a row without a Retry-After; chooses the next back-off. */
  readonly setbacks: number;
  /** Pacing bucket: mails that may go at once, as of `refilledAt` (ISO). */
  readonly tokens: number;
  readonly refilledAt: string;
  /** Recipients per hour of the last day: JSON object, hours since 1970 → count. */
  readonly recipients: string;
  /** The credentials that the gate speaks of. */
  readonly credentialVersion: number;
  /** By storage's clock. */
  readonly changedAt: Date;
}

export function laneOf(row: StoredRow): Lane {
  return {
    connectionId: row.partitionKey,
    customerId: text(row, 'customerId'),
    etag: row.etag,
    epoch: number(row, 'epoch'),
    owner: text(row, 'owner'),
    leaseUntil: text(row, 'leaseUntil'),
    dirty: flag(row, 'dirty'),
    gate: (text(row, 'gate') || 'open') as Gate,
    pausedUntil: text(row, 'pausedUntil'),
    pausedFor: text(row, 'pausedFor'),
    ticketAt: text(row, 'ticketAt'),
    probeAt: text(row, 'probeAt'),
    setbacks: number(row, 'setbacks'),
    tokens: row.properties['tokens'] === undefined ? PACE_BURST : number(row, 'tokens'),
    refilledAt: text(row, 'refilledAt'),
    recipients: text(row, 'recipients'),
    credentialVersion: number(row, 'credentialVersion'),
    changedAt: row.timestamp,
  };
}

/**
 * Milliseconds until a held lane may be taken over; 0 when it may now. Both times are storage's own, so clocks of
 * instances do not matter; two seconds are added because its Date header has whole seconds.
 */
export function leaseRemaining(lane: Lane, readAt: Date, leaseMs: number): number {
  if (lane.owner === '') return 0;
  const age = readAt.getTime() - lane.changedAt.getTime();
  return Math.max(0, leaseMs + 2_000 - age);
}

export interface GateChange {
  /** Where the gate goes from where it is; undefined leaves it alone. */
  readonly to: (gate: Gate) => Gate | undefined;
  /** The change applies only while the gate speaks of these credentials. */
  readonly ifCredentialVersion?: number;
  /** The credentials that the gate speaks of from now on; newer ones stay. */
  readonly credentialVersion?: number;
  /** When the mailbox may be probed; for gates that open by themselves. */
  readonly probeAt?: Date;
  /** Written in the same transaction. */
  readonly event?: RowOperation;
}

/** Lanes (row `0` of a connection's partition in `mails`), as everybody but the sender needs them. */
export class LaneStore {
  private readonly mails: Table;

  constructor(mails: Table) {
    this.mails = mails;
  }

  async get(connectionId: string): Promise<{ readonly lane: Lane | undefined; readonly readAt: Date }> {
    const { row, readAt } = await this.mails.get(connectionId, LANE_ROW);
    return { lane: row && laneOf(row), readAt };
  }

  /** Mail that waits to be sent: what ended and is kept for a retry does not count. */
  async countWaiting(connectionId: string): Promise<number> {
    let count = 0;
    let after: string | undefined;
    do {
      const page = await this.mails.query(connectionId, {
        ...WAITING_ROWS,
        filter: 'parked eq false',
        limit: 1000,
        select: ['claimedBy'],
        ...(after && { after }),
      });
      count += page.rows.length;
      after = page.next;
    } while (after !== undefined);
    return count;
  }

  /** Whether any mail waits to be sent. */
  async hasWaiting(connectionId: string): Promise<boolean> {
    const range = { ...WAITING_ROWS, filter: 'parked eq false', limit: 1, select: ['claimedBy'] };
    return (await this.mails.query(connectionId, range)).rows.length > 0;
  }

  /** Creates the lane of a new connection; one that exists is left alone. */
  async ensure(connectionId: string, customerId: string, credentialVersion: number): Promise<void> {
    const properties: Properties = {
      v: 1,
      customerId,
      epoch: 0,
      owner: '',
      gate: 'open',
      dirty: false,
      credentialVersion,
    };
    try {
      await this.mails.write(connectionId, [{ kind: 'insert', rowKey: LANE_ROW, properties }]);
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
    }
  }

  /** Forgets the lane of a connection that is long gone. */
  async remove(connectionId: string): Promise<void> {
    try {
      await this.mails.write(connectionId, [{ kind: 'delete', rowKey: LANE_ROW }]);
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
    }
  }

  /**
   * Moves the gate. Any claim under way keeps its mail; the next one fails, because the lane changed.
   * @returns whether the gate was moved by this call
   */
  async setGate(connectionId: string, change: GateChange): Promise<boolean> {
    for (;;) {
      const { lane } = await this.get(connectionId);
      const to = lane && change.to(lane.gate);
      if (!lane || to === undefined) return false;
      if (change.ifCredentialVersion !== undefined && lane.credentialVersion !== change.ifCredentialVersion)
        return false;
      const properties: Properties = {
        gate: to,
        ...(change.credentialVersion !== undefined && {
          credentialVersion: Math.max(lane.credentialVersion, change.credentialVersion),
        }),
        ...(change.probeAt && { probeAt: change.probeAt.toISOString() }),
        // A pause belonged to what was before.
        ...(to === 'open' && { pausedUntil: '', ticketAt: '' }),
      };
      try {
        const merge = { kind: 'merge', rowKey: LANE_ROW, properties, etag: lane.etag } as const;
        await this.mails.write(connectionId, change.event ? [merge, change.event] : [merge]);
        return true;
      } catch (error) {
        // The event is there: this change was written by a try whose answer was lost.
        if (error instanceof RowConflict && error.why === 'exists') return true;
        if (!(error instanceof RowConflict)) throw error;
      }
    }
  }
}
