import type { StoredRow, TableValue } from '../../shared/storage/table.ts';

/** Evaluates the part of OData that our queries use: comparisons of a property with a literal, joined by `and` / `or`, in brackets. */
export function matchesFilter(row: StoredRow, filter: string | undefined): boolean {
  if (filter === undefined || filter === '') return true;
  const tokens = filter.match(/\(|\)|'(?:[^']|'')*'|[^\s()]+/g) ?? [];
  let at = 0;
  const next = () => tokens[at++] ?? '';
  const value = (name: string): TableValue | undefined =>
    name === 'PartitionKey' ? row.partitionKey : name === 'RowKey' ? row.rowKey : row.properties[name];
  const term = (): boolean => {
    if (tokens[at] === '(') {
      next();
      const result = anyOf();
      if (next() !== ')') throw new Error(`unbalanced filter: ${filter}`);
      return result;
    }
    if (tokens[at] === 'not') {
      next();
      return !term();
    }
    const [name, operator, literal] = [next(), next(), next()];
    return compare(value(name), operator, parseLiteral(literal));
  };
  const allOf = (): boolean => {
    let result = term();
    while (tokens[at] === 'and') {
      next();
      result = term() && result;
    }
    return result;
  };
  const anyOf = (): boolean => {
    let result = allOf();
    while (tokens[at] === 'or') {
      next();
      result = allOf() || result;
    }
    return result;
  };
  const result = anyOf();
  if (at !== tokens.length) throw new Error(`cannot read filter: ${filter}`);
  return result;
}

function parseLiteral(literal: string): TableValue {
  if (literal.startsWith("'")) return literal.slice(1, -1).replaceAll("''", "'");
  if (literal === 'true' || literal === 'false') return literal === 'true';
  const parsed = Number(literal);
  if (Number.isNaN(parsed)) throw new Error(`cannot read literal: ${literal}`);
  return parsed;
}

/** As in Azure Tables, a comparison with an absent property is false, `ne` included. */
function compare(left: TableValue | undefined, operator: string, right: TableValue): boolean {
  if (left === undefined || typeof left !== typeof right) return false;
  if (operator === 'eq') return left === right;
  if (operator === 'ne') return left !== right;
  if (operator === 'lt') return left < right;
  if (operator === 'le') return left <= right;
  if (operator === 'gt') return left > right;
  if (operator === 'ge') return left >= right;
  throw new Error(`unknown operator: ${operator}`);
}
