/** `npm run sandbox`: see `USAGE`. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type Arguments, readArguments, USAGE } from './start/arguments.ts';
import { foreignLocalSettings, removeLocalSettings, writeLocalSettings } from './start/local-settings.ts';
import { summary } from './start/summary.ts';

const LOCAL_SETTINGS = fileURLToPath(new URL('../local.settings.json', import.meta.url));

// Spares a second of every start but the first. Not in the temporary folder, which others may write to.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/sandbox', import.meta.url)));

// Programs read exactly one line of standard output; whatever a library prints belongs with the logs.
const print = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);
// Whoever reads one line and closes the pipe must not end the sandbox.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const stop = stopSignal();

process.exitCode = await main();

async function main(): Promise<number> {
  if (!isNodeNewEnough()) {
    console.error(`The sandbox needs Node 22.18 or newer; this is ${process.version}.`);
    return 1;
  }
  let options: Arguments;
  try {
    options = readArguments(process.argv.slice(2), process.env);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    print(USAGE);
    return 0;
  }
  try {
    return await run(options);
  } catch (error) {
    if (stop.aborted) return 0;
    console.error(error instanceof Error ? (error.stack ?? error.message) : error);
    return 1;
  }
}

async function run({ json, ...options }: Arguments): Promise<number> {
  const startedAt = performance.now();
  const foreign = options.host ? undefined : await foreignLocalSettings(LOCAL_SETTINGS);
  if (foreign) {
    console.error(foreign);
    return 1;
  }
  console.error('Starting the sandbox …');
  // Loaded only now: the libraries take a second, in which a signal is heard already.
  const { startSandbox } = await import('./start.ts');
  stop.throwIfAborted();
  const sandbox = await startSandbox({ ...options, build: true, signal: stop, log: (line) => console.error(line) });
  try {
    if (!options.host) await writeLocalSettings(LOCAL_SETTINGS, sandbox.settings, sandbox.info.hire2retire);
    const seconds = (performance.now() - startedAt) / 1000;
    if (json) print(`${JSON.stringify(sandbox.info)}\n`);
    else print(summary(sandbox.info, seconds, options.host ? undefined : LOCAL_SETTINGS));
    await aborted(stop);
    return 0;
  } finally {
    if (!options.host) await removeLocalSettings(LOCAL_SETTINGS);
    await sandbox.close();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Aborts on SIGINT and SIGTERM, and when npm, which started this, is gone. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const abort = () => {
    if (controller.signal.aborted) return;
    controller.abort();
    // Nothing should take that long; a stop that hangs would leave ports taken.
    setTimeout(() => process.exit(1), 10_000).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, abort);
  // npm passes a signal to its shell only, and the shell dies of it without passing it on.
  if (process.env['npm_lifecycle_event']) {
    const parent = process.ppid;
    setInterval(() => process.ppid !== parent && abort(), 500).unref();
  }
  return controller.signal;
}

function isNodeNewEnough(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}
