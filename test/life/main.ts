import { parseArgs } from 'node:util';
import { MUTATIONS, type MutationName } from './mutations.ts';
import { live } from './run.ts';
import { isGood } from './verdict.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    connections: { type: 'string', default: '200' },
    days: { type: 'string', default: '200' },
    strict: { type: 'boolean', default: false },
    /** Takes a safeguard away: a name of mutations.ts. */
    without: { type: 'string' },
  },
});

const { without } = values;
if (without !== undefined && !(without in MUTATIONS))
  throw new Error(`There is no mutation ${without}: ${Object.keys(MUTATIONS).join(', ')}`);
const result = await live({
  seed: Number(values.seed),
  connections: Number(values.connections),
  days: Number(values.days),
  strict: values.strict,
  ...(without !== undefined && { mutation: MUTATIONS[without as MutationName] }),
});
const { findings, ...counts } = result;
for (const finding of findings) console.error(finding);
console.log(JSON.stringify(counts));
process.exitCode = isGood(result) ? 0 : 1;
