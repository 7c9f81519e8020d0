import { chaosOptions } from './options.ts';
import { runChaos } from './run.ts';

const { result, clean, wrong } = await runChaos(chaosOptions(process.argv.slice(2)), (line) => console.error(line));
for (const line of wrong.slice(0, 20)) console.error(line);
console.log(JSON.stringify(result));
process.exitCode = clean ? 0 : 1;
