/** `npm run bench`: what it measures and how to read it is told in README.md. */
import { parseArgs } from 'node:util';
import { benchColdStart, coldStartReport } from './cold-start.ts';
import type { BenchOptions } from './kit/options.ts';
import { benchLinking, linkingReport } from './linking.ts';
import { benchMemory, memoryReport } from './memory.ts';
import { markdown, type Report } from './report/report.ts';
import { writeResult } from './report/write.ts';
import { benchRequests, requestsReport } from './requests.ts';
import { benchScale, scaleReport } from './scale.ts';
import { benchSending, sendingReport } from './sending.ts';

type Bench = (options: BenchOptions) => Promise<{ readonly result: unknown; readonly report: Report }>;

function bench<R>(run: (options: BenchOptions) => Promise<R>, report: (result: R) => Report): Bench {
  return async (options) => {
    const result = await run(options);
    return { result, report: report(result) };
  };
}

const BENCHES = new Map([
  ['sending', bench(benchSending, sendingReport)],
  ['memory', bench(benchMemory, memoryReport)],
  ['requests', bench(benchRequests, requestsReport)],
  ['cold-start', bench(benchColdStart, coldStartReport)],
  ['linking', bench(benchLinking, linkingReport)],
  ['scale', bench(benchScale, scaleReport)],
]);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    only: { type: 'string' },
    variant: { type: 'string' },
    profile: { type: 'boolean', default: false },
  },
});
const options: BenchOptions = {
  quick: values.quick,
  rounds: Number(values.rounds ?? (values.quick ? 1 : 3)),
  seconds: Number(values.seconds ?? (values.quick ? 5 : 20)),
  flags: values.profile ? ['--cpu-prof', '--cpu-prof-dir=.bench'] : [],
  say: (line) => console.error(line),
  ...(values.only !== undefined && { only: values.only }),
  ...(values.variant !== undefined && { variant: values.variant }),
};
const names = positionals.length > 0 ? positionals : [...BENCHES.keys()];
const unknown = names.find((name) => !BENCHES.has(name));
if (unknown !== undefined) throw new Error(`There is no bench "${unknown}": ${[...BENCHES.keys()].join(', ')}`);
if (values.write && (values.only ?? values.variant) !== undefined)
  throw new Error('--write keeps whole results: leave out --only and --variant');

const results: Record<string, unknown> = {};
for (const name of names) {
  const found = await BENCHES.get(name)?.(options);
  if (!found) continue;
  results[name] = found.result;
  if (values.write) writeResult(name, found.result, found.report, options.quick);
  console.log(`${name}\n\n${markdown(found.report)}\n`);
}
if (values.json) console.log(JSON.stringify(results));
