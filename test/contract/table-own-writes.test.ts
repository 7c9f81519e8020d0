import { randomUUID } from 'node:crypto';
import { RestError } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Storage } from '../../sandbox/storage/azurite.ts';
import type { StorageClients } from '../../shared/azure/storage-clients.ts';
import { AzureTable } from '../../shared/azure/table.ts';
import { StoreUnavailable } from '../../shared/storage/ports.ts';
import type { RowOperation } from '../../shared/storage/table.ts';
import { azuriteTable, type Policy, startAzurite } from './storage.ts';

let storage: Storage;
let clients: StorageClients;

beforeAll(async () => {
  ({ storage, clients } = await startAzurite());
});
afterAll(() => storage.close());

const READS = new Set(['GET', 'HEAD']);

/** Performs the next write and loses its answer, so that the SDK repeats it. `between` runs before the repetition. */
function losesAnswers(between: () => Promise<unknown> = async () => undefined): Policy & { lost: number } {
  return {
    name: 'losesAnswers',
    lost: 0,
    async sendRequest(request, next) {
      const response = await next(request);
      if (READS.has(request.method) || this.lost > 0) return response;
      this.lost += 1;
      await between();
      throw new RestError('read ECONNRESET', { code: 'ECONNRESET', request });
    },
  };
}

const insert = (rowKey: string, properties = {}): RowOperation => ({ kind: 'insert', rowKey, properties });
const merge = (rowKey: string, properties: object, etag?: string): RowOperation => ({
  kind: 'merge',
  rowKey,
  properties: { ...properties },
  ...(etag !== undefined && { etag }),
});

/** A partition with the rows `lane` and `record`, and their ETags. */
async function prepared() {
  const table = azuriteTable(clients);
  const partition = randomUUID();
  const etags = await table.write(partition, [insert('lane', { n: 1 }), insert('record', { n: 1 })]);
  return { table, partition, lane: etags.get('lane') ?? '', record: etags.get('record') ?? '' };
}

describe('a write whose answer was lost and that the SDK repeats', () => {
  const cases: [string, (etags: { lane: string; record: string }) => RowOperation[]][] = [
    ['an insert', () => [insert('new', { n: 2 })]],
    ['a conditional merge', ({ lane }) => [merge('lane', { n: 2 }, lane)]],
    [
      'a conditional replace',
      ({ lane }) => [{ kind: 'replace', rowKey: 'lane', properties: { n: 2 }, etag: lane } as const],
    ],
    ['a transaction of inserts', () => [insert('new', { n: 2 }), insert('newer', { n: 2 })]],
    [
      'a conditional transaction',
      ({ lane, record }) => [merge('lane', { n: 2 }, lane), merge('record', { n: 2 }, record)],
    ],
    [
      'a transaction that deletes',
      ({ lane }) => [merge('lane', { n: 2 }, lane), { kind: 'delete', rowKey: 'record' } as const],
    ],
    [
      'an unconditional transaction that deletes',
      () => [merge('lane', { n: 2 }), { kind: 'delete', rowKey: 'record' } as const],
    ],
  ];

  test.each(cases)('succeeds: %s', async (_what, operations) => {
    const { table, partition, ...etags } = await prepared();
    const policy = losesAnswers();
    const written = await azuriteTable(clients, policy).write(partition, operations(etags));
    expect(policy.lost).toBe(1);
    expect(written.size).toBeGreaterThan(0);
    for (const [rowKey, etag] of written) {
      const { row } = await table.get(partition, rowKey);
      expect(row?.properties['n']).toBe(2);
      expect(row?.etag).toBe(etag);
    }
  });

  test('succeeds: a delete', async () => {
    const { table, partition, lane } = await prepared();
    await azuriteTable(clients, losesAnswers()).write(partition, [{ kind: 'delete', rowKey: 'lane', etag: lane }]);
    expect((await table.get(partition, 'lane')).row).toBeUndefined();
  });

  test('succeeds also when somebody changed one of its rows since, whose new ETag it does not learn', async () => {
    const { table, partition, lane, record } = await prepared();
    const policy = losesAnswers(() => table.write(partition, [merge('lane', { dirty: true })]));
    const own = azuriteTable(clients, policy);
    const written = await own.write(partition, [merge('lane', { n: 2 }, lane), merge('record', { n: 2 }, record)]);
    expect(written.get('record')).toBe((await table.get(partition, 'record')).row?.etag);
    await expect(own.write(partition, [merge('lane', { n: 3 }, written.get('lane'))])).rejects.toMatchObject({
      rowKey: 'lane',
      why: 'changed',
    });
    expect((await table.get(partition, 'lane')).row?.properties).toMatchObject({ n: 2, dirty: true });
  });

  test('has lost when somebody else wrote first', async () => {
    const { table, partition, lane } = await prepared();
    await table.write(partition, [merge('lane', { n: 7 })]);
    const own = azuriteTable(clients, losesAnswers());
    await expect(own.write(partition, [merge('lane', { n: 2 }, lane)])).rejects.toMatchObject({ why: 'changed' });
    await expect(own.write(partition, [insert('new'), insert('record')])).rejects.toMatchObject({
      rowKey: 'record',
      why: 'exists',
    });
    expect((await table.get(partition, 'lane')).row?.properties['n']).toBe(7);
    expect((await table.get(partition, 'new')).row).toBeUndefined();
  });

  test('is not taken for one by a write of the same content', async () => {
    const { table, partition } = await prepared();
    await table.write(partition, [insert('new', { n: 2 })]);
    await expect(table.write(partition, [insert('new', { n: 2 })])).rejects.toMatchObject({ why: 'exists' });
  });
});

