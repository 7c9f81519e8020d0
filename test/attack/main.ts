import { parseArgs } from 'node:util';
import { startFlow } from '../flow/support/flow.ts';
import { runRaces } from './races.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '1000' }, workers: { type: 'string', default: '2' } },
});
const [runs, workers] = [Number(values.runs), Number(values.workers)];
if (![runs, workers].every((value) => Number.isSafeInteger(value) && value > 0))
  throw new Error('--runs and --workers must be whole numbers');

const flow = await startFlow({ workers });
const started = performance.now();
try {
  const { wrong, ...result } = await runRaces(flow, runs);
  for (const line of wrong.slice(0, 20)) console.error(line);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  console.log(JSON.stringify({ ...result, wrong: wrong.length, seconds }));
  process.exitCode = wrong.length === 0 && result.redeemed === result.expectedRedeemed ? 0 : 1;
} finally {
  await flow.close();
}
