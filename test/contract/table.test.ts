import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Storage } from '../../sandbox/storage/azurite.ts';
import { odataText, RowConflict, type RowOperation, type Table } from '../../shared/storage/table.ts';
import { FakeTable } from '../fakes/table.ts';
import { azuriteTable, startAzurite } from './storage.ts';

const fake = new FakeTable();
let azure: Table;
let storage: Storage;

beforeAll(async () => {
  const started = await startAzurite();
  storage = started.storage;
  azure = azuriteTable(started.clients);
});
afterAll(() => storage.close());

const insert = (rowKey: string, properties = {}): RowOperation => ({ kind: 'insert', rowKey, properties });

describe.each([
  ['the fake', () => fake as Table],
  ['Azurite', () => azure],
])('a table (%s)', (_name, subject) => {
  let partition: string;
  const write = (...operations: RowOperation[]) => subject().write(partition, operations);
  const read = async (rowKey: string) => (await subject().get(partition, rowKey)).row;
  const newPartition = () => {
    partition = `con_${randomUUID()}`;
  };
  const conflict = (rowKey: string, why: RowConflict['why']) => expect.objectContaining({ rowKey, why });

  /** Properties as they were written: adapters may keep something of their own. */
  const shown = async (rowKey: string, ...names: string[]) => {
    const { properties = {} } = (await read(rowKey)) ?? {};
    return Object.fromEntries(names.map((name) => [name, properties[name]]));
  };

  describe('one row', () => {
    test('is absent until it is inserted, and then has the ETag that the insert returned', async () => {
      newPartition();
      expect(await read('0')).toBeUndefined();
      const etags = await write(insert('0', { name: 'a' }));
      const row = await read('0');
      expect(row).toMatchObject({ partitionKey: partition, rowKey: '0', properties: { name: 'a' } });
      expect(row?.etag).toBe(etags.get('0'));
      expect(row?.etag).not.toBe('');
    });

    test('cannot be inserted twice', async () => {
      newPartition();
      await write(insert('0', { name: 'a' }));
      await expect(write(insert('0', { name: 'b' }))).rejects.toEqual(conflict('0', 'exists'));
      await expect(write(insert('0'))).rejects.toBeInstanceOf(RowConflict);
      expect(await shown('0', 'name')).toEqual({ name: 'a' });
    });

    test('keeps the other properties in a merge and loses them in a replace', async () => {
      newPartition();
      await write(insert('0', { a: 1, b: 2 }));
      await write({ kind: 'merge', rowKey: '0', properties: { b: 3 } });
      expect(await shown('0', 'a', 'b')).toEqual({ a: 1, b: 3 });
      await write({ kind: 'replace', rowKey: '0', properties: { c: 4 } });
      expect(await shown('0', 'a', 'b', 'c')).toEqual({ a: undefined, b: undefined, c: 4 });
    });

    test('leaves out what is undefined, and clears what is empty', async () => {
      newPartition();
      await write(insert('0', { a: 'x', b: 'x' }));
      await write({ kind: 'merge', rowKey: '0', properties: { a: undefined, b: '' } });
      expect(await shown('0', 'a', 'b')).toEqual({ a: 'x', b: '' });
    });

    test.each(['merge', 'replace'] as const)('takes a %s only with its present ETag', async (kind) => {
      newPartition();
      const old = (await write(insert('0', { n: 1 }))).get('0') ?? '';
      const etag = (await write({ kind, rowKey: '0', properties: { n: 2 }, etag: old })).get('0') ?? '';
      await expect(write({ kind, rowKey: '0', properties: { n: 3 }, etag: old })).rejects.toEqual(
        conflict('0', 'changed'),
      );
      expect(await shown('0', 'n')).toEqual({ n: 2 });
      await write({ kind, rowKey: '0', properties: { n: 4 }, etag });
      expect((await read('0'))?.properties['n']).toBe(4);
    });

    test.each(['merge', 'replace'] as const)('must exist for a %s', async (kind) => {
      newPartition();
      await expect(write({ kind, rowKey: '0', properties: {} })).rejects.toEqual(conflict('0', 'missing'));
    });

    test('stays when it was changed since the ETag of a delete that stands alone', async () => {
      newPartition();
      const old = (await write(insert('0', { n: 1 }))).get('0') ?? '';
      await write({ kind: 'merge', rowKey: '0', properties: { n: 2 } });
      await expect(write({ kind: 'delete', rowKey: '0', etag: old })).rejects.toEqual(conflict('0', 'changed'));
      expect(await shown('0', 'n')).toEqual({ n: 2 });
    });

    test('is gone after a delete, and deleting it again is fine', async () => {
      newPartition();
      const etag = (await write(insert('0'))).get('0') ?? '';
      await write({ kind: 'delete', rowKey: '0', etag });
      expect(await read('0')).toBeUndefined();
      expect(await write({ kind: 'delete', rowKey: '0' })).toEqual(new Map());
      expect(await write({ kind: 'delete', rowKey: '0', etag })).toEqual(new Map());
    });

    test('gives every kind of value back as it was', async () => {
      newPartition();
      const values = {
        text: 'Grüße, 世界 👋 "quoted" \\ \'single\'\nand a line',
        empty: '',
        date: '2026-11-23T08:00:00.000Z',
        int: -42,
        large: 1_795_000_000_000,
        fraction: 9.5,
        yes: true,
        no: false,
      };
      await write(insert('0', values));
      expect(await shown('0', ...Object.keys(values))).toEqual(values);
    });

    test('holds 60,000 bytes of binary', async () => {
      newPartition();
      const content = Buffer.alloc(60_000, 'any bytes \u0000\u00ff');
      await write(insert('0', { content }));
      const value = (await read('0'))?.properties['content'];
      expect(value).toBeInstanceOf(Uint8Array);
      expect(content.equals(value as Uint8Array)).toBe(true);
    });

    test('has an age by storage’s own clock: the time of the read less the time of the write', async () => {
      newPartition();
      await write(insert('0'));
      const { row, readAt } = await subject().get(partition, '0');
      const age = readAt.getTime() - (row?.timestamp.getTime() ?? 0);
      // The time of the read has whole seconds only.
      expect(age).toBeGreaterThan(-1_001);
      expect(age).toBeLessThan(5_000);
      expect((await subject().get(partition, 'absent')).readAt.getTime()).toBeGreaterThan(Date.now() - 5_000);
    });
  });

  describe('a transaction', () => {
    test('writes several kinds at once and returns the ETag of each row that is left', async () => {
      newPartition();
      await write(insert('lane', { epoch: 1 }), insert('old'));
      const written = await write(
        { kind: 'merge', rowKey: 'lane', properties: { epoch: 2 }, etag: (await read('lane'))?.etag ?? '' },
        insert('1|hash', { state: 'sending' }),
        { kind: 'delete', rowKey: 'old' },
      );
      expect([...written.keys()].sort()).toEqual(['1|hash', 'lane']);
      for (const [rowKey, etag] of written) expect((await read(rowKey))?.etag).toBe(etag);
      expect(await read('old')).toBeUndefined();
    });

    const failures: [RowConflict['why'], (etag: string) => RowOperation][] = [
      ['exists', () => insert('there')],
      ['changed', (etag) => ({ kind: 'merge', rowKey: 'there', properties: { n: 9 }, etag })],
      ['changed', (etag) => ({ kind: 'replace', rowKey: 'there', properties: { n: 9 }, etag })],
      ['missing', () => ({ kind: 'merge', rowKey: 'absent', properties: { n: 9 } })],
      ['missing', () => ({ kind: 'delete', rowKey: 'absent' })],
    ];
    test.each(failures.flatMap(([why, make]) => [0, 1, 2].map((at) => [why, at, make] as const)))(
      'writes nothing and names the row that failed: %s at place %i',
      async (why, at, make) => {
        newPartition();
        const old = (await write(insert('there', { n: 1 }))).get('there') ?? '';
        await write({ kind: 'merge', rowKey: 'there', properties: { n: 2 } });
        const operations = [insert('a'), insert('b')];
        const failing = make(old);
        operations.splice(at, 0, failing);
        await expect(write(...operations)).rejects.toEqual(conflict(failing.rowKey, why));
        expect(await read('a')).toBeUndefined();
        expect(await read('b')).toBeUndefined();
        expect(await shown('there', 'n')).toEqual({ n: 2 });
      },
    );

    test('names the first of several rows that fail', async () => {
      newPartition();
      await write(insert('x'), insert('y'));
      await expect(write(insert('new'), insert('y'), insert('x'))).rejects.toEqual(conflict('y', 'exists'));
    });

    test('ignores the ETag of a delete, as the library does: condition an update instead', async () => {
      newPartition();
      const old = (await write(insert('0', { n: 1 }))).get('0') ?? '';
      await write({ kind: 'merge', rowKey: '0', properties: { n: 2 } });
      await write(insert('a'), { kind: 'delete', rowKey: '0', etag: old });
      expect(await read('0')).toBeUndefined();
    });

    test('takes 100 operations and no more, each on a row of its own', async () => {
      newPartition();
      const many = Array.from({ length: 101 }, (_, index) => insert(`row-${index}`));
      expect((await write(...many.slice(1))).size).toBe(100);
      newPartition();
      await expect(write(...many)).rejects.toThrow();
      await expect(write(insert('0'), { kind: 'merge', rowKey: '0', properties: {} })).rejects.toThrow();
      expect(await read('0')).toBeUndefined();
    });
  });

  describe('a query', () => {
    const keys = (rows: readonly { readonly rowKey: string }[]) => rows.map(({ rowKey }) => rowKey);

    test('reads a range of its own partition in key order, from inclusive, to exclusive', async () => {
      newPartition();
      await write(...['0', '1|b', '1|a', '2|2026-01-01|x', '2|2025-01-01|y', '3|z'].map((key) => insert(key)));
      const other = partition;
      newPartition();
      await write(insert('1|of-another'));
      partition = other;
      const { rows, next } = await subject().query(partition, { from: '1|', to: '3|', limit: 10 });
      expect(keys(rows)).toEqual(['1|a', '1|b', '2|2025-01-01|y', '2|2026-01-01|x']);
      expect(next).toBeUndefined();
      expect(keys((await subject().query(partition, { from: '2|2026-01-01|x', limit: 10 })).rows)).toEqual([
        '2|2026-01-01|x',
        '3|z',
      ]);
      expect(keys((await subject().query(partition, { to: '1|b', limit: 10 })).rows)).toEqual(['0', '1|a']);
    });

    test('goes through pages without losing or repeating a row, also when rows are deleted behind it', async () => {
      newPartition();
      await write(...Array.from({ length: 7 }, (_, index) => insert(`r${index}`)));
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await subject().query(partition, { limit: 3, ...(after !== undefined && { after }) });
        expect(page.rows.length).toBeLessThanOrEqual(3);
        seen.push(...keys(page.rows));
        for (const { rowKey } of page.rows) await write({ kind: 'delete', rowKey });
        after = page.next;
      } while (after !== undefined);
      expect(seen).toEqual(['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6']);
    });

    test('pages into no other partition, wherever a page is said to begin', async () => {
      const others = `con_${'f'.repeat(32)}`;
      await subject().write(others, [insert('a'), insert('b')]);
      newPartition();
      await write(insert('c'), insert('d'));
      for (const nextRowKey of ['', 'a', ' '])
        for (const nextPartitionKey of [others, '', 'con_']) {
          const after = Buffer.from(JSON.stringify({ nextPartitionKey, nextRowKey })).toString('base64');
          const rows = await subject()
            .query(partition, { limit: 3, after })
            .then((page) => page.rows)
            .catch((error: unknown) => {
              expect(error).toMatchObject({ code: 'invalid_request' });
              return [];
            });
          expect(rows.filter(({ partitionKey }) => partitionKey !== partition)).toEqual([]);
        }
      await subject().write(others, [
        { kind: 'delete', rowKey: 'a' },
        { kind: 'delete', rowKey: 'b' },
      ]);
    });

    test('does not match a row that lacks the property, not even with ne', async () => {
      newPartition();
      await write(insert('a', { parked: true }), insert('b', { parked: false }), insert('c'));
      const { rows } = await subject().query(partition, { filter: 'parked ne true', limit: 10 });
      expect(keys(rows)).toEqual(['b']);
    });

    test.each([
      ["state eq 'queued'", ['a', 'c']],
      ["state ne 'queued'", ['b']],
      ["state eq 'queued' and n gt 1", ['c']],
      ["(state eq 'sending' or n ge 3) and n lt 9", ['b', 'c']],
      ["not (state eq 'queued')", ['b']],
      ['n le 2', ['a', 'b']],
      ["at lt '2026-06-01T00:00:00.000Z'", ['a']],
      [`name eq ${odataText("O'Hara")}`, ['b']],
    ])('filters by %s', async (filter, expected) => {
      newPartition();
      await write(
        insert('a', { state: 'queued', n: 1, at: '2026-01-01T00:00:00.000Z', name: '' }),
        insert('b', { state: 'sending', n: 2, at: '2026-07-01T00:00:00.000Z', name: "O'Hara" }),
        insert('c', { state: 'queued', n: 3, at: '2026-08-01T00:00:00.000Z', name: 'x' }),
      );
      expect(keys((await subject().query(partition, { filter, limit: 10 })).rows)).toEqual(expected);
    });

    test('reads only the properties that are selected, and still keys, ETag and time', async () => {
      newPartition();
      const etags = await write(
        insert('a', { claimedBy: 3, content: Buffer.from('large') }),
        insert('b', { other: 1 }),
      );
      const { rows } = await subject().query(partition, { select: ['claimedBy'], limit: 10 });
      expect(rows.map(({ properties }) => properties)).toEqual([{ claimedBy: 3 }, {}]);
      expect(keys(rows)).toEqual(['a', 'b']);
      expect(rows.map(({ etag }) => etag)).toEqual([etags.get('a'), etags.get('b')]);
      for (const { timestamp } of rows) expect(Math.abs(Date.now() - timestamp.getTime())).toBeLessThan(5_000);
    });
  });

  test('a scan finds rows of every partition, in pages', async () => {
    const mark = randomUUID();
    const expected: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      newPartition();
      expected.push(partition);
      await write(insert('0', { mark }), insert('1', { mark: 'other' }));
    }
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await subject().scan(`mark eq ${odataText(mark)}`, 2, after);
      seen.push(...page.rows.map(({ partitionKey }) => partitionKey));
      after = page.next;
    } while (after !== undefined);
    expect(seen.sort()).toEqual(expected.sort());
  });

  test('a scan reads only the properties that it names', async () => {
    const mark = randomUUID();
    newPartition();
    await write(insert('0', { mark, kept: 1, left: 'x' }));
    const { rows } = await subject().scan(`mark eq ${odataText(mark)}`, 10, undefined, ['kept']);
    expect(rows.map(({ partitionKey, rowKey, properties }) => [partitionKey, rowKey, properties])).toEqual([
      [partition, '0', { kept: 1 }],
    ]);
  });
});
