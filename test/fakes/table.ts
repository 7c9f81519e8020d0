import {
  RowConflict,
  type RowOperation,
  type RowPage,
  type RowRange,
  type StoredRow,
  type Table,
  type TableValue,
} from '../../shared/storage/table.ts';
import { matchesFilter } from './odata.ts';

interface Kept {
  etag: string;
  timestamp: Date;
  properties: Record<string, TableValue>;
}

/** A table in memory with Azure's semantics: ETags, atomic transactions, key order, storage's own clock. */
export class FakeTable implements Table {
  private readonly partitions = new Map<string, Map<string, Kept>>();
  private writes = 0;
  private readonly now: () => Date;
  /** Requests so far, for tests that count. */
  requests = 0;
  /** Called before each request; a test throws here to simulate a crash or an outage. */
  before: (request: {
    readonly kind: 'get' | 'write' | 'query' | 'scan';
    readonly operations?: readonly RowOperation[];
  }) => void | Promise<void> = () => {};
  /** Called when a write took effect and nobody was told yet. */
  after: () => void = () => {};

  constructor(now: () => Date = () => new Date()) {
    this.now = now;
  }

  async get(partitionKey: string, rowKey: string) {
    await this.enter('get');
    const kept = this.partitions.get(partitionKey)?.get(rowKey);
    return { row: kept && toRow(partitionKey, rowKey, kept), readAt: this.now() };
  }

  async write(partitionKey: string, operations: readonly RowOperation[]): Promise<ReadonlyMap<string, string>> {
    await this.enter('write', operations);
    const partition = this.partitions.get(partitionKey) ?? new Map<string, Kept>();
    const rowKeys = new Set(operations.map(({ rowKey }) => rowKey));
    if (rowKeys.size < operations.length || operations.length > 100 || operations.length === 0)
      throw new Error('a transaction has 1 to 100 operations, each on a row of its own');
    for (const operation of operations) check(operation, partition.get(operation.rowKey), operations.length === 1);
    const etags = new Map<string, string>();
    for (const operation of operations) {
      if (operation.kind === 'delete') partition.delete(operation.rowKey);
      else {
        const kept = partition.get(operation.rowKey);
        this.writes += 1;
        const etag = `W/"${this.writes}"`;
        const base = operation.kind === 'merge' ? kept?.properties : {};
        partition.set(operation.rowKey, {
          etag,
          timestamp: this.now(),
          properties: { ...base, ...defined(operation.properties) },
        });
        etags.set(operation.rowKey, etag);
      }
    }
    this.partitions.set(partitionKey, partition);
    this.after();
    return etags;
  }

  async query(partitionKey: string, range: RowRange): Promise<RowPage> {
    await this.enter('query');
    const rows = [...(this.partitions.get(partitionKey) ?? [])]
      .map(([rowKey, kept]) => toRow(partitionKey, rowKey, kept))
      .filter(
        ({ rowKey }) =>
          (range.from === undefined || rowKey >= range.from) && (range.to === undefined || rowKey < range.to),
      )
      .filter((row) => matchesFilter(row, range.filter))
      .sort((a, b) => (a.rowKey < b.rowKey ? -1 : 1));
    const shown = page(rows, (row) => row.rowKey, range.limit, range.after);
    return range.select ? { ...shown, rows: shown.rows.map((row) => selected(row, range.select ?? [])) } : shown;
  }

  async scan(filter: string, limit: number, after?: string, select?: readonly string[]): Promise<RowPage> {
    await this.enter('scan');
    const rows = this.all().filter((row) => matchesFilter(row, filter));
    const shown = page(rows, (row) => `${row.partitionKey}\n${row.rowKey}`, limit, after);
    return select ? { ...shown, rows: shown.rows.map((row) => selected(row, select)) } : shown;
  }

  /** Every row, in key order. */
  all(): StoredRow[] {
    return [...this.partitions]
      .flatMap(([partitionKey, rows]) => [...rows].map(([rowKey, kept]) => toRow(partitionKey, rowKey, kept)))
      .sort((a, b) => (`${a.partitionKey}\n${a.rowKey}` < `${b.partitionKey}\n${b.rowKey}` ? -1 : 1));
  }

  private async enter(kind: 'get' | 'write' | 'query' | 'scan', operations?: readonly RowOperation[]): Promise<void> {
    this.requests += 1;
    await this.before({ kind, ...(operations && { operations }) });
  }
}

function check(operation: RowOperation, kept: Kept | undefined, alone: boolean): void {
  if (operation.kind === 'insert') {
    if (kept) throw new RowConflict(operation.rowKey, 'exists');
    return;
  }
  if (!kept) {
    // A single delete of a row that is gone has what it wanted; in a transaction it fails the whole.
    if (operation.kind === 'delete' && alone) return;
    throw new RowConflict(operation.rowKey, 'missing');
  }
  // data-tables drops the ETag of a delete inside a transaction.
  if (operation.kind === 'delete' && !alone) return;
  if (operation.etag !== undefined && operation.etag !== kept.etag) {
    throw new RowConflict(operation.rowKey, 'changed');
  }
}

function toRow(partitionKey: string, rowKey: string, kept: Kept): StoredRow {
  return { partitionKey, rowKey, etag: kept.etag, timestamp: kept.timestamp, properties: { ...kept.properties } };
}

function selected(row: StoredRow, names: readonly string[]): StoredRow {
  const properties = Object.entries(row.properties).filter(([name]) => names.includes(name));
  return { ...row, properties: Object.fromEntries(properties) };
}

function defined(properties: Readonly<Record<string, TableValue | undefined>>): Record<string, TableValue> {
  return Object.fromEntries(
    Object.entries(properties).filter((entry): entry is [string, TableValue] => entry[1] !== undefined),
  );
}

function page(rows: readonly StoredRow[], key: (row: StoredRow) => string, limit: number, after?: string): RowPage {
  const rest = after === undefined ? rows : rows.filter((row) => key(row) > after);
  const shown = rest.slice(0, limit);
  const last = shown.at(-1);
  return { rows: shown, ...(rest.length > limit && last && { next: key(last) }) };
}
