/** What a bench found, ready to be shown. */
export interface Report {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly goals: readonly Goal[];
  readonly chart: Chart;
}

export interface Goal {
  readonly what: string;
  readonly measured: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly groups: readonly {
    readonly name: string;
    readonly bars: readonly { readonly label: string; readonly value: number }[];
  }[];
}

/** The table and what became of the goals, in Markdown. */
export function markdown({ columns, rows, goals }: Report): string {
  const lines = goals.filter(({ measured }) => Number.isFinite(measured)).map(judged);
  return [tableOf(columns, rows), ...(lines.length > 0 ? [lines.join('\n')] : [])].join('\n\n');
}

function judged({ what, measured, atLeast, atMost }: Goal): string {
  const met = atLeast === undefined ? measured <= (atMost ?? 0) : measured >= atLeast;
  const goal = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
  return `- ${what}: **${shown(measured)}**; the goal is ${goal}: ${met ? 'met' : '**not met**'}.`;
}

function tableOf(columns: Report['columns'], rows: Report['rows']): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.map(shown).join(' | ')} |`;
  return [line(columns), `|${columns.map((_, n) => (n === 0 ? '---' : '---:')).join('|')}|`, ...rows.map(line)].join(
    '\n',
  );
}

function shown(cell: string | number): string {
  if (typeof cell === 'string') return cell;
  return Number.isFinite(cell) ? cell.toLocaleString('en-US', { maximumSignificantDigits: 3 }) : '–';
}
