import { parseArgs } from 'node:util';
import type { BenchOptions } from './kit/options.ts';
import { benchSending } from './sending.ts';

const BENCHES = { sending: benchSending };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    only: { type: 'string' },
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
};
console.log(JSON.stringify(await BENCHES.sending(options)));
void positionals;
