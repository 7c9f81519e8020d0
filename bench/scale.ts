import { DAY } from '../shared/clock.ts';
import { type Connection, ConnectionStore } from '../shared/connections/connection.ts';
import { LaneStore } from '../shared/mail/lane.ts';
import type { RowOperation, Table } from '../shared/storage/table.ts';
import { TABLES } from '../shared/storage-names.ts';
import { ROOT } from './kit/apps.ts';
import { CUSTOMER, connectionOf, openTable } from './kit/connections.ts';
import type { BenchOptions } from './kit/options.ts';
import { Stage } from './kit/stage.ts';
import { median, rounded } from './kit/statistics.ts';
import type { Usage } from './processes/worker.ts';
import type { Report } from './report/report.ts';

/** One kind of operation at one size. */
export interface Operation {
  readonly ms: number;
  /** CPU of the worker. */
  readonly cpuMs: number;
  /** Requests to tables. */
  readonly requests: number;
}

export interface ScaleRow {
  readonly connections: number;
  /** A page of 100 connections, from the middle of the list. */
  readonly page: Operation;
  readonly lookup: Operation;
  /** The hourly scan with nothing due, per 1,000 connections that exist. */
  readonly scan: Operation;
  readonly heapMb: number;
  readonly rssMb: number;
}

const AT_ONCE = 50;
const SAMPLES = 60;

/** What grows with the number of connections: all of one customer, the hardest case for lists. */
export async function benchScale({ quick, say }: BenchOptions): Promise<readonly ScaleRow[]> {
  const rows: ScaleRow[] = [];
  for (const connections of quick ? [1_000, 5_000] : [1_000, 10_000, 100_000]) {
    const row = await scaleRow(connections);
    rows.push(row);
    say(JSON.stringify(row));
  }
  return rows;
}

async function scaleRow(count: number): Promise<ScaleRow> {
  const stage = await Stage.set();
  try {
    const clientId = stage.environment['SERVICE_PROVIDER_CLIENT_ID'] ?? '';
    const sample = await fill(stage.connectionString, clientId, count);
    const url = `http://127.0.0.1:${await stage.worker.call<number>('start', ROOT)}/api/customers/${CUSTOMER}/connections`;
    let after = '';
    for (let n = 0; n < Math.min(20, count / 400); n += 1)
      after = (await get(`${url}?limit=200${after && `&after=${encodeURIComponent(after)}`}`)).next ?? '';
    const paths = [...sample].map((id) => `${url}/${id}`);
    // Once before it counts: code is compiled, connections are open.
    for (const path of paths) await get(path);
    const page = await measure(stage, SAMPLES, () =>
      get(`${url}?limit=100${after && `&after=${encodeURIComponent(after)}`}`),
    );
    let turn = 0;
    const lookup = await measure(stage, SAMPLES, () => get(paths[turn++ % paths.length] ?? ''));
    const scan = await measure(stage, 3, () => stage.worker.call('runTimer', 'connections-scan'));
    const { heapMb, rssMb } = await stage.worker.call<Usage>('usage');
    const perThousand = (value: number) => rounded(value / (count / 1_000));
    return {
      connections: count,
      page,
      lookup,
      scan: { ms: perThousand(scan.ms), cpuMs: perThousand(scan.cpuMs), requests: perThousand(scan.requests) },
      heapMb: rounded(heapMb),
      rssMb: rounded(rssMb),
    };
  } finally {
    await stage.close();
  }
}

/** Stores connections, 50 in a transaction. Returns ids from all over; only those have a lane, as only they are read. */
async function fill(connectionString: string, clientId: string, count: number): Promise<readonly string[]> {
  const table = openTable(connectionString, TABLES.connections);
  const lanes = new LaneStore(openTable(connectionString, TABLES.mails));
  const sample: string[] = [];
  for (let n = 0; n < count; n += AT_ONCE) {
    const some = Array.from({ length: AT_ONCE }, (_, i) => connectionOf(n + i, clientId, DAY / 2));
    const collected = new Collected();
    for (const each of some) await new ConnectionStore(collected).insert(each);
    await table.write(CUSTOMER, collected.operations);
    if (n % (count / 20) === 0 && some[0]) sample.push(await withLane(lanes, some[0]));
  }
  return sample;
}

