import { DAY, later, MINUTE } from '../clock.ts';
import type { LinkErrorCode } from '../errors.ts';
import { flag, odataText, type Properties, RowConflict, type StoredRow, type Table, text } from '../storage/table.ts';

/**
 * One attempt to connect an account. Every step is one conditional update of its row:
 *
 *   started → opened → authorized → redeeming → redeemed → connected
 *      └──────────┴─────────┴────────────┴──→ failed | expired
 *
 * Nothing outside the row decides what happens next, so that whoever finds the row can clean up or roll forward.
 */
export type LinkState =
  | 'started'
  | 'opened'
  | 'authorized'
  | 'redeeming'
  | 'redeemed'
  | 'connected'
  | 'failed'
  | 'expired';

export interface Link {
  readonly linkId: string;
  readonly customerId: string;
  readonly state: LinkState;
  readonly etag: string;
  /** Hash of the session that started; an opaque id may be a session secret. */
  readonly startedByHash: string;
  readonly returnTo: string;
  readonly displayName: string;
  readonly kind: 'serviceProvider' | 'customerOwned';
  readonly clientId: string;
  /** Tenant GUID, `organizations` or `common`: the authority to sign in at. */
  readonly authority: string;
  readonly loginHint: string;
  readonly expectedMailbox: string;
  /** Tenant of the domain of `expectedMailbox`; '' when none is expected. */
  readonly expectedTenantId: string;
  /** The connection that is re-linked; '' for a new one. */
  readonly relinkOf: string;
  /** Drawn at start; after the index was looked up, the connection that the link led to. */
  readonly connectionId: string;
  /** Names drawn at start, before the vault is touched; '' where there is none. */
  readonly clientSecretName: string;
  readonly refreshTokenName: string;
  readonly clientSecretExpiresOn: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** When the row's state last advanced. */
  readonly changedAt: Date;
  readonly ticketHash: string;
  readonly cookieHash: string;
  readonly stateHash: string;
  readonly confirmationHash: string;
  /** Verifier and nonce sealed under the state, then code, verifier and nonce sealed under the confirmation. */
  readonly sealed: string;
  /** Ended without a connection, and its secrets are deleted. */
  readonly cleaned: boolean;
  readonly error: LinkErrorCode | '';
  readonly correlationId: string;
  readonly traceId: string;
  readonly tenantId: string;
  readonly objectId: string;
  readonly signInName: string;
}

/** Fields that a step may change. Dates are kept as ISO text in the row. */
export type LinkChange = Partial<
  Omit<Link, 'linkId' | 'customerId' | 'etag' | 'createdAt' | 'changedAt' | 'expiresAt'>
> & {
  readonly expiresAt?: Date;
};

const ROW = 'link';
/** How long a link may take from start to callback, and how long a parked code waits for its confirmation. */
export const LINK_MINUTES = 30;
export const CONFIRM_MINUTES = 5;
/** Longest that a confirm may work: token endpoint and vault have limits far below. After it, `redeeming` is a dead one. */
export const REDEEM_MINUTES = 3;
/** How long an ended link can be asked for. */
export const KEEP_DAYS = 7;

const ENDED: readonly LinkState[] = ['connected', 'failed', 'expired'];

export function hasEnded(link: Link): boolean {
  return ENDED.includes(link.state);
}

/** Rows of links, one per link. */
export class LinkStore {
  private readonly table: Table;
  private readonly now: () => Date;

  constructor(table: Table, now: () => Date) {
    this.table = table;
    this.now = now;
  }

  async insert(link: Omit<Link, 'etag' | 'changedAt' | 'createdAt'>): Promise<Link> {
    const { linkId, ...rest } = link;
    const properties = { v: 1, createdAt: this.now().toISOString(), ...this.toProperties(rest) };
    const etags = await this.table.write(linkId, [{ kind: 'insert', rowKey: ROW, properties }]);
    return { ...link, createdAt: this.now(), changedAt: this.now(), etag: etags.get(ROW) ?? '' };
  }

  async get(linkId: string): Promise<Link | undefined> {
    const { row } = await this.table.get(linkId, ROW);
    return row && fromRow(row);
  }

