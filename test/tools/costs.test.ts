import { expect, test } from 'vitest';
import type { RequestsResult, RequestsRow } from '../../bench/requests.ts';
import { bill, costsDocument } from '../../tools/costs.ts';
import { read } from '../guard/repository.ts';

test('docs/costs.md says what was counted, times the prices (if not: npm run costs)', () => {
  const document = read('docs/costs.md');
  expect(document).toBe(costsDocument(document));
});

test('a bill is counts times prices', () => {
  const row = (phase: RequestsRow['phase'], changes: Partial<RequestsRow> = {}): RequestsRow => ({
    phase,
    done: 1,
    graph: 1,
    token: 0,
    vaultRead: 0,
    vaultWrite: 0,
    table: 2,
    queue: 0,
    hostQueue: 1.5,
    ...changes,
  });
  const rows = [
    row('first mail of a mailbox', { vaultRead: 1.001, table: 4 }),
    row('every further mail'),
    row('daily check of a connection', { vaultRead: 1, table: 5, queue: 1, hostQueue: 2 }),
  ];
  const counted = { connections: 1_000, rows } as unknown as RequestsResult;
  const lines = bill(counted)
    .split('\n')
    .filter((line) => line.startsWith('| '));
  // 2 × 0.036 · 2.5 × 0.40 · 0 · 0.40 · 2 GB × 1,000,000 s ÷ 24 × 0.000026 · 2.1 GB × 2.30
  const dollars = lines.map((line) => line.split('|').at(-2)?.replaceAll('*', '').trim());
  expect(dollars.slice(0, 8)).toEqual(['dollars', '0.07', '1.00', '0.00', '0.40', '2.17', '4.83', '8.47']);
  // 4 × 0.036 · 3 × 0.40 · 1 × 3.00 · 0.40 · 52.00 · 4.83
  expect(dollars.slice(8, 16)).toEqual(['dollars', '0.14', '1.20', '3.00', '0.40', '52.00', '4.83', '61.57']);
  // 30,000 checks: 5 × 0.036 · 3 × 0.40 · (1 + 2/30) × 3.00 · 0.40 · 2 GB × 0.000026 · 2.1 KB × 2.30 per GB
  expect(dollars.slice(16)).toEqual(['dollars', '0.01', '0.04', '0.10', '0.01', '1.56', '0.14', '1.85']);
});
