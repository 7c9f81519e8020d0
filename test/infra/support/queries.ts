import { globSync, readFileSync } from 'node:fs';
import { ROOT } from '../../../tools/infra-sets.ts';

/** The queries of alerts and workbook: infra/queries. */
export const QUERIES = globSync('infra/queries/*.kql', { cwd: ROOT })
  .sort()
  .map((file) => ({ name: file.replace(/^.*\/|\.kql$/g, ''), text: readFileSync(`${ROOT}${file}`, 'utf8') }));

/**
 * The events of ours that a query looks for. Each stands whole in the filter on `message`; where only the beginning does
 * (`"connection.`), the query names the events it means in `e.event in (…)`, and the security events are one.
 */
export function eventsNamed(query: string): string[] {
  const whole = [...query.matchAll(/message startswith '\{"event":"([\w.]+)"'/g)].map(([, event = '']) => event);
  const listed = [...query.matchAll(/tostring\(e\.event\) in \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    [...list.matchAll(/'([^']+)'/g)].map(([, event = '']) => event),
  );
  const security = query.includes(`'{"event":"security.'`) ? ['security.link_wrong_session'] : [];
  return [...new Set([...whole, ...listed, ...security])];
}

/** The fields of our events that a query reads: `e.name` and `e.['name']`. */
export function fieldsRead(query: string): string[] {
  return [
    ...new Set([...query.matchAll(/\be\.(?:(\w+)|\['(\w+)'\])/g)].map(([, plain, quoted]) => plain ?? quoted ?? '')),
  ];
}
