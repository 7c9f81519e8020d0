import { setTimeout as delay } from 'node:timers/promises';
import { buildApp, ROOT } from './kit/apps.ts';
import { Feeder } from './kit/feeder.ts';
import type { BenchOptions } from './kit/options.ts';
import { type Latencies, NO_LATENCY, REAL, VAULT_LIMIT } from './kit/settings.ts';
import { Stage } from './kit/stage.ts';
import { median, rounded } from './kit/statistics.ts';
import type { Usage } from './processes/worker.ts';
import type { Report } from './report/report.ts';

export type Variant = 'floor' | 'product' | 'plain';

/** One setting in which variants are compared. */
export interface Setting {
  readonly name: string;
  readonly latencies: Latencies;
  readonly mailboxes: number;
  readonly variants: readonly Variant[];
  readonly vaultLimit?: number;
}

export interface Round {
  readonly mailsPerSecond: number;
  /** Milliseconds of the worker's CPU per mail. */
  readonly cpuMs: number;
  /** Milliseconds of Azurite's CPU per mail. */
  readonly storageCpuMs: number;
  /** Per mail. */
  readonly tableRequests: number;
  readonly rssMb: number;
  readonly heapMb: number;
  readonly failed: number;
}

export interface SendingRow {
  readonly setting: string;
  readonly variant: Variant;
  /** Of the rounds; relative figures are those of the medians. */
  readonly mailsPerSecond: number;
  readonly ofFloor: number;
  readonly ofPlain: number;
  readonly cpuMs: number;
  readonly cpuOfFloor: number;
  readonly storageCpuMs: number;
  readonly tableRequests: number;
  readonly rssMb: number;
  readonly rounds: readonly Round[];
}

const ALL = ['floor', 'product', 'plain'] as const;

export const SETTINGS: readonly Setting[] = [
  { name: 'real, 1,000 mailboxes', latencies: REAL, mailboxes: 1_000, variants: ALL },
  {
    name: 'real, 1,000 mailboxes, vault limit',
    latencies: REAL,
    mailboxes: 1_000,
    variants: ALL,
    vaultLimit: VAULT_LIMIT,
  },
  { name: 'real, 1 mailbox', latencies: REAL, mailboxes: 1, variants: ALL },
  { name: '0 ms, 1,000 mailboxes', latencies: NO_LATENCY, mailboxes: 1_000, variants: ALL },
  { name: '0 ms, 1 mailbox', latencies: NO_LATENCY, mailboxes: 1, variants: ALL },
];

/** Graph serves four requests of a mailbox at once; who sends more to one mailbox is throttled. */
const FOUR_AT_ONCE = {
  AzureFunctionsJobHost__extensions__queues__batchSize: '2',
  AzureFunctionsJobHost__extensions__queues__newBatchThreshold: '2',
};

/** Sending, against the floor and the plain way. */
export async function benchSending(options: BenchOptions): Promise<readonly SendingRow[]> {
  const folders = { floor: await buildApp('floor'), plain: await buildApp('plain'), product: ROOT };
  const wanted = (variant: Variant) => options.variant === undefined || options.variant === variant;
  const settings = SETTINGS.filter(({ name }) => name.includes(options.only ?? '')).map((setting) => ({
    ...setting,
    variants: setting.variants.filter(wanted),
  }));
  const rows: SendingRow[] = [];
  for (const setting of settings) {
    const rounds = new Map(setting.variants.map((variant) => [variant, [] as Round[]]));
    for (let n = 0; n < options.rounds; n += 1) {
      // Whatever warms up or wears off on the machine meets each variant in turn.
      const order = n % 2 === 0 ? setting.variants : [...setting.variants].reverse();
      for (const variant of order) {
        const round = await sendingRound(folders[variant], setting, variant, options);
        rounds.get(variant)?.push(round);
        options.say(
          `${setting.name}, ${variant}: ${rounded(round.mailsPerSecond)} mails/s, ${rounded(round.cpuMs)} ms`,
        );
      }
    }
    rows.push(...rowsOf(setting, rounds));
  }
  return rows;
}

