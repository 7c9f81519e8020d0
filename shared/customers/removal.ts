import { later, MINUTE } from '../clock.ts';
import { REMOVAL_ROW } from '../connections/connection.ts';
import { RowConflict, type StoredRow, type Table, text } from '../storage/table.ts';

/** How far the removal of a customer is. */
export interface Removal {
  readonly customerId: string;
  readonly etag: string;
  readonly state: 'removing' | 'removed';
  readonly startedAt: string;
  /** Since when nothing of the customer was found alive. */
  readonly quietSince: string;
  /** Until when the vault can recover the secrets that were deleted; '' for unknown or none. */
  readonly secretsRecoverableUntil: string;
  /** When the scan looks at the row: to go on while `removing`, to forget it once `removed`. */
  readonly nextCheckAt: string;
}

export type RemovalChange = Partial<Omit<Removal, 'customerId' | 'etag'>>;

/**
 * Longer than any execution lives. Whatever began before the removal's row was written has ended by then, so what a last
 * look does not find after so long never comes.
 */
export const QUIET_MS = 15 * MINUTE;

/** The row `removal` of a customer in table `connections`: the hourly scan finds it by its `nextCheckAt`. */
export class RemovalStore {
  private readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  async get(customerId: string): Promise<Removal | undefined> {
    const { row } = await this.table.get(customerId, REMOVAL_ROW);
    return row && fromRow(row);
  }

  /** Begins a removal, or finds it begun. One that ended begins anew. */
  async begin(customerId: string, now: Date): Promise<Removal> {
    for (;;) {
      const known = await this.get(customerId);
      if (known?.state === 'removing') return known;
      const at = now.toISOString();
      const begun = {
        state: 'removing',
        startedAt: at,
        quietSince: at,
        secretsRecoverableUntil: '',
        nextCheckAt: at,
      } as const;
      const row = { rowKey: REMOVAL_ROW, properties: { v: 1, ...begun } };
      try {
        const write = known
          ? ({ kind: 'replace', ...row, etag: known.etag } as const)
          : ({ kind: 'insert', ...row } as const);
        const etags = await this.table.write(customerId, [write]);
        return { customerId, ...begun, etag: etags.get(REMOVAL_ROW) ?? '' };
      } catch (error) {
        if (!(error instanceof RowConflict)) throw error;
      }
    }
  }

  /** Writes how far a removal is, unless somebody else did since it was read. */
  async update(removal: Removal, change: RemovalChange): Promise<Removal | undefined> {
    const { customerId, etag } = removal;
    try {
      const merge = { kind: 'merge', rowKey: REMOVAL_ROW, properties: { ...change }, etag } as const;
      const etags = await this.table.write(customerId, [merge]);
      return { ...removal, ...change, etag: etags.get(REMOVAL_ROW) ?? '' };
    } catch (error) {
      if (error instanceof RowConflict) return undefined;
      throw error;
    }
  }

  /** Forgets a removal that ended long ago, unless it began anew. */
  async forget({ customerId, etag }: Removal): Promise<void> {
    try {
      await this.table.write(customerId, [{ kind: 'delete', rowKey: REMOVAL_ROW, etag }]);
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
    }
  }
}

/** When the last look may be taken. */
export function quietUntil(removal: Removal): Date {
  return later(new Date(removal.quietSince), QUIET_MS);
}

function fromRow(row: StoredRow): Removal {
  return {
    customerId: row.partitionKey,
    etag: row.etag,
    state: text(row, 'state') === 'removed' ? 'removed' : 'removing',
    startedAt: text(row, 'startedAt'),
    quietSince: text(row, 'quietSince'),
    secretsRecoverableUntil: text(row, 'secretsRecoverableUntil'),
    nextCheckAt: text(row, 'nextCheckAt'),
  };
}
