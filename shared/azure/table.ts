import { randomBytes } from 'node:crypto';
import { odata, RestError, type TableClient, type TableEntity } from '@azure/data-tables';
import { invalidField } from '../errors.ts';
import { StoreUnavailable } from '../storage/ports.ts';
import {
  type Properties,
  RowConflict,
  type RowOperation,
  type RowPage,
  type RowRange,
  type StoredRow,
  type Table,
  type TableValue,
} from '../storage/table.ts';
import { isLargeInteger, submitTransaction } from './table-transaction.ts';

/** Property that tells our own write from somebody else's; see `recognize`. */
const WRITE_ID = 'w';

/** What stands for the ETag of a row that somebody changed right after our write: no row ever has it. */
const OUTDATED = `W/"datetime'1601-01-01T00%3A00%3A00.0000000Z'"`;

const KEPT_WITH_ANY_SELECT = ['PartitionKey', 'RowKey', 'Timestamp'] as const;

/** `Table` on `@azure/data-tables`. */
export class AzureTable implements Table {
  private readonly client: TableClient;

  constructor(client: TableClient) {
    this.client = client;
  }

  async get(partitionKey: string, rowKey: string) {
    let readAt = new Date();
    const onResponse = (response: { headers: { get(name: string): string | undefined } }) => {
      readAt = new Date(response.headers.get('date') ?? Date.now());
    };
    try {
      const entity = await this.client.getEntity<Record<string, unknown>>(partitionKey, rowKey, { onResponse });
      return { row: toRow(entity), readAt };
    } catch (error) {
      if (statusOf(error) === 404 && !isTableMissing(error)) return { row: undefined, readAt };
      throw unavailable(error);
    }
  }

  async write(partitionKey: string, operations: readonly RowOperation[]): Promise<ReadonlyMap<string, string>> {
    const writeId = randomBytes(9).toString('base64url');
    try {
      return operations.length === 1 && operations[0]
        ? await this.single(partitionKey, operations[0], writeId)
        : await this.transaction(partitionKey, operations, writeId);
    } catch (error) {
      const conflict = asConflict(error, operations);
      if (!conflict) throw unavailable(error);
      const own = await this.recognize(partitionKey, operations, writeId, conflict.why);
      if (own) return own;
      throw conflict;
    }
  }

  async query(partitionKey: string, range: RowRange): Promise<RowPage> {
    const conditions = [odata`PartitionKey eq ${partitionKey}`];
    if (range.from !== undefined) conditions.push(odata`RowKey ge ${range.from}`);
    if (range.to !== undefined) conditions.push(odata`RowKey lt ${range.to}`);
    if (range.filter) conditions.push(`(${range.filter})`);
    const page = await this.page(conditions.join(' and '), range.limit, range.after, range.select);
    // `after` comes from callers and may name any partition. The filter keeps the others out, and so does this.
    return { ...page, rows: page.rows.filter((row) => row.partitionKey === partitionKey) };
  }

  async scan(filter: string, limit: number, after?: string, select?: readonly string[]): Promise<RowPage> {
    return this.page(filter, limit, after, select);
  }

  private async page(filter: string, limit: number, after?: string, select?: readonly string[]): Promise<RowPage> {
    if (after !== undefined && !isContinuation(after))
      throw invalidField('?after', 'not_a_next', 'is not a `next` of this list');
    try {
      const pages = this.client
        .listEntities<Record<string, unknown>>({
          queryOptions: { filter, ...(select && { select: [...KEPT_WITH_ANY_SELECT, ...select] }) },
        })
        .byPage({ maxPageSize: limit, ...(after !== undefined && { continuationToken: after }) });
      for (;;) {
        const { value } = await pages.next();
        const rows = [...(value ?? [])].map(toRow);
        const next = value?.continuationToken;
        // Storage may stop a search after five seconds with nothing found yet; to a caller, an empty page is the end.
        if (rows.length > 0 || !next) return { rows, ...(next && { next }) };
      }
    } catch (error) {
      // Storage has its own encoding for the keys in a continuation, and refuses others.
      if (after !== undefined && statusOf(error) === 400)
        throw invalidField('?after', 'not_a_next', 'is not a `next` of this list');
      throw unavailable(error);
    }
  }

  private async single(partitionKey: string, operation: RowOperation, writeId: string) {
    const { rowKey } = operation;
    if (operation.kind === 'delete') {
      await this.client.deleteEntity(partitionKey, rowKey, { etag: operation.etag ?? '*' });
      return new Map<string, string>();
    }
    const entity = toEntity(partitionKey, rowKey, operation.properties, writeId);
    const answer =
      operation.kind === 'insert'
        ? await this.client.createEntity(entity)
        : await this.client.updateEntity(entity, operation.kind === 'merge' ? 'Merge' : 'Replace', {
            etag: operation.etag ?? '*',
          });
    return new Map([[rowKey, answer.etag ?? '']]);
  }

