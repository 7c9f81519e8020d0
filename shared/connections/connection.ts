import { later, MINUTE } from '../clock.ts';
import { flag, number, type Properties, RowConflict, type StoredRow, type Table, text } from '../storage/table.ts';

/** `removing` is ours alone: an unlink that is under way shows no connection any more. */
export type ConnectionStatus =
  | 'connected'
  | 'paused'
  | 'needs_relink'
  | 'no_mailbox'
  | 'blocked'
  | 'broken'
  | 'removing';

/** What a lane does with a mail whose fate is unknown: keep it for a person, or send it once more. */
export type OnUncertain = 'hold' | 'resend';

/** A linked sender mailbox. */
export interface Connection {
  readonly customerId: string;
  readonly connectionId: string;
  readonly etag: string;
  readonly displayName: string;
  readonly status: ConnectionStatus;
  /** Why the status is what it is; '' while all is well. */
  readonly reason: string;
  /** Somebody holds the mail. Outlives trouble and new links, unlike the status `paused`. */
  readonly paused: boolean;
  /** For display only; an address is never an identity. */
  readonly signInName: string;
  /** Mailbox identity: `tid` and `oid`. */
  readonly tenantId: string;
  readonly objectId: string;
  readonly kind: 'serviceProvider' | 'customerOwned';
  readonly clientId: string;
  /** Host name of the vault that holds the secrets named here. */
  readonly vault: string;
  readonly secretName: string;
  /** The refresh token before the last re-link; deleted a day after `previousRetiredAt`. */
  readonly previousSecretName: string;
  readonly previousRetiredAt: string;
  /** Counts links of this mailbox: an old failure must not overwrite a fresh link. */
  readonly credentialVersion: number;
  /** Versions that the vault keeps under `secretName`, as far as rows know. */
  readonly secretVersions: number;
  /** A name that was drawn for the next refresh token and is not used yet, and when; '' for none. */
  readonly nextSecretName: string;
  readonly nextSecretAt: string;
  /** When the stored refresh token was issued. */
  readonly refreshTokenStoredAt: string;
  readonly linkedAt: string;
  /** When a token was last obtained; written at most once a day. */
  readonly lastProvenAt: string;
  readonly onUncertain: OnUncertain;
  readonly alertAddress: string;
  /** The link that last wrote the credentials: makes finishing a link repeatable. */
  readonly linkId: string;
  readonly nextCheckAt: string;
  /** The time for which the check that is under way, or is to be repeated, was scheduled; '' for none. */
  readonly checkSlot: string;
  /** When the link dies by itself if nothing is done, as of the last check; '' before the first. For counting only. */
  readonly troubleAt: string;
  /** Earliest time at which waiting mail needs a ticket that nobody will leave; '' for none. */
  readonly wakeAt: string;
}

export type ConnectionChange = Partial<Omit<Connection, 'customerId' | 'connectionId' | 'etag'>>;

/** What identifies a mailbox linked through an application. */
export interface MailboxKey {
  readonly clientId: string;
  readonly tenantId: string;
  readonly objectId: string;
}

/** Row of a customer who is being removed, or was; see `RemovalStore`. */
export const REMOVAL_ROW = 'removal';
/** A removed connection, whose records are still there. */
const REMAINS = 'r|';
/** Nobody knows a removed connection from memory any more by then. */
const FIRST_LOOK_MS = 10 * MINUTE;
const remainsKey = (connectionId: string) => `${REMAINS}${connectionId}`;
const indexKey = (mailbox: MailboxKey) => `m|${mailbox.clientId}|${mailbox.tenantId}|${mailbox.objectId}`;

/** What is left of a removed connection. */
export interface Remains {
  readonly recordsUntil: Date;
  /** A name that was drawn for a refresh token and not used when the row went; '' for none. */
  readonly nextSecretName: string;
  /** Until when the vault can recover what was deleted; '' when it did not say. */
  readonly secretsRecoverableUntil: string;
}

export interface ConnectionPage {
  readonly connections: readonly Connection[];
  readonly next?: string;
}

/** What the hourly scan found due. */
export interface DuePage {
  readonly due: readonly (
    | { readonly kind: 'connection' | 'remains'; readonly customerId: string; readonly connectionId: string }
    | { readonly kind: 'removal'; readonly customerId: string }
  )[];
  readonly next?: string;
}

/** Rows of connections (partition: customer) and the index by mailbox beside them. */
export class ConnectionStore {
  private readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  async get(customerId: string, connectionId: string): Promise<Connection | undefined> {
    const { row } = await this.table.get(customerId, connectionId);
    return row && fromRow(row);
  }

