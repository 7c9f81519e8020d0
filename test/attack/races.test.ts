import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Flow, startFlow } from '../flow/support/flow.ts';
import { runRaces } from './races.ts';

const RUNS = 100;

let flow: Flow;

beforeAll(async () => {
  flow = await startFlow({ workers: 2 });
});
afterAll(() => flow?.close());

it('two browsers, four callbacks and four confirms race for one link, a hundred times: exactly one wins each race', async () => {
  const { wrong, runs, redeemed, expectedRedeemed } = await runRaces(flow, RUNS);
  expect(wrong).toEqual([]);
  expect(runs).toBe(RUNS);
  // Losers never came as far as Microsoft.
  expect(redeemed).toBe(expectedRedeemed);
}, 120_000);