  private async transaction(partitionKey: string, operations: readonly RowOperation[], writeId: string) {
    const marked = operations.map((operation) =>
      operation.kind === 'delete'
        ? operation
        : { ...operation, properties: { ...operation.properties, [WRITE_ID]: writeId } },
    );
    const answers = await submitTransaction(this.client, partitionKey, marked);
    const etags = new Map<string, string>();
    for (const [index, { rowKey }] of operations.entries()) {
      const etag = answers[index];
      if (etag) etags.set(rowKey, etag);
    }
    return etags;
  }

  /**
   * The SDK repeats a request whose answer was lost, and then reports the conflict with our own first try. Each write
   * carries an id of its own. As a transaction is all or nothing, one row that carries the id proves all of it, also
   * when somebody has changed another of its rows since.
   * @returns the new ETags when the write was ours
   */
  private async recognize(
    partitionKey: string,
    operations: readonly RowOperation[],
    writeId: string,
    why: RowConflict['why'],
  ): Promise<ReadonlyMap<string, string> | undefined> {
    const written = operations.filter(({ kind }) => kind !== 'delete');
    // A delete leaves nothing to look at. A row that is gone is what it wanted, whoever did it.
    if (written.length === 0) return operations.length === 1 && why === 'missing' ? new Map() : undefined;
    const etags = new Map<string, string>();
    let own = false;
    for (const { rowKey } of written) {
      const { row } = await this.get(partitionKey, rowKey);
      const isOurs = row?.properties[WRITE_ID] === writeId;
      etags.set(rowKey, isOurs && row ? row.etag : OUTDATED);
      own ||= isOurs;
    }
    return own ? etags : undefined;
  }
}

function toEntity(partitionKey: string, rowKey: string, properties: Properties, writeId: string): TableEntity {
  const typed = Object.entries(properties).map(([name, value]) => [
    name,
    isLargeInteger(value) ? double(value) : value,
  ]);
  return { ...Object.fromEntries(typed), partitionKey, rowKey, [WRITE_ID]: writeId };
}

function double(value: number) {
  return { type: 'Double', value: String(value) } as const;
}

function toRow(entity: Record<string, unknown>): StoredRow {
  const { partitionKey, rowKey, etag, timestamp, ...rest } = entity;
  const properties = Object.entries(rest).filter(
    (entry): entry is [string, TableValue] =>
      !entry[0].startsWith('odata.') && (typeof entry[1] !== 'object' || entry[1] instanceof Uint8Array),
  );
  return {
    partitionKey: String(partitionKey),
    rowKey: String(rowKey),
    etag: String(etag),
    timestamp: new Date(String(timestamp)),
    properties: Object.fromEntries(properties),
  };
}

/** Callers of the API hand a `next` back to us; the library takes any text for one, and throws what it meets in it. */
function isContinuation(after: string): boolean {
  try {
    const token = JSON.parse(Buffer.from(after, 'base64').toString('utf8')) as Record<string, unknown>;
    const { nextPartitionKey, nextRowKey = '' } = token;
    return typeof nextPartitionKey === 'string' && typeof nextRowKey === 'string';
  } catch {
    return false;
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof RestError ? error.statusCode : undefined;
}

/** A table that is not there is a broken set-up, not an absent row. */
function isTableMissing(error: unknown): boolean {
  return error instanceof RestError && (error.code === 'TableNotFound' || error.message.includes('TableNotFound'));
}

/** Which operation of a write met a conflict. A failed transaction says so in its message: `<index>:<text>`. */
function asConflict(error: unknown, operations: readonly RowOperation[]): RowConflict | undefined {
  const status = isTableMissing(error) ? undefined : statusOf(error);
  const why = status === 409 ? 'exists' : status === 412 ? 'changed' : status === 404 ? 'missing' : undefined;
  if (!why) return undefined;
  const index = Number(/(?:^|["\s])(\d+):/.exec((error as Error).message)?.[1] ?? 0);
  return new RowConflict((operations[index] ?? operations[0])?.rowKey ?? '', why);
}

/** Names of the errors by which the identity library says that it has no token for storage right now. */
const NO_TOKEN = new Set(['AuthenticationError', 'AggregateAuthenticationError', 'CredentialUnavailableError']);

function unavailable(error: unknown): unknown {
  if (error instanceof Error && NO_TOKEN.has(error.name))
    return new StoreUnavailable('table storage', undefined, error);
  if (!(error instanceof RestError)) return error;
  const status = error.statusCode;
  if (status !== undefined && status < 500 && status !== 408 && status !== 429) return error;
  return new StoreUnavailable('table storage', Number(error.response?.headers.get('retry-after')) || undefined, error);
}