  /** The connection of a mailbox, whatever its status. */
  async findByMailbox(customerId: string, mailbox: MailboxKey): Promise<Connection | undefined> {
    const { row } = await this.table.get(customerId, indexKey(mailbox));
    return row && this.get(customerId, text(row, 'connectionId'));
  }

  /**
   * Inserts a connection with its index row.
   * @throws {RowConflict} when the mailbox is linked already, or the connection exists
   */
  async insert(connection: Omit<Connection, 'etag'>): Promise<void> {
    const { customerId, connectionId, ...properties } = connection;
    await this.table.write(customerId, [
      { kind: 'insert', rowKey: connectionId, properties: { v: 1, ...properties } },
      { kind: 'insert', rowKey: indexKey(connection), properties: { v: 1, connectionId } },
    ]);
  }

  /**
   * Changes a connection that nobody changed since it was read.
   * @returns undefined when somebody did, or when it is gone
   */
  async update(connection: Connection, change: ConnectionChange): Promise<Connection | undefined> {
    try {
      const properties: Properties = change;
      const operation = { kind: 'merge', rowKey: connection.connectionId, properties, etag: connection.etag } as const;
      const etags = await this.table.write(connection.customerId, [operation]);
      return { ...connection, ...change, etag: etags.get(connection.connectionId) ?? '' };
    } catch (error) {
      if (error instanceof RowConflict) return undefined;
      throw error;
    }
  }

  /** Reads, decides and writes until the write wins. `decide` returns undefined to leave the row alone. */
  async change(
    customerId: string,
    connectionId: string,
    decide: (connection: Connection) => ConnectionChange | undefined,
  ): Promise<Connection | undefined> {
    for (;;) {
      const connection = await this.get(customerId, connectionId);
      if (!connection) return undefined;
      const change = decide(connection);
      if (!change) return connection;
      const updated = await this.update(connection, change);
      if (updated) return updated;
    }
  }

  /**
   * Removes a connection with its index row; one that is gone is fine. A row of remains takes its place, so that mail
   * taken in at this very moment, and in the end the records, are found.
   */
  async remove(connection: Connection, now: Date, recordsUntil: Date, recoverableUntil?: Date): Promise<void> {
    const { customerId, connectionId } = connection;
    const remains = {
      v: 1,
      recordsUntil: recordsUntil.toISOString(),
      ...(recoverableUntil && { secretsRecoverableUntil: recoverableUntil.toISOString() }),
      // Whoever drew the name may be storing under it at this very moment.
      ...(connection.nextSecretName && { nextSecretName: connection.nextSecretName }),
      nextCheckAt: later(now, FIRST_LOOK_MS).toISOString(),
    };
    const insert = { kind: 'insert', rowKey: remainsKey(connectionId), properties: remains } as const;
    let keys = [connectionId, indexKey(connection)];
    for (;;) {
      const deletes = keys.map((rowKey) => ({ kind: 'delete', rowKey }) as const);
      try {
        await this.table.write(customerId, [...deletes, insert]);
        return;
      } catch (error) {
        if (!(error instanceof RowConflict)) throw error;
        // Removed by somebody else a moment ago. An index row that somebody deleted by hand must not keep the connection.
        if (error.rowKey !== indexKey(connection)) return;
        keys = [connectionId];
      }
    }
  }

  /** What is known of a removed connection; undefined when nothing is left. */
  async remains(customerId: string, connectionId: string): Promise<Remains | undefined> {
    const { row } = await this.table.get(customerId, remainsKey(connectionId));
    return (
      row && {
        recordsUntil: new Date(text(row, 'recordsUntil')),
        nextSecretName: text(row, 'nextSecretName'),
        secretsRecoverableUntil: text(row, 'secretsRecoverableUntil'),
      }
    );
  }

  /** Nothing is to be done about remains until then. */
  async keepRemains(customerId: string, connectionId: string, until: Date): Promise<void> {
    const properties = { nextCheckAt: until.toISOString() };
    await this.table.write(customerId, [{ kind: 'merge', rowKey: remainsKey(connectionId), properties }]);
  }

  /** Nothing is left of a removed connection. */
  async forgetRemains(customerId: string, connectionId: string): Promise<void> {
    try {
      await this.table.write(customerId, [{ kind: 'delete', rowKey: remainsKey(connectionId) }]);
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
    }
  }

  /** Ids of removed connections of which something is left. */
  async listRemains(customerId: string, limit: number): Promise<readonly string[]> {
    const { rows } = await this.table.query(customerId, { from: REMAINS, to: `${REMAINS}~`, limit });
    return rows.map(({ rowKey }) => rowKey.slice(REMAINS.length));
  }

