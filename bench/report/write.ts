import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import { svg } from './chart.ts';
import { markdown, type Report } from './report.ts';

const FOLDER = join(import.meta.dirname, '..');

/** Keeps what was measured: `results/<name>.json`, its chart, and the table in README.md. */
export function writeResult(name: string, result: unknown, report: Report, quick: boolean): void {
  const measuredOn = new Date().toISOString().slice(0, 10);
  const machine = machineClass();
  const when = `${measuredOn}, ${machine}${quick ? ', quick run' : ''}`;
  mkdirSync(join(FOLDER, 'results'), { recursive: true });
  const file = (ending: string) => join(FOLDER, 'results', `${name}.${ending}`);
  writeFileSync(file('json'), `${JSON.stringify({ measuredOn, machine, quick, result }, undefined, 2)}\n`);
  writeFileSync(file('svg'), svg(report.chart, when));
  const readme = join(FOLDER, 'README.md');
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [before, rest] = readFileSync(readme, 'utf8').split(start);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`README.md has no place for ${name}: ${start} and ${end}`);
  const content = `\nMeasured ${when}.\n\n${markdown(report)}\n\n![${report.chart.title}](results/${name}.svg)\n`;
  writeFileSync(readme, `${before}${start}${content}${end}${after}`);
}

/** What a figure depends on, without naming the machine. */
function machineClass(): string {
  const [cpu] = cpus();
  const model = (cpu?.model ?? 'unknown processor').replace(/\s+/g, ' ').trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} cores (${model}), ${memory} GB, ${platform()}, Node ${process.versions.node}`;
}
