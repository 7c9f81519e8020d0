import { randomBytes } from 'node:crypto';
import { odata, RestError, type TableClient, type TableEntity, type TransactionAction } from '@azure/data-tables';
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

/** Property that tells our own write from somebody else's; see `recognize`. */
const WRITE_ID = 'w';

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
      if (statusOf(error) === 404) return { row: undefined, readAt };
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
      const own = await this.recognize(partitionKey, operations, writeId);
      if (own) return own;
      throw conflict;
    }
  }

  async query(partitionKey: string, range: RowRange): Promise<RowPage> {
    const conditions = [odata`PartitionKey eq ${partitionKey}`];
    if (range.from !== undefined) conditions.push(odata`RowKey ge ${range.from}`);
    if (range.to !== undefined) conditions.push(odata`RowKey lt ${range.to}`);
    if (range.filter) conditions.push(`(${range.filter})`);
    return this.page(conditions.join(' and '), range.limit, range.after, range.select);
  }

  async scan(filter: string, limit: number, after?: string): Promise<RowPage> {
    return this.page(filter, limit, after);
  }

  private async page(filter: string, limit: number, after?: string, select?: readonly string[]): Promise<RowPage> {
    try {
      const pages = this.client
        .listEntities<Record<string, unknown>>({
          queryOptions: { filter, ...(select && { select: ['PartitionKey', 'RowKey', ...select] }) },
        })
        .byPage({ maxPageSize: limit, ...(after !== undefined && { continuationToken: after }) });
      const { value } = await pages.next();
      const rows = [...(value ?? [])].map(toRow);
      const next = value?.continuationToken;
      return { rows, ...(next && { next }) };
    } catch (error) {
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
    const actions = operations.map((operation): TransactionAction => {
      const { rowKey } = operation;
      if (operation.kind === 'delete') return ['delete', { partitionKey, rowKey }];
      const entity = toEntity(partitionKey, rowKey, operation.properties, writeId);
      if (operation.kind === 'insert') return ['create', entity];
      return ['update', entity, operation.kind === 'merge' ? 'Merge' : 'Replace', { etag: operation.etag ?? '*' }];
    });
    const { subResponses } = await this.client.submitTransaction(actions);
    const etags = new Map<string, string>();
    for (const [index, { rowKey }] of operations.entries()) {
      const etag = subResponses[index]?.etag;
      if (etag) etags.set(rowKey, etag);
    }
    return etags;
  }

  /**
   * The SDK repeats a request whose answer was lost, and then reports the conflict with our own first try. Each write
   * carries an id of its own: when the rows carry it, the write succeeded. A delete leaves nothing to look at, but it
   * never stands alone under a condition.
   */
  private async recognize(partitionKey: string, operations: readonly RowOperation[], writeId: string) {
    const written = operations.filter(({ kind }) => kind !== 'delete');
    const etags = new Map<string, string>();
    if (written.length === 0) return operations.length === 1 ? etags : undefined;
    for (const { rowKey } of written) {
      const { row } = await this.get(partitionKey, rowKey);
      if (row?.properties[WRITE_ID] !== writeId) return undefined;
      etags.set(rowKey, row.etag);
    }
    return etags;
  }
}

function toEntity(partitionKey: string, rowKey: string, properties: Properties, writeId: string): TableEntity {
  return { ...properties, partitionKey, rowKey, [WRITE_ID]: writeId };
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

function statusOf(error: unknown): number | undefined {
  return error instanceof RestError ? error.statusCode : undefined;
}

/** Which operation of a write met a conflict. A failed transaction says so in its message: `<index>:<text>`. */
function asConflict(error: unknown, operations: readonly RowOperation[]): RowConflict | undefined {
  const status = statusOf(error);
  const why = status === 409 ? 'exists' : status === 412 ? 'changed' : status === 404 ? 'missing' : undefined;
  if (!why) return undefined;
  const index = Number(/(?:^|["\s])(\d+):/.exec((error as Error).message)?.[1] ?? 0);
  return new RowConflict((operations[index] ?? operations[0])?.rowKey ?? '', why);
}

function unavailable(error: unknown): unknown {
  if (!(error instanceof RestError)) return error;
  const status = error.statusCode;
  if (status !== undefined && status < 500 && status !== 408 && status !== 429) return error;
  return new StoreUnavailable('table storage', Number(error.response?.headers.get('retry-after')) || undefined, error);
}