  /** Whether everything of the customer is being removed at this moment: nothing new is taken. */
  async isCustomerLeaving(customerId: string): Promise<boolean> {
    const { row } = await this.table.get(customerId, REMOVAL_ROW);
    return row !== undefined && text(row, 'state') === 'removing';
  }

  async list(customerId: string, limit: number, after?: string): Promise<ConnectionPage> {
    const page = await this.table.query(customerId, { from: 'con_', to: 'con`', limit, ...(after && { after }) });
    return { connections: page.rows.map(fromRow), ...(page.next && { next: page.next }) };
  }

  /**
   * Connections that are due for their check or have mail to wake, remains whose time is over, and removals that go on:
   * over all customers, a page at a time. Index rows have neither property.
   */
  async due(now: Date, limit: number, after?: string): Promise<DuePage> {
    const at = now.toISOString();
    const page = await this.table.scan(`nextCheckAt le '${at}' or (wakeAt gt '' and wakeAt le '${at}')`, limit, after);
    const due = page.rows.map((row) => {
      if (row.rowKey === REMOVAL_ROW) return { kind: 'removal', customerId: row.partitionKey } as const;
      const isRemains = row.rowKey.startsWith(REMAINS);
      const connectionId = isRemains ? row.rowKey.slice(REMAINS.length) : row.rowKey;
      return { kind: isRemains ? 'remains' : 'connection', customerId: row.partitionKey, connectionId } as const;
    });
    return { due, ...(page.next && { next: page.next }) };
  }

  /** Whom to tell of a customer's application: the first address that one of its connections has; '' when none has. */
  async anyAlertAddress(customerId: string, clientId: string): Promise<string> {
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const page = await this.list(customerId, 1_000, after);
      const found = page.connections.find((each) => each.clientId === clientId && each.alertAddress !== '');
      if (found) return found.alertAddress;
      after = page.next;
    }
    return '';
  }

  /**
   * Some connections of other tenants that work: through the same application where it is RoboMQ's, through any
   * otherwise. Looks through five pages of the table at most.
   */
  async connectedElsewhere({ kind, clientId, tenantId }: Connection, limit: number): Promise<readonly Connection[]> {
    const same = kind === 'serviceProvider' ? ` and clientId eq '${clientId}'` : '';
    const filter = `status eq 'connected' and tenantId ne '${tenantId}'${same}`;
    const found: Connection[] = [];
    let after: string | undefined;
    for (let pages = 0; pages < 5 && found.length < limit; pages += 1) {
      const page = await this.table.scan(filter, limit - found.length, after);
      found.push(...page.rows.map(fromRow));
      after = page.next;
      if (after === undefined) break;
    }
    return found;
  }

  /** Whether an operator has stopped all sending: the row `_` / `stop` with `on` = true. */
  async stopped(): Promise<boolean> {
    const { row } = await this.table.get('_', 'stop');
    return row !== undefined && flag(row, 'on');
  }
}

function fromRow(row: StoredRow): Connection {
  return {
    customerId: row.partitionKey,
    connectionId: row.rowKey,
    etag: row.etag,
    displayName: text(row, 'displayName'),
    status: text(row, 'status') as ConnectionStatus,
    reason: text(row, 'reason'),
    // Rows of an earlier version say so by their status alone.
    paused: flag(row, 'paused') || text(row, 'status') === 'paused',
    signInName: text(row, 'signInName'),
    tenantId: text(row, 'tenantId'),
    objectId: text(row, 'objectId'),
    kind: text(row, 'kind') as Connection['kind'],
    clientId: text(row, 'clientId'),
    vault: text(row, 'vault'),
    secretName: text(row, 'secretName'),
    previousSecretName: text(row, 'previousSecretName'),
    previousRetiredAt: text(row, 'previousRetiredAt'),
    credentialVersion: number(row, 'credentialVersion'),
    secretVersions: number(row, 'secretVersions'),
    nextSecretName: text(row, 'nextSecretName'),
    nextSecretAt: text(row, 'nextSecretAt'),
    refreshTokenStoredAt: text(row, 'refreshTokenStoredAt'),
    linkedAt: text(row, 'linkedAt'),
    lastProvenAt: text(row, 'lastProvenAt'),
    onUncertain: (text(row, 'onUncertain') || 'hold') as OnUncertain,
    alertAddress: text(row, 'alertAddress'),
    linkId: text(row, 'linkId'),
    nextCheckAt: text(row, 'nextCheckAt'),
    checkSlot: text(row, 'checkSlot'),
    troubleAt: text(row, 'troubleAt'),
    wakeAt: text(row, 'wakeAt'),
  };
}
