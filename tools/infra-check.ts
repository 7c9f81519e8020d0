/**
 * Checks infra/ with the real Bicep compiler: builds and lints without a warning, and predicts exactly the resources and
 * outputs of the committed snapshot. `--update` writes the snapshot anew.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

interface Snapshot {
  predictedResources: { id: string }[];
  diagnostics: unknown[];
  outputs: Record<string, unknown>;
}

const root = fileURLToPath(new URL('../', import.meta.url));
const committedSnapshot = join(root, 'infra/main.snapshot.json');

/** Made up, and the same everywhere, so that the predicted names are too. */
const SCOPE = [
  ...['--subscription-id', '00000000-0000-0000-0000-000000000000'],
  ...['--resource-group', 'outlook-sender'],
  ...['--location', 'westeurope'],
];

function fail(message: string): never {
  throw new Error(message);
}

function run(command: string, args: string[]) {
  const env = { ...process.env, DOTNET_NOLOGO: '1', DOTNET_CLI_TELEMETRY_OPTOUT: '1' };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, env, encoding: 'utf8', maxBuffer: 2 ** 28 });
  return { ok: status === 0, stdout, stderr };
}

/** The compiler on the PATH, else the one that NuGet brings, else nothing. */
function findBicep(): string | undefined {
  if (run('bicep', ['--version']).ok) return 'bicep';
  const packageRunsHere = process.platform === 'linux' && process.arch === 'x64';
  if (!packageRunsHere || !run('dotnet', ['--version']).ok) return undefined;

  const project = 'infra/tools/bicep.csproj';
  const restored = run('dotnet', ['restore', project]);
  if (!restored.ok) fail(`The Bicep compiler could not be restored from NuGet.\n${restored.stdout}${restored.stderr}`);
  return run('dotnet', ['msbuild', project, '-getProperty:BicepPath']).stdout.trim();
}

/** Diagnostics go to stderr, and warnings leave the exit code at 0: silence is what counts. */
function checkSilent(bicep: string, ...args: string[]): void {
  const { ok, stderr } = run(bicep, args);
  if (!ok || stderr !== '') fail(`bicep ${args.join(' ')}\n${stderr}`);
}

/** Bicep writes a snapshot only beside its parameters, hence the copy; it orders outputs by chance, hence the sorting. */
function takeSnapshot(bicep: string): Snapshot {
  const copy = mkdtempSync(join(tmpdir(), 'infra-'));
  try {
    cpSync(join(root, 'infra'), copy, { recursive: true });
    checkSilent(bicep, 'snapshot', join(copy, 'main.bicepparam'), '--mode', 'Overwrite', ...SCOPE);
    const snapshot: Snapshot = JSON.parse(readFileSync(join(copy, 'main.snapshot.json'), 'utf8'));
    snapshot.predictedResources.sort((a, b) => (a.id < b.id ? -1 : 1));
    snapshot.outputs = Object.fromEntries(Object.entries(snapshot.outputs).sort(([a], [b]) => (a < b ? -1 : 1)));
    return snapshot;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

function writeSnapshot(snapshot: Snapshot): void {
  writeFileSync(committedSnapshot, JSON.stringify(snapshot));
  const biome = fileURLToPath(import.meta.resolve('@biomejs/biome/bin/biome'));
  const formatted = run(process.execPath, [biome, 'format', '--write', committedSnapshot]);
  if (!formatted.ok) fail(formatted.stderr);
}

/** `bicep snapshot --mode Validate` shows a difference well, but is blind to outputs: it does not decide. */
function compareSnapshot(bicep: string, snapshot: Snapshot): void {
  const committed: unknown = JSON.parse(readFileSync(committedSnapshot, 'utf8'));
  if (isDeepStrictEqual(committed, snapshot)) return;
  const shown = run(bicep, ['snapshot', 'infra/main.bicepparam', '--mode', 'Validate', ...SCOPE]);
  console.error(shown.stdout + shown.stderr);
  fail(
    'infra/main.snapshot.json is not what infra/ predicts (a change of outputs is not shown above). ' +
      'If the change is meant: npm run infra:check -- --update',
  );
}

function check(): void {
  const bicep = findBicep();
  if (bicep === undefined) {
    console.error('infra/ was not checked: this needs Bicep on the PATH, or on Linux x64 the .NET 10 SDK to bring it.');
    process.exitCode = process.env['CI'] ? 1 : 0;
    return;
  }

  checkSilent(bicep, 'build', 'infra/main.bicep', '--stdout');
  checkSilent(bicep, 'lint', 'infra/main.bicep');
  checkSilent(bicep, 'lint', 'infra/main.bicepparam');

  const snapshot = takeSnapshot(bicep);
  if (snapshot.diagnostics.length > 0) fail(JSON.stringify(snapshot.diagnostics, undefined, 2));
  if (process.argv.includes('--update')) writeSnapshot(snapshot);
  else compareSnapshot(bicep, snapshot);

  const version = run(bicep, ['--version']).stdout.trim();
  console.log(`infra/: ${snapshot.predictedResources.length} resources, checked with ${version}`);
}

try {
  check();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
