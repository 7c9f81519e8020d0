/** `npm run bench`: what it measures and how to read it is told in README.md. */
import { parseArgs } from 'node:util';
import { benchColdStart } from './cold-start.ts';
import type { BenchOptions } from './kit/options.ts';
import { benchLinking } from './linking.ts';
import { benchRequests } from './requests.ts';
import { benchScale } from './scale.ts';
import { benchSending } from './sending.ts';

const BENCHES = {
  sending: benchSending,
  requests: benchRequests,
  'cold-start': benchColdStart,
  linking: benchLinking,
  scale: benchScale,
} as const;
type Name = keyof typeof BENCHES;

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
const isName = (name: string): name is Name => Object.hasOwn(BENCHES, name);
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
for (const name of names) {
  if (!isName(name)) throw new Error(`There is no bench "${name}": ${Object.keys(BENCHES).join(', ')}`);
  console.log(JSON.stringify(await BENCHES[name](options)));
}