async function withLane(lanes: LaneStore, { connectionId, customerId }: Omit<Connection, 'etag'>): Promise<string> {
  await lanes.ensure(connectionId, customerId, 1);
  return connectionId;
}

/** Takes what a store would write, to write it together. */
class Collected implements Table {
  readonly operations: RowOperation[] = [];

  write(_partitionKey: string, operations: readonly RowOperation[]): Promise<ReadonlyMap<string, string>> {
    this.operations.push(...operations);
    return Promise.resolve(new Map());
  }

  get(): never {
    throw new Error('only writes are collected');
  }

  query(): never {
    throw new Error('only writes are collected');
  }

  scan(): never {
    throw new Error('only writes are collected');
  }
}

async function get(url: string): Promise<{ readonly next?: string }> {
  const response = await fetch(url, { headers: { 'x-functions-key': 'bench' } });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`GET ${url} answered ${response.status}: ${text}`);
  return JSON.parse(text) as { next?: string };
}

async function measure(stage: Stage, times: number, action: () => Promise<unknown>): Promise<Operation> {
  const tableRequests = async () => {
    const { table } = (await stage.counts()).storage;
    return Object.values(table).reduce((sum, count) => sum + count, 0);
  };
  const [requestsBefore, cpuBefore] = [await tableRequests(), await stage.worker.call<number>('cpu')];
  const took: number[] = [];
  for (let n = 0; n < times; n += 1) {
    const started = performance.now();
    await action();
    took.push(performance.now() - started);
  }
  const [requests, cpu] = [await tableRequests(), await stage.worker.call<number>('cpu')];
  return {
    ms: rounded(median(took)),
    cpuMs: rounded(((cpu - cpuBefore) * 1000) / times),
    requests: rounded((requests - requestsBefore) / times),
  };
}

export function scaleReport(rows: readonly ScaleRow[]): Report {
  const operations = ['page', 'lookup', 'scan'] as const;
  const names = { page: 'page of 100', lookup: 'one connection', scan: 'scan, per 1,000' };
  const [small, large] = [rows[0], rows.at(-1)];
  const growth = (of: 'page' | 'lookup' | 'scan', figure: 'ms' | 'cpuMs' = 'ms') =>
    (large?.[of][figure] ?? Number.NaN) / (small?.[of][figure] ?? Number.NaN);
  return {
    goals: [
      { what: 'A page: time at the largest size, of that at the smallest', measured: growth('page'), atMost: 1.2 },
      { what: 'A page: CPU of the app', measured: growth('page', 'cpuMs'), atMost: 1.2 },
      { what: 'One connection', measured: growth('lookup'), atMost: 1.2 },
      { what: 'The scan, per 1,000 connections', measured: growth('scan'), atMost: 1.2 },
    ],
    columns: [
      'connections',
      ...operations.flatMap((each) => [`${names[each]}, ms`, 'CPU, ms', 'table requests']),
      'heap, MB',
      'resident, MB',
    ],
    rows: rows.map((row) => [
      row.connections.toLocaleString('en-US'),
      ...operations.flatMap((each) => [row[each].ms, row[each].cpuMs, row[each].requests]),
      row.heapMb,
      row.rssMb,
    ]),
    chart: {
      title: 'Connections',
      unit: 'milliseconds per operation',
      groups: rows.map((row) => ({
        name: `${row.connections.toLocaleString('en-US')} connections`,
        bars: operations.map((each) => ({ label: names[each], value: row[each].ms })),
      })),
    },
  };
}
