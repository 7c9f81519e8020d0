import { beforeAll, describe, expect, it } from 'vitest';
import { DATA_OPERATIONS, POISON_QUEUES, TABLES } from '../../shared/storage-names.ts';
import { KINDS } from './support/assignments.ts';
import { eventsNamed, fieldsRead, QUERIES } from './support/queries.ts';
import { type RecordedRun, recordRun, type Telemetry } from './support/recorded-run.ts';

let run: RecordedRun;
let byEvent: ReadonlyMap<string, readonly Telemetry[]>;

beforeAll(async () => {
  run = await recordRun();
  byEvent = Map.groupBy(run.telemetry, ({ event }) => event);
}, 180_000);

describe('what the app really did', () => {
  /** Only the real host looks at queues to scale, and it renews messages that are worked on for long. */
  const OF_THE_HOST = /: (Peek Messages|Get Queue Metadata|Update Message)$/;
  const listed = [
    ...KINDS.flatMap((kind) =>
      Object.entries<readonly string[]>(DATA_OPERATIONS[kind]).flatMap(([name, operations]) =>
        operations.map((operation) => `${kind}/${name}: ${operation}`),
      ),
    ),
    ...DATA_OPERATIONS.vault.secrets.map((operation) => `vault: ${operation}`),
  ];

  it('is in the list from which its roles are made, operation by operation', () => {
    expect([...run.operations].filter((operation) => !listed.includes(operation)).sort()).toEqual([]);
  });

  it('is all of the list, but for what only the host on Azure does', () => {
    // After fifteen failures, and after a week.
    const rare = [
      ...POISON_QUEUES.map((queue) => `queues/${queue}: Put Message`),
      `tables/${TABLES.links}: Delete Entity`,
    ];
    const missing = listed.filter((operation) => !run.operations.has(operation) && !OF_THE_HOST.test(operation));
    expect(missing.filter((operation) => !rare.includes(operation))).toEqual([]);
  });
});

describe('each query', () => {
  it.each(QUERIES)('$name looks for events that the app writes', ({ text }) => {
    expect(eventsNamed(text).filter((event) => !byEvent.has(event))).toEqual([]);
  });

  it.each(QUERIES)('$name reads fields that these events have', ({ text }) => {
    const fields = new Set(eventsNamed(text).flatMap((event) => (byEvent.get(event) ?? []).flatMap(Object.keys)));
    const failures = /severityLevel >= 3/.test(text) ? run.errors.flatMap(Object.keys) : [];
    const known = new Set([...fields, ...failures]);
    expect(fieldsRead(text).filter((field) => !known.has(field))).toEqual([]);
  });
});

it('values that queries compare with are values that the app writes', () => {
  const outcomes = new Set(byEvent.get('mail.attempt')?.map(({ outcome }) => outcome));
  expect([...outcomes]).toEqual(expect.arrayContaining(['accepted', 'uncertain', 'rejected', 'wait', 'gate']));
});
