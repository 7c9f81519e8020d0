import type { Chart } from './report.ts';

const WIDTH = 720;
const LABELS = 150;
const BAR = 16;
const GAP = 4;
const HEAD = 22;
const COLORS = ['#8a939e', '#2563eb', '#c2410c', '#0f766e', '#7c3aed'];

/** Bars, in groups, on one scale. The labels of each group's bars decide their colours, so that groups compare. */
export function svg({ title, unit, groups }: Chart, when: string): string {
  const labels = [...new Set(groups.flatMap(({ bars }) => bars.map(({ label }) => label)))];
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => (Number.isFinite(value) ? value : 0))));
  const lines: string[] = [];
  let y = 56;
  for (const { name, bars } of groups) {
    lines.push(text(0, y, name, 'font-weight="600"'));
    y += HEAD - 12;
    for (const { label, value } of bars) {
      const width = Number.isFinite(value) && most > 0 ? ((WIDTH - LABELS - 90) * value) / most : 0;
      const color = COLORS[labels.indexOf(label) % COLORS.length] ?? '';
      lines.push(text(LABELS - 8, y + BAR - 4, label, 'text-anchor="end"'));
      lines.push(`<rect x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" fill="${color}"/>`);
      lines.push(text(LABELS + width + 6, y + BAR - 4, Number.isFinite(value) ? value.toLocaleString('en-US') : '–'));
      y += BAR + GAP;
    }
    y += HEAD;
  }
  const height = y - HEAD + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="#1f2937">
<title>${title}, ${unit}</title>
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
${text(0, 18, `${title} (${unit})`, 'font-size="15" font-weight="600"')}
${text(0, 34, when, 'fill="#6b7280"')}
${lines.join('\n')}
</svg>
`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${(x + 8).toFixed(1)}" y="${y.toFixed(1)}"${attributes && ` ${attributes}`}>${escaped}</text>`;
}