  /**
   * Advances a link that nobody changed since it was read.
   * @returns undefined when somebody did
   */
  async update(link: Link, change: LinkChange): Promise<Link | undefined> {
    try {
      const properties = this.toProperties({
        ...change,
        expiresAt: change.expiresAt ?? link.expiresAt,
        state: change.state ?? link.state,
      });
      const etags = await this.table.write(link.linkId, [{ kind: 'merge', rowKey: ROW, properties, etag: link.etag }]);
      return { ...link, ...change, changedAt: this.now(), etag: etags.get(ROW) ?? '' };
    } catch (error) {
      if (error instanceof RowConflict) return undefined;
      throw error;
    }
  }

  async remove(link: Link): Promise<void> {
    await this.table.write(link.linkId, [{ kind: 'delete', rowKey: ROW }]);
  }

  /** Links that the hourly scan has something to do for, a page at a time. */
  async stale(limit: number, after?: string): Promise<{ linkIds: readonly string[]; next?: string }> {
    const page = await this.table.scan(`RowKey eq '${ROW}' and lookAt le '${this.now().toISOString()}'`, limit, after);
    return { linkIds: page.rows.map((row) => row.partitionKey), ...(page.next && { next: page.next }) };
  }

  /** All links of a customer, ended ones too, a page at a time. Looks at every link there is: for a removal only. */
  async ofCustomer(customerId: string, limit: number, after?: string) {
    const page = await this.table.scan(`RowKey eq '${ROW}' and customerId eq ${odataText(customerId)}`, limit, after);
    return { links: page.rows.map(fromRow), ...(page.next && { next: page.next }) };
  }

  /** `lookAt` is when the scan should look at the row: once it can have died, or once it may be forgotten. */
  private toProperties(change: LinkChange & { readonly customerId?: string }): Properties {
    const { expiresAt, ...rest } = change;
    const now = this.now();
    const done = change.state === 'connected' || change.cleaned === true;
    const died = later(expiresAt ?? now, REDEEM_MINUTES * MINUTE);
    const failed = change.state === 'failed' || change.state === 'expired';
    const lookAt = done ? later(now, KEEP_DAYS * DAY) : failed ? now : died;
    return {
      ...rest,
      ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
      changedAt: now.toISOString(),
      lookAt: lookAt.toISOString(),
    };
  }
}

function fromRow(row: StoredRow): Link {
  const date = (name: string) => new Date(text(row, name));
  return {
    linkId: row.partitionKey,
    etag: row.etag,
    customerId: text(row, 'customerId'),
    state: text(row, 'state') as LinkState,
    startedByHash: text(row, 'startedByHash'),
    returnTo: text(row, 'returnTo'),
    displayName: text(row, 'displayName'),
    kind: text(row, 'kind') as Link['kind'],
    clientId: text(row, 'clientId'),
    authority: text(row, 'authority'),
    loginHint: text(row, 'loginHint'),
    expectedMailbox: text(row, 'expectedMailbox'),
    expectedTenantId: text(row, 'expectedTenantId'),
    relinkOf: text(row, 'relinkOf'),
    connectionId: text(row, 'connectionId'),
    clientSecretName: text(row, 'clientSecretName'),
    refreshTokenName: text(row, 'refreshTokenName'),
    clientSecretExpiresOn: text(row, 'clientSecretExpiresOn'),
    createdAt: date('createdAt'),
    expiresAt: date('expiresAt'),
    changedAt: date('changedAt'),
    ticketHash: text(row, 'ticketHash'),
    cookieHash: text(row, 'cookieHash'),
    stateHash: text(row, 'stateHash'),
    confirmationHash: text(row, 'confirmationHash'),
    sealed: text(row, 'sealed'),
    cleaned: flag(row, 'cleaned'),
    error: text(row, 'error') as Link['error'],
    correlationId: text(row, 'correlationId'),
    traceId: text(row, 'traceId'),
    tenantId: text(row, 'tenantId'),
    objectId: text(row, 'objectId'),
    signInName: text(row, 'signInName'),
  };
}
