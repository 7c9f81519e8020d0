import { flag, RowConflict, type StoredRow, type Table, text } from '../storage/table.ts';

/** A customer-owned application: an Entra app registration of the customer's. */
export interface Application {
  readonly customerId: string;
  readonly clientId: string;
  readonly etag: string;
  /** Tenant in which its users sign in. */
  readonly tenantId: string;
  readonly vault: string;
  readonly secretName: string;
  /** The secret before the last rotation: a fallback until it is deleted a day after `previousRetiredAt`. */
  readonly previousSecretName: string;
  readonly previousRetiredAt: string;
  readonly secretSetAt: string;
  /** ISO date. Assumed (730 days) where no date was given. */
  readonly secretExpiresOn: string;
  readonly secretExpiryAssumed: boolean;
  /** Microsoft refuses its secret, and the previous one. */
  readonly broken: boolean;
}

export type ApplicationChange = Partial<Omit<Application, 'customerId' | 'clientId' | 'etag'>>;

/** What the seed recommends as a client secret's lifetime; assumed where no expiry was given. */
export const ASSUMED_SECRET_DAYS = 730;

/** Rows of customer-owned applications (partition: customer). */
export class ApplicationStore {
  private readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  async get(customerId: string, clientId: string): Promise<Application | undefined> {
    const { row } = await this.table.get(customerId, clientId);
    return row && fromRow(row);
  }

  /** Reads, decides and writes until the write wins over the very row that `decide` saw; undefined for no row yet. */
  async put(
    customerId: string,
    clientId: string,
    decide: (
      current: Application | undefined,
    ) => ApplicationChange | undefined | Promise<ApplicationChange | undefined>,
  ): Promise<void> {
    for (;;) {
      const current = await this.get(customerId, clientId);
      const change = await decide(current);
      if (!change) return;
      try {
        const row = { rowKey: clientId, properties: { v: 1, ...change } };
        await this.table.write(customerId, [
          current ? { kind: 'merge', ...row, etag: current.etag } : { kind: 'insert', ...row },
        ]);
        return;
      } catch (error) {
        if (!(error instanceof RowConflict)) throw error;
      }
    }
  }

  /** All applications of a customer; there are few. */
  async list(customerId: string): Promise<readonly Application[]> {
    return (await this.table.query(customerId, { limit: 1000 })).rows.map(fromRow);
  }

  /** Removes an application that nobody changed since it was read; otherwise it stays. */
  async remove(application: Application): Promise<void> {
    const { customerId, clientId, etag } = application;
    try {
      await this.table.write(customerId, [{ kind: 'delete', rowKey: clientId, etag }]);
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
    }
  }
}

function fromRow(row: StoredRow): Application {
  return {
    customerId: row.partitionKey,
    clientId: row.rowKey,
    etag: row.etag,
    tenantId: text(row, 'tenantId'),
    vault: text(row, 'vault'),
    secretName: text(row, 'secretName'),
    previousSecretName: text(row, 'previousSecretName'),
    previousRetiredAt: text(row, 'previousRetiredAt'),
    secretSetAt: text(row, 'secretSetAt'),
    secretExpiresOn: text(row, 'secretExpiresOn'),
    secretExpiryAssumed: flag(row, 'secretExpiryAssumed'),
    broken: flag(row, 'broken'),
  };
}
