import { later, MINUTE } from '../clock.ts';
import { flag, number, RowConflict, type RowOperation, type StoredRow, type Table, text } from '../storage/table.ts';

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
  /** Of a rotation that is under way: named here before the vault gets it. '' otherwise. */
  readonly pendingSecretName: string;
  readonly pendingSince: string;
  readonly secretSetAt: string;
  /** ISO date. Assumed (730 days) where no date was given. */
  readonly secretExpiresOn: string;
  readonly secretExpiryAssumed: boolean;
  /** Microsoft refuses its secret, and the previous one. */
  readonly broken: boolean;
  /** What Microsoft said when it refused; '' while it does not. */
  readonly brokenReason: string;
  /** The date of expiry that was told of, and at how many days before it last. */
  readonly warnedExpiry: string;
  readonly warnedDays: number;
  /** Ids of links that are being finished through it, with a space between them: it is in use before a connection says so. */
  readonly heldBy: string;
  /** Its secrets are being deleted, and nothing brings it back; '' otherwise. */
  readonly removingSince: string;
}

export type ApplicationChange = Partial<Omit<Application, 'customerId' | 'clientId' | 'etag'>>;

/** Row keys of applications are GUIDs in lower case; events of the same partition sort behind them. */
const APPLICATION_ROWS = { from: '0', to: 'g' } as const;
/** Row keys of events that are not on the queue yet. */
export const APPLICATION_EVENT_ROWS = { from: '~|', to: '~}' } as const;

/** The operation that records an event in the transaction of its application's row. */
export function applicationEvent(event: RowOperation & { readonly kind: 'insert' }): RowOperation {
  return { ...event, rowKey: `~|${event.rowKey.slice(2)}` };
}

/** A rotation that has not ended by then has died: the vault's and storage's own limits are far below. */
const ROTATION_MINUTES = 3;

/** Whether somebody is putting a new secret in place at this moment. */
export function isRotating({ pendingSecretName, pendingSince }: Application, now: Date): boolean {
  return pendingSecretName !== '' && later(new Date(pendingSince), ROTATION_MINUTES * MINUTE) > now;
}

/** The links that hold an application. */
export function holdersOf({ heldBy }: Application): readonly string[] {
  return heldBy === '' ? [] : heldBy.split(' ');
}

/** What the seed recommends as a client secret's lifetime; assumed where no expiry was given. */
export const ASSUMED_SECRET_DAYS = 730;

type Decision = ApplicationChange | 'again' | undefined;

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

  /**
   * Reads, decides and writes until the write wins over the very row that `decide` saw; undefined for no row yet.
   * @param decide answers what to write, undefined for nothing, or `again` when it changed the row itself
   * @param event written in the same transaction
   * @returns the row as this call wrote it; undefined when it wrote nothing
   */
  async put(
    customerId: string,
    clientId: string,
    decide: (current: Application | undefined) => Decision | Promise<Decision>,
    event?: RowOperation,
  ): Promise<Application | undefined> {
    for (;;) {
      const current = await this.get(customerId, clientId);
      const change = await decide(current);
      if (!change) return undefined;
      if (change === 'again') continue;
      const row = { rowKey: clientId, properties: { v: 1, ...change } };
      const write: RowOperation = current ? { kind: 'merge', ...row, etag: current.etag } : { kind: 'insert', ...row };
      try {
        const etags = await this.table.write(customerId, event ? [write, event] : [write]);
        return { ...(current ?? EMPTY), ...change, customerId, clientId, etag: etags.get(clientId) ?? '' };
      } catch (error) {
        if (!(error instanceof RowConflict)) throw error;
        // The event is there: this very change was told before.
        if (error.rowKey === event?.rowKey && error.why === 'exists') return undefined;
      }
    }
  }

  /**
   * Changes an application that nobody changed since it was read.
   * @returns undefined when somebody did, or when it is gone
   */
  async update(application: Application, change: ApplicationChange): Promise<Application | undefined> {
    const { customerId, clientId, etag } = application;
    try {
      const merge = { kind: 'merge', rowKey: clientId, properties: change, etag } as const;
      const etags = await this.table.write(customerId, [merge]);
      return { ...application, ...change, etag: etags.get(clientId) ?? '' };
    } catch (error) {
      if (error instanceof RowConflict) return undefined;
      throw error;
    }
  }

  /** All applications of a customer; there are few. */
  async list(customerId: string): Promise<readonly Application[]> {
    return (await this.page(customerId, 1000)).applications;
  }

  async page(
    customerId: string,
    limit: number,
    after?: string,
  ): Promise<{ readonly applications: readonly Application[]; readonly next?: string }> {
    const page = await this.table.query(customerId, { ...APPLICATION_ROWS, limit, ...(after && { after }) });
    return { applications: page.rows.map(fromRow), ...(page.next && { next: page.next }) };
  }

  /**
   * Removes an application that nobody changed since it was read.
   * @returns whether it is gone
   */
  async remove(application: Application): Promise<boolean> {
    const { customerId, clientId, etag } = application;
    try {
      await this.table.write(customerId, [{ kind: 'delete', rowKey: clientId, etag }]);
      return true;
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
      return error.why === 'missing';
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
    pendingSecretName: text(row, 'pendingSecretName'),
    pendingSince: text(row, 'pendingSince'),
    secretSetAt: text(row, 'secretSetAt'),
    secretExpiresOn: text(row, 'secretExpiresOn'),
    secretExpiryAssumed: flag(row, 'secretExpiryAssumed'),
    broken: flag(row, 'broken'),
    brokenReason: text(row, 'brokenReason'),
    warnedExpiry: text(row, 'warnedExpiry'),
    warnedDays: number(row, 'warnedDays'),
    heldBy: text(row, 'heldBy'),
    removingSince: text(row, 'removingSince'),
  };
}

const EMPTY: Omit<Application, 'customerId' | 'clientId' | 'etag'> = {
  tenantId: '',
  vault: '',
  secretName: '',
  previousSecretName: '',
  previousRetiredAt: '',
  pendingSecretName: '',
  pendingSince: '',
  secretSetAt: '',
  secretExpiresOn: '',
  secretExpiryAssumed: false,
  broken: false,
  brokenReason: '',
  warnedExpiry: '',
  warnedDays: 0,
  heldBy: '',
  removingSince: '',
};
