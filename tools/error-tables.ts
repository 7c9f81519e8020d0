/** Writes the tables of docs/errors.md from the catalogue: `npm run error-tables`. A test holds the two equal. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CONNECTION_REASONS } from '../shared/connection-reasons.ts';
import { API_ERRORS, LINK_ERRORS, MAIL_REASONS, NOT_TAKEN_REASONS } from '../shared/errors.ts';
import { FIELD_CODES } from '../shared/field-codes.ts';

const FILE = fileURLToPath(new URL('../docs/errors.md', import.meta.url));

const WHO = { user: 'the person', customerAdmin: 'the customer’s IT', robomq: 'RoboMQ', nobody: 'nobody: wait' };

/** The tables by the name that marks their place in the document. */
export function errorTables(): Readonly<Record<string, string>> {
  return {
    link: table(
      ['Code', 'Status', 'What the person reads', 'What it means', 'Who acts', 'What to do'],
      Object.entries(LINK_ERRORS).map(([code, { status, person, operator, whoActs, action }]) => [
        `\`${code}\``,
        String(status),
        person,
        operator,
        WHO[whoActs],
        action,
      ]),
    ),
    api: table(
      ['Code', 'Status', 'Title', 'What it means'],
      Object.entries(API_ERRORS).map(([code, { status, title, operator }]) => [
        `\`${code}\``,
        String(status),
        title,
        operator,
      ]),
    ),
    connection: table(
      ['Reason', 'What happened', 'Who acts', 'What to do', 'May pass by itself'],
      Object.entries(CONNECTION_REASONS).map(([code, { meaning, whoActs, action, mayPass }]) => [
        `\`${code}\``,
        meaning,
        WHO[whoActs],
        action,
        mayPass ? 'yes' : 'no',
      ]),
    ),
    field: sentences('Code', FIELD_CODES),
    mail: sentences('Reason', MAIL_REASONS),
    'not-taken': sentences('Reason', NOT_TAKEN_REASONS),
  };
}

function sentences(head: string, entries: Readonly<Record<string, string>>): string {
  const rows = Object.entries(entries).map(([code, sentence]) => [`\`${code}\``, sentence]);
  return table([head, 'What it means'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

/** The document with its marked tables replaced. */
export function withTables(document: string): string {
  return Object.entries(errorTables()).reduce((text, [name, rows]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`the document has no place for the table ${name}`);
    return `${text.slice(0, from)}${begin}\n${rows}\n${text.slice(to)}`;
  }, document);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(FILE, withTables(await readFile(FILE, 'utf8')));
}
