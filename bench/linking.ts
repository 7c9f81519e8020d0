import { randomUUID } from 'node:crypto';
import { RETURN_TO } from '../sandbox/start/info.ts';
import { ROOT } from './kit/apps.ts';
import type { BenchOptions } from './kit/options.ts';
import { type Latencies, NO_LATENCY, REAL } from './kit/settings.ts';
import { Stage } from './kit/stage.ts';
import { quantile, rounded } from './kit/statistics.ts';
import type { Report } from './report/report.ts';

const STEPS = ['start', 'open', 'callback', 'confirm'] as const;
type Step = (typeof STEPS)[number];

export interface LinkingRow {
  readonly setting: string;
  readonly links: number;
  readonly linksPerSecond: number;
  readonly requestsPerSecond: number;
  /** Of the worker, for a whole link. */
  readonly cpuMs: number;
  /** 95th percentile per step, in milliseconds. */
  readonly p95: Readonly<Record<Step | 'callback + confirm', number>>;
  readonly median: Readonly<Record<Step, number>>;
}

const PARALLEL = 50;
const TENANT = 'a0a0a0a0-1111-4111-8111-000000000001';

/** Links from start to confirm, 50 at a time. The person and Microsoft's pages take no time. */
export async function benchLinking({ quick, say }: BenchOptions): Promise<readonly LinkingRow[]> {
  const rows: LinkingRow[] = [];
  for (const [setting, latencies] of [
    ['real', REAL],
    ['0 ms', NO_LATENCY],
  ] as const) {
    const row = await linkingRow(setting, latencies, quick ? 100 : 1_000);
    rows.push(row);
    say(`${setting}: ${row.linksPerSecond} links/s, 95th percentiles ${JSON.stringify(row.p95)} ms`);
  }
  return rows;
}

async function linkingRow(setting: string, latencies: Latencies, links: number): Promise<LinkingRow> {
  const stage = await Stage.set({ latencies });
  try {
    const url = `http://127.0.0.1:${await stage.worker.call<number>('start', ROOT)}`;
    // The first ones meet a cold process.
    for (let n = 0; n < 5; n += 1) await linkOne(url, -1 - n);
    const times: Record<Step, number>[] = [];
    let next = 0;
    const cpuBefore = await stage.worker.call<number>('cpu');
    const started = performance.now();
    const person = async () => {
      while (next < links) times.push(await linkOne(url, next++));
    };
    await Promise.all(Array.from({ length: PARALLEL }, person));
    const seconds = (performance.now() - started) / 1000;
    const cpuAfter = await stage.worker.call<number>('cpu');
    const of = (share: number, value: (time: Record<Step, number>) => number) =>
      rounded(quantile(times.map(value), share));
    const each = (share: number) =>
      Object.fromEntries(STEPS.map((step) => [step, of(share, (time) => time[step])])) as Record<Step, number>;
    return {
      setting,
      links,
      linksPerSecond: rounded(links / seconds),
      requestsPerSecond: rounded((links * STEPS.length) / seconds),
      cpuMs: rounded(((cpuAfter - cpuBefore) * 1000) / links),
      p95: { ...each(0.95), 'callback + confirm': of(0.95, (time) => time.callback + time.confirm) },
      median: each(0.5),
    };
  } finally {
    await stage.close();
  }
}

/** One link of a customer of its own: how long each step took. */
async function linkOne(url: string, n: number): Promise<Record<Step, number>> {
  const customerId = `customer-${n + 100}`;
  const startedBy = `session-${n}`;
  const key = { 'x-functions-key': 'bench', 'content-type': 'application/json' };
  const post = (path: string, body: object) =>
    timed(`${url}/api/${path}`, 201, { method: 'POST', headers: key, body: JSON.stringify(body) });
  const start = await post('auth/link/Outlook', {
    customerId,
    startedBy,
    returnTo: RETURN_TO,
    application: { kind: 'serviceProvider' },
  });
  const { linkId, linkUrl } = JSON.parse(start.text) as { linkId: string; linkUrl: string };
  const here = (address: string) => address.replace(/^https?:\/\/[^/]+/, url);
  const open = await timed(here(linkUrl), 303, {});
  const authorize = new URL(open.headers.get('location') ?? '').searchParams;
  const code = JSON.stringify({
    iss: `https://login.microsoftonline.com/${TENANT}/v2.0`,
    tid: TENANT,
    oid: randomUUID(),
    sub: randomUUID(),
    nonce: authorize.get('nonce'),
    preferred_username: `sender-${n}@acme.example`,
    name: `Sender ${n}`,
  });
  const back = new URLSearchParams({ code, state: authorize.get('state') ?? '' });
  const cookie = (open.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '';
  const callback = await timed(`${url}/api/auth/callback/Outlook?${back}`, 303, { headers: { cookie } });
  const confirmation = new URL(callback.headers.get('location') ?? '').searchParams.get('confirmation');
  const confirm = await post(`auth/link/Outlook/${linkId}/confirm`, { customerId, startedBy, confirmation });
  return { start: start.ms, open: open.ms, callback: callback.ms, confirm: confirm.ms };
}

async function timed(url: string, expected: number, init: RequestInit) {
  const started = performance.now();
  const response = await fetch(url, { ...init, redirect: 'manual' });
  const text = await response.text();
  if (response.status !== expected) throw new Error(`${new URL(url).pathname} answered ${response.status}: ${text}`);
  return { ms: performance.now() - started, text, headers: response.headers };
}

export function linkingReport(rows: readonly LinkingRow[]): Report {
  const shown = [...STEPS, 'callback + confirm'] as const;
  return {
    goals: [],
    columns: ['setting', 'links/s', 'requests/s', 'CPU per link, ms', ...shown.map((step) => `${step}, ms`)],
    rows: rows.map(({ setting, linksPerSecond, requestsPerSecond, cpuMs, p95 }) => [
      setting,
      linksPerSecond,
      requestsPerSecond,
      cpuMs,
      ...shown.map((step) => p95[step]),
    ]),
    chart: {
      title: 'Linking, 50 links at once',
      unit: '95th percentile, milliseconds',
      groups: rows.map(({ setting, p95 }) => ({
        name: setting,
        bars: shown.map((step) => ({ label: step, value: p95[step] })),
      })),
    },
  };
}
