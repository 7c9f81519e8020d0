/**
 * Writes the bill in docs/costs.md: `npm run costs`. What was counted (bench/results/requests.json) times public prices. A
 * test holds the document equal to it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RequestsResult, RequestsRow } from '../bench/requests.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const START = '<!-- bill -->';
const END = '<!-- /bill -->';

/** Public list prices in US dollars, East US. Addresses of the price lists are in docs/costs.md. */
export const PRICES = {
  readOn: '2026-11',
  perMillion: { tables: 0.036, queues: 0.4, vault: 3, executions: 0.4 },
  gigabyteSecond: 0.000026,
  gigabyteOfLogs: 2.3,
} as const;

const MILLION = 1_000_000;
const DAYS = 30;
/** How long a function works on a mail or a check, most of it waiting for Microsoft, and the instance's memory. */
const SECONDS = 1;
const GIGABYTES = 2;
/** Mails that share an instance when there are many: batchSize + newBatchThreshold of host.json. */
const AT_ONCE = 24;
/** Our line and the host's, as Azure counts them; see docs/costs.md. */
const KILOBYTES_OF_LOGS = 2.1;

interface Line {
  readonly what: string;
  readonly arithmetic: string;
  readonly dollars: number;
}

/** The generated part of docs/costs.md. */
export function bill({ rows, connections }: RequestsResult): string {
  const row = (phase: RequestsRow['phase']) => {
    const found = rows.find((each) => each.phase === phase);
    if (!found) throw new Error(`bench/results/requests.json has no "${phase}": npm run bench -- requests --write`);
    return found;
  };
  const [busy, sparse, check] = [
    row('every further mail'),
    row('first mail of a mailbox'),
    row('daily check of a connection'),
  ];
  const million = 'A million mails';
  return [
    `Prices of ${PRICES.readOn}; requests as counted over ${connections.toLocaleString('en-US')} connections (\`npm run bench -- requests\`).`,
    table(
      `${million}, busy: mailboxes send again and again, and ${AT_ONCE} mails share an instance`,
      mails(busy, AT_ONCE),
    ),
    table(
      `${million}, sparse: each is its mailbox's first in an hour, and has an instance to itself`,
      mails(sparse, 1),
    ),
    table('1,000 connections for a month, without mail', upkeep(check)),
  ].join('\n\n');
}

function mails(row: RequestsRow, share: number): Line[] {
  // The producer puts it there. Where mail is sparse, the host receives and deletes one at a time.
  const queues = row.queue + (share === 1 ? 2 : row.hostQueue) + 1;
  const { perMillion, gigabyteOfLogs } = PRICES;
  return [
    requests('table requests', row.table, 1, perMillion.tables),
    requests('queue requests, the producer’s and the host’s among them', queues, 1, perMillion.queues),
    requests('vault', row.vaultRead + row.vaultWrite, 1, perMillion.vault),
    requests('executions', 1, 1, perMillion.executions),
    compute(MILLION, share),
    {
      what: 'telemetry',
      arithmetic: `${KILOBYTES_OF_LOGS} KB × 1,000,000 × ${gigabyteOfLogs.toFixed(2)} per GB`,
      dollars: KILOBYTES_OF_LOGS * gigabyteOfLogs,
    },
  ];
}

function upkeep(row: RequestsRow): Line[] {
  const checks = (1_000 * DAYS) / MILLION;
  const { perMillion, gigabyteOfLogs } = PRICES;
  // A new refresh token is stored once in thirty days, and the old secret deleted.
  const rotation = 2 / DAYS;
  return [
    requests('table requests', row.table, checks, perMillion.tables),
    requests('queue requests', row.queue + row.hostQueue, checks, perMillion.queues),
    requests('vault', row.vaultRead + row.vaultWrite + rotation, checks, perMillion.vault),
    requests('executions', 1, checks, perMillion.executions),
    compute(checks * MILLION, 1),
    {
      what: 'telemetry',
      arithmetic: `${KILOBYTES_OF_LOGS} KB × 30,000 × ${gigabyteOfLogs.toFixed(2)} per GB`,
      dollars: KILOBYTES_OF_LOGS * checks * gigabyteOfLogs,
    },
  ];
}

function requests(what: string, each: number, millions: number, price: number): Line {
  const count = Number(each.toFixed(2));
  const times = (millions * MILLION).toLocaleString('en-US');
  return { what, arithmetic: `${count} × ${times} × ${price} per million`, dollars: count * millions * price };
}

function compute(times: number, share: number): Line {
  const seconds = `${times.toLocaleString('en-US')} × ${SECONDS} s`;
  return {
    what: 'compute',
    arithmetic: `${seconds}${share === 1 ? '' : ` ÷ ${share}`} × ${GIGABYTES} GB × ${PRICES.gigabyteSecond}`,
    dollars: ((times * SECONDS) / share) * GIGABYTES * PRICES.gigabyteSecond,
  };
}

function table(title: string, lines: readonly Line[]): string {
  const cents = (dollars: number) => dollars.toFixed(2);
  const rows = lines.map(({ what, arithmetic, dollars }) => `| ${what} | ${arithmetic} | ${cents(dollars)} |`);
  const sum = lines.reduce((total, { dollars }) => total + dollars, 0);
  return [
    `### ${title}`,
    '',
    '| What | Arithmetic | dollars |',
    '|---|---|---:|',
    ...rows,
    `| **sum** | | **${cents(sum)}** |`,
  ].join('\n');
}

/** docs/costs.md as it should be. */
export function costsDocument(document: string): string {
  const { result } = JSON.parse(readFileSync(join(ROOT, 'bench/results/requests.json'), 'utf8')) as {
    result: RequestsResult;
  };
  const [before, rest] = document.split(START);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/costs.md has no place for the bill: ${START} and ${END}`);
  return `${before}${START}\n${bill(result)}\n${END}${after}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(ROOT, 'docs/costs.md');
  writeFileSync(file, costsDocument(readFileSync(file, 'utf8')));
}