describe('storage that fails', () => {
  const always = (effect: Policy['sendRequest']): Policy => ({ name: 'fails', sendRequest: effect });

  test('is reported as unavailable after the SDK has tried a few times, never as a conflict', async () => {
    let tries = 0;
    const refused = always(async (request) => {
      tries += 1;
      throw new RestError('connect ECONNREFUSED', { code: 'ECONNREFUSED', request });
    });
    const table = azuriteTable(clients, refused);
    await expect(table.write('p', [insert('0')])).rejects.toBeInstanceOf(StoreUnavailable);
    expect(tries).toBe(4);
    await expect(table.get('p', '0')).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(table.query('p', { limit: 1 })).rejects.toBeInstanceOf(StoreUnavailable);
  });

  test('is reported as unavailable while the managed identity has no token', async () => {
    const table = azuriteTable(
      clients,
      always(() => Promise.reject(Object.assign(new Error('no token'), { name: 'CredentialUnavailableError' }))),
    );
    await expect(table.get('p', '0')).rejects.toBeInstanceOf(StoreUnavailable);
  });

  test('is reported as unavailable with the time that it asks to wait', async () => {
    const busy = always(async (request, next) => {
      const response = await next(request);
      response.headers.set('retry-after', '0.01');
      return { ...response, status: 503 };
    });
    await expect(azuriteTable(clients, busy).scan('n eq 1', 1)).rejects.toMatchObject({
      name: 'StoreUnavailable',
      retryAfterSeconds: 0.01,
    });
  });

  test('is no absent row when the whole table is missing', async () => {
    const table = new AzureTable(clients.table('missing'));
    await expect(table.get('p', '0')).rejects.toThrow();
    await expect(table.write('p', [insert('0')])).rejects.not.toMatchObject({ why: 'missing' });
    await expect(table.write('p', [insert('0'), insert('1')])).rejects.not.toMatchObject({ why: 'missing' });
  });
});

test('the time of a read is the one that storage says, present or absent', async () => {
  const { partition } = await prepared();
  const at = new Date('2031-02-03T04:05:06Z');
  const table = azuriteTable(clients, {
    name: 'date',
    async sendRequest(request, next) {
      const response = await next(request);
      response.headers.set('date', at.toUTCString());
      return response;
    },
  });
  expect((await table.get(partition, 'lane')).readAt).toEqual(at);
  expect(await table.get(partition, 'absent')).toEqual({ row: undefined, readAt: at });
});

test('an empty page is the end: storage may answer one in the middle of a long search', async () => {
  const { partition } = await prepared();
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  let first = true;
  const table = azuriteTable(clients, {
    name: 'empty',
    async sendRequest(request, next) {
      const response = await next(request);
      if (!first) return response;
      first = false;
      response.headers.set('x-ms-continuation-nextpartitionkey', base64(partition));
      response.headers.set('x-ms-continuation-nextrowkey', base64('lane'));
      return { ...response, bodyAsText: JSON.stringify({ value: [] }) };
    },
  });
  const { rows } = await table.query(partition, { limit: 10 });
  expect(rows.map(({ rowKey }) => rowKey)).toEqual(['lane', 'record']);
});

test.each(['abc', 'e30=', '/', Buffer.from('{"nextPartitionKey":7}').toString('base64')])(
  'what is no `next` of a page is the caller’s mistake: %s',
  async (after) => {
    const { table, partition } = await prepared();
    await expect(table.query(partition, { limit: 1, after })).rejects.toMatchObject({ code: 'invalid_request' });
  },
);