async function sendingRound(
  folder: string,
  { latencies, mailboxes, vaultLimit }: Setting,
  variant: Variant,
  { seconds, flags }: BenchOptions,
): Promise<Round> {
  const stage = await Stage.set({
    latencies,
    connections: mailboxes,
    ...(vaultLimit !== undefined && { vaultLimit }),
    ...(mailboxes === 1 && variant !== 'product' && { environment: FOUR_AT_ONCE }),
    ...(variant === 'product' && { flags }),
  });
  const feeder = new Feeder(stage);
  try {
    await stage.worker.call('start', folder);
    feeder.start();
    // The steady state is measured: the product has its tokens by then, and every process is warm. A setting in which
    // the vault is the limit starts from its limit, not from what the vault takes before.
    await (variant === 'product' ? feeder.until(Math.max(300, mailboxes * 2)) : delay(vaultLimit ? 12_000 : 4_000));
    const [tablesBefore, storageCpuBefore] = [await tableRequests(stage), await stage.storage.call<number>('cpu')];
    const [from, cpuBefore, started] = [
      await feeder.accepted(),
      await stage.worker.call<number>('cpu'),
      performance.now(),
    ];
    // The vault's limit is one of ten seconds.
    await delay((vaultLimit ? Math.ceil(seconds / 10) * 10 : seconds) * 1000);
    const [to, cpuAfter, ended] = [await feeder.accepted(), await stage.worker.call<number>('cpu'), performance.now()];
    const storageCpu = (await stage.storage.call<number>('cpu')) - storageCpuBefore;
    const tables = (await tableRequests(stage)) - tablesBefore;
    await feeder.stop();
    const { rssMb, heapMb, failed } = await stage.worker.call<Usage>('usage');
    const mails = to - from;
    return {
      mailsPerSecond: (mails * 1000) / (ended - started),
      cpuMs: ((cpuAfter - cpuBefore) * 1000) / mails,
      storageCpuMs: (storageCpu * 1000) / mails,
      tableRequests: tables / mails,
      rssMb,
      heapMb,
      failed,
    };
  } finally {
    await feeder.stop();
    await stage.close();
  }
}

async function tableRequests(stage: Stage): Promise<number> {
  const { table } = (await stage.counts()).storage;
  return Object.values(table).reduce((sum, count) => sum + count, 0);
}

function rowsOf({ name }: Setting, rounds: ReadonlyMap<Variant, readonly Round[]>): SendingRow[] {
  const of = (variant: Variant, key: keyof Round) => median((rounds.get(variant) ?? []).map((round) => round[key]));
  return [...rounds].map(([variant, own]) => ({
    setting: name,
    variant,
    mailsPerSecond: rounded(of(variant, 'mailsPerSecond')),
    ofFloor: rounded(of(variant, 'mailsPerSecond') / of('floor', 'mailsPerSecond')),
    ofPlain: rounded(of(variant, 'mailsPerSecond') / of('plain', 'mailsPerSecond')),
    cpuMs: rounded(of(variant, 'cpuMs')),
    cpuOfFloor: rounded(of(variant, 'cpuMs') / of('floor', 'cpuMs')),
    storageCpuMs: rounded(of(variant, 'storageCpuMs')),
    tableRequests: rounded(of(variant, 'tableRequests')),
    rssMb: rounded(of(variant, 'rssMb')),
    rounds: own,
  }));
}

export function sendingReport(rows: readonly SendingRow[]): Report {
  const product = (setting: string, key: 'ofFloor' | 'ofPlain' | 'cpuOfFloor') =>
    rows.find((row) => row.setting === setting && row.variant === 'product')?.[key] ?? Number.NaN;
  const [real, limit, zero] = ['real, 1,000 mailboxes', 'real, 1,000 mailboxes, vault limit', '0 ms, 1,000 mailboxes'];
  return {
    goals: [
      { what: `${real}: of the floor`, measured: product(real, 'ofFloor'), atLeast: 0.9 },
      { what: `${real}: of the plain way`, measured: product(real, 'ofPlain'), atLeast: 1.8 },
      { what: `${limit}: of the plain way`, measured: product(limit, 'ofPlain'), atLeast: 3 },
      { what: `${zero}: of the floor`, measured: product(zero, 'ofFloor'), atLeast: 0.5 },
      { what: `${zero}: CPU of the floor’s`, measured: product(zero, 'cpuOfFloor'), atMost: 2.5 },
    ],
    columns: [
      'setting',
      'variant',
      'mails/s',
      'of the floor',
      'of the plain way',
      'CPU per mail, ms',
      'CPU of the floor’s',
      'Azurite’s CPU, ms',
      'table requests',
      'resident, MB',
      'rounds, mails/s',
    ],
    rows: rows.map((row) => [
      row.setting,
      row.variant,
      row.mailsPerSecond,
      row.ofFloor,
      row.ofPlain,
      row.cpuMs,
      row.cpuOfFloor,
      row.storageCpuMs,
      row.tableRequests,
      row.rssMb,
      row.rounds.map(({ mailsPerSecond }) => rounded(mailsPerSecond)).join(', '),
    ]),
    chart: {
      title: 'Sending',
      unit: 'mails per second',
      groups: [...new Set(rows.map(({ setting }) => setting))].map((name) => ({
        name,
        bars: rows
          .filter(({ setting }) => setting === name)
          .map(({ variant, mailsPerSecond }) => ({ label: variant, value: mailsPerSecond })),
      })),
    },
  };
}
