/**
 * Checks infra/ with the real Bicep compiler: it builds and lints without a warning, and predicts for each parameter set
 * exactly the resources and outputs of the committed snapshot. `--update` writes the snapshots anew.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { findBicep, run } from './infra-bicep.ts';
import { type Difference, PARAMETER_SETS, type ParameterSet, type Prediction, ROOT } from './infra-sets.ts';

/** Made up, and the same everywhere, so that the predicted names are too. */
const SCOPE = [
  ...['--tenant-id', '55555555-5555-4555-8555-555555555555'],
  ...['--subscription-id', '00000000-0000-0000-0000-000000000000'],
  ...['--resource-group', 'outlook-sender'],
  ...['--location', 'westeurope'],
];

/** Compilers at a time: each is busy with one core. */
const PARALLEL = 2;

const isUpdate = process.argv.includes('--update');

function fail(message: string): never {
  throw new Error(message);
}

/** Diagnostics go to stderr, and warnings leave the exit code at 0: silence is what counts. */
async function checkSilent(bicep: string, ...args: string[]): Promise<void> {
  const { ok, stderr } = await run(bicep, args);
  if (!ok || stderr !== '') fail(`bicep ${args.join(' ')}\n${stderr}`);
}

async function inParallel<T>(tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  const left = [...tasks.entries()];
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) results[next[0]] = await next[1]();
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return results;
}

/** Bicep writes a snapshot beside its parameters, hence the copy; it orders outputs by chance, hence the sorting. */
async function predict(bicep: string, copy: string, set: ParameterSet): Promise<Prediction> {
  const parameters = join(copy, set.parameters);
  await checkSilent(bicep, 'snapshot', parameters, '--mode', 'Overwrite', ...SCOPE);
  const { diagnostics, predictedResources, outputs } = JSON.parse(
    readFileSync(parameters.replace(/bicepparam$/, 'snapshot.json'), 'utf8'),
  ) as Prediction & { diagnostics: unknown[] };
  if (diagnostics.length > 0) fail(`${set.parameters}\n${JSON.stringify(diagnostics, undefined, 2)}`);
  return {
    predictedResources: predictedResources.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    outputs: Object.fromEntries(Object.entries(outputs).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function differenceOf(base: string, from: Prediction, to: Prediction): Difference {
  const old = new Map(from.predictedResources.map((resource) => [resource.id, resource]));
  const ids = new Set(to.predictedResources.map(({ id }) => id));
  return {
    base,
    changed: to.predictedResources.filter((resource) => !isDeepStrictEqual(resource, old.get(resource.id))),
    absent: [...old.keys()].filter((id) => !ids.has(id)),
    outputs: to.outputs,
  };
}

async function writeSnapshots(told: ReadonlyMap<ParameterSet, Prediction | Difference>): Promise<void> {
  const files = [...told].map(([{ snapshot }, content]) => {
    writeFileSync(join(ROOT, snapshot), JSON.stringify(content));
    return snapshot;
  });
  const biome = fileURLToPath(import.meta.resolve('@biomejs/biome/bin/biome'));
  const formatted = await run(process.execPath, [biome, 'format', '--write', ...files]);
  if (!formatted.ok) fail(formatted.stderr);
}

/** Names the resources that differ, with what was and what is. */
function compareSnapshot({ snapshot }: ParameterSet, told: Prediction | Difference): void {
  const committed = JSON.parse(readFileSync(join(ROOT, snapshot), 'utf8')) as Prediction | Difference;
  if (isDeepStrictEqual(committed, JSON.parse(JSON.stringify(told)))) return;
  const list = (one: Prediction | Difference) => ('base' in one ? one.changed : one.predictedResources);
  const was = new Map(list(committed).map((resource) => [resource.id, resource]));
  const is = new Map(list(told).map((resource) => [resource.id, resource]));
  for (const id of new Set([...was.keys(), ...is.keys()])) {
    if (isDeepStrictEqual(was.get(id), is.get(id))) continue;
    console.error(id, '\n- committed', JSON.stringify(was.get(id)), '\n- predicted', JSON.stringify(is.get(id)));
  }
  fail(
    `${snapshot} is not what infra/ predicts (a change of outputs is not shown above). ` +
      'If the change is meant: npm run infra:check -- --update',
  );
}

async function check(): Promise<void> {
  const bicep = await findBicep();
  if (bicep === undefined) {
    console.error('infra/ was not checked: this needs Bicep on the PATH, or on Linux x64 the .NET 10 SDK to bring it.');
    process.exitCode = process.env['CI'] ? 1 : 0;
    return;
  }
  const copy = mkdtempSync(join(tmpdir(), 'infra-'));
  try {
    for (const folder of ['infra', 'test/infra/parameters'])
      cpSync(join(ROOT, folder), join(copy, folder), { recursive: true });
    const lints = ['infra/main.bicep', ...PARAMETER_SETS.map(({ parameters }) => parameters)];
    await inParallel([
      () => checkSilent(bicep, 'build', 'infra/main.bicep', '--stdout'),
      ...lints.map((file) => () => checkSilent(bicep, 'lint', file)),
    ]);
    const predictions = await inParallel(PARAMETER_SETS.map((set) => () => predict(bicep, copy, set)));
    const named = new Map(PARAMETER_SETS.map(({ name }, index) => [name, predictions[index]]));
    const told = new Map(
      PARAMETER_SETS.map((set) => {
        const prediction = named.get(set.name) ?? fail(set.name);
        const base = set.base === undefined ? undefined : named.get(set.base);
        return [set, set.base && base ? differenceOf(set.base, base, prediction) : prediction];
      }),
    );
    if (isUpdate) await writeSnapshots(told);
    else for (const [set, content] of told) compareSnapshot(set, content);

    const counts = PARAMETER_SETS.map(
      ({ parameters }, index) => `${basename(parameters)} ${predictions[index]?.predictedResources.length}`,
    );
    console.log(`infra/: resources of ${counts.join(', ')}`);
    console.log(`checked with ${(await run(bicep, ['--version'])).stdout.trim()}`);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

try {
  await check();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
