/** What a bench found, ready to be shown. */
export interface Report {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly chart: Chart;
}

export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly groups: readonly {
    readonly name: string;
    readonly bars: readonly { readonly label: string; readonly value: number }[];
  }[];
}

/** A table in Markdown. */
export function markdown({ columns, rows }: Report): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.map(shown).join(' | ')} |`;
  return [line(columns), `|${columns.map((_, n) => (n === 0 ? '---' : '---:')).join('|')}|`, ...rows.map(line)].join(
    '\n',
  );
}

function shown(cell: string | number): string {
  if (typeof cell === 'string') return cell;
  return Number.isFinite(cell) ? cell.toLocaleString('en-US', { maximumSignificantDigits: 3 }) : '–';
}
