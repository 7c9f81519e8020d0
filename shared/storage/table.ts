/** A value of a table property. Dates are ISO strings, so that rows read well in Storage browser. */
export type TableValue = string | number | boolean | Uint8Array;

/** Properties of a row beside its keys. `undefined` is left out; to clear a property in a merge, write ''. */
export type Properties = Readonly<Record<string, TableValue | undefined>>;

export interface StoredRow {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly etag: string;
  /** When storage last wrote the row, by storage's clock. */
  readonly timestamp: Date;
  readonly properties: Readonly<Record<string, TableValue>>;
}

export type RowOperation =
  | { readonly kind: 'insert'; readonly rowKey: string; readonly properties: Properties }
  | { readonly kind: 'merge'; readonly rowKey: string; readonly properties: Properties; readonly etag?: string }
  | { readonly kind: 'replace'; readonly rowKey: string; readonly properties: Properties; readonly etag?: string }
  /**
   * The ETag counts only where the delete is the write's sole operation: a transaction sends none with it, as that of
   * data-tables does. There, a merge in the same transaction is conditioned instead.
   */
  | { readonly kind: 'delete'; readonly rowKey: string; readonly etag?: string };

export interface RowRange {
  /** Row keys from here on, inclusive. */
  readonly from?: string;
  /** Row keys below this one, exclusive. */
  readonly to?: string;
  /** OData filter on properties. */
  readonly filter?: string;
  readonly limit: number;
  /** Only these properties, where reading whole rows would be dear. */
  readonly select?: readonly string[];
  /** `next` of the page before. */
  readonly after?: string;
}

export interface RowPage {
  readonly rows: readonly StoredRow[];
  readonly next?: string;
}

/**
 * A table as we use it. Every conditional write that reports a conflict truly lost against somebody else: when storage's
 * answer is lost and the SDK repeats the request, the adapter recognizes our own write and reports success.
 */
export interface Table {
  /** The row with, as `readAt`, storage's own time of the read. */
  get(partitionKey: string, rowKey: string): Promise<{ readonly row: StoredRow | undefined; readonly readAt: Date }>;
  /**
   * One entity-group transaction: all or nothing, one request, at most 100 operations. Returns the new ETag per row key.
   * @throws {RowConflict} naming the first operation that failed
   */
  write(partitionKey: string, operations: readonly RowOperation[]): Promise<ReadonlyMap<string, string>>;
  /** Rows of one partition in key order. */
  query(partitionKey: string, range: RowRange): Promise<RowPage>;
  /** Rows of all partitions that match; for timers and the removal of a customer only. */
  scan(filter: string, limit: number, after?: string, select?: readonly string[]): Promise<RowPage>;
}

/** A conditional write lost: the row exists already (`exists`), was changed (`changed`) or is gone (`missing`). */
export class RowConflict extends Error {
  readonly rowKey: string;
  readonly why: 'exists' | 'changed' | 'missing';

  constructor(rowKey: string, why: 'exists' | 'changed' | 'missing') {
    super(`row ${why}`);
    this.name = 'RowConflict';
    this.rowKey = rowKey;
    this.why = why;
  }
}

/** Reads a property as text; '' when absent. */
export function text(row: StoredRow, name: string): string {
  const value = row.properties[name];
  return typeof value === 'string' ? value : '';
}

/** Reads a property as number; 0 when absent. */
export function number(row: StoredRow, name: string): number {
  const value = row.properties[name];
  return typeof value === 'number' ? value : 0;
}

/** Reads a property as flag; false when absent. */
export function flag(row: StoredRow, name: string): boolean {
  return row.properties[name] === true;
}

/** Quotes text for an OData filter. */
export function odataText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
