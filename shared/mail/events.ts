import type { Queues } from '../storage/ports.ts';
import { RowConflict, type RowOperation, type StoredRow, type Table, text } from '../storage/table.ts';
import { QUEUES } from '../storage-names.ts';

export type EventType =
  | `mail.${'accepted' | 'rejected' | 'uncertain' | 'expired' | 'dead'}`
  | `connection.${'linked' | 'needs_relink' | 'no_mailbox' | 'blocked' | 'paused' | 'resumed' | 'removed'}`
  | `application.${'secret_expiring' | 'broken'}`;

/** Data of an event. Ids and codes only; `alertAddress` is whom Hire2Retire should tell. */
export interface EventData {
  readonly customerId: string;
  readonly connectionId?: string;
  readonly clientId?: string;
  readonly mailId?: string;
  readonly state?: string;
  readonly reason?: string;
  readonly waiting?: number;
  readonly alertAddress?: string;
  /** Of `application.secret_expiring`: ISO date, whole days until it, and whether nobody gave the date. */
  readonly expiresOn?: string;
  readonly daysLeft?: number;
  readonly assumed?: true;
}

/** Row keys of events that are not on the queue yet begin with this. */
export const EVENT_ROWS = { from: '3|', to: '3~' } as const;

/**
 * The operation that records an event in the transaction of the write it tells of.
 * @param key unique per happening and stable when the write is repeated; becomes part of the CloudEvents id
 */
export function eventRow(key: string, type: EventType, data: EventData, at: Date): RowOperation & { kind: 'insert' } {
  // `parked` exists so that the drain's filter `parked ne true` sees the row: a comparison with an absent property is false.
  const properties = { v: 1, parked: false, type, data: JSON.stringify(data), at: at.toISOString() };
  return { kind: 'insert', rowKey: `3|${key}`, properties };
}

/** Puts recorded events on `outlook-events` as CloudEvents 1.0 and forgets them. At least once, in that order. */
export class EventOutbox {
  private readonly table: Table;
  private readonly queues: Queues;
  private readonly source: string;
  private readonly rows: { readonly from: string; readonly to: string };

  /** @param rows where in a partition of the table the events are; their keys begin with two characters that say so */
  constructor(table: Table, queues: Queues, source: string, rows: { from: string; to: string } = EVENT_ROWS) {
    this.table = table;
    this.queues = queues;
    this.source = source;
    this.rows = rows;
  }

  /** Sends one recorded event; the caller deletes its row afterwards. */
  async send(partition: string, rowKey: string, row: { type: string; data: string; at: string }): Promise<void> {
    const data = JSON.parse(row.data) as EventData;
    const event = {
      specversion: '1.0',
      id: `${partition}/${rowKey.slice(2)}`,
      source: this.source,
      type: row.type,
      time: row.at,
      subject: data.connectionId ?? data.clientId ?? partition,
      datacontenttype: 'application/json',
      data,
    };
    await this.queues.send(QUEUES.events, JSON.stringify(event));
  }

  /** Sends an event whose row was written a moment ago, as it was written. */
  async sendWritten(connectionId: string, event: RowOperation): Promise<void> {
    if (event.kind !== 'insert') return;
    const { type, data, at } = event.properties;
    await this.send(connectionId, event.rowKey, { type: String(type), data: String(data), at: String(at) });
  }

  /** Tells one event that was recorded a moment ago. Nothing else of the lane: others tell theirs at this very moment. */
  async tell(connectionId: string, event: RowOperation): Promise<void> {
    await this.sendWritten(connectionId, event);
    await this.forget(connectionId, event.rowKey);
  }

  async sendRow(row: StoredRow): Promise<void> {
    const fields = { type: text(row, 'type'), data: text(row, 'data'), at: text(row, 'at') };
    await this.send(row.partitionKey, row.rowKey, fields);
  }

  /** Sends and forgets everything that a partition still has to tell. */
  async flush(partition: string): Promise<void> {
    for (;;) {
      const { rows, next } = await this.table.query(partition, { ...this.rows, limit: 100 });
      for (const row of rows) {
        await this.sendRow(row);
        await this.forget(partition, row.rowKey);
      }
      if (!next) return;
    }
  }

  /** Deletes an event's row; one that is gone was told by somebody else too. */
  async forget(partition: string, rowKey: string): Promise<void> {
    try {
      await this.table.write(partition, [{ kind: 'delete', rowKey }]);
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
    }
  }
}
