import { parseArgs } from 'node:util';
import { run } from './run.ts';
import { SCENARIOS, type ScenarioName } from './scenario.ts';
import { summarize } from './summary.ts';
import { tracing } from './trace.ts';
import type { World } from './world.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '100' },
    scenario: { type: 'string', default: 'all' },
    show: { type: 'string', default: '5' },
    /** Prints the steps of one run that contain this text; '.' stands for all. */
    trace: { type: 'string' },
  },
});

const names = Object.keys(SCENARIOS).filter((name) => values.scenario === 'all' || name === values.scenario);
if (names.length === 0)
  throw new Error(`There is no scenario ${values.scenario}: ${Object.keys(SCENARIOS).join(', ')}`);

const { trace: about } = values;
const trace =
  about === undefined
    ? undefined
    : (world: () => World) =>
        tracing(
          () => world().elapsed,
          (line) => console.error(line),
          about === '.' ? '' : about,
        );

const started = performance.now();
const results = [];
for (const name of names) {
  for (let index = 0; index < Number(values.runs); index += 1) {
    const result = await run(Number(values.seed) + index, SCENARIOS[name as ScenarioName], trace);
    results.push({ scenario: name, result });
  }
}
const summary = summarize(results, Number(values.show));
console.log(JSON.stringify({ ...summary, seconds: Math.round((performance.now() - started) / 100) / 10 }));
process.exitCode = summary.violations === 0 ? 0 : 1;
