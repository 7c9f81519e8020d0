import { spawn, spawnSync } from 'node:child_process';
import { EXAMPLE_VARIABLES, ROOT } from './infra-sets.ts';

export interface Finished {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

const ENVIRONMENT = { ...process.env, ...EXAMPLE_VARIABLES, DOTNET_NOLOGO: '1', DOTNET_CLI_TELEMETRY_OPTOUT: '1' };

/** Runs a program to its end, at the root of the repository, with the example variables set. */
export function run(command: string, args: readonly string[]): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, env: ENVIRONMENT });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    child.once('error', (error) => resolve({ ok: false, stdout: '', stderr: error.message }));
    child.once('close', (status) => resolve({ ok: status === 0, ...output }));
  });
}

/**
 * The compiler on the PATH, else the one that NuGet brings.
 * @returns undefined where neither is to be had
 */
export async function findBicep(): Promise<string | undefined> {
  if ((await run('bicep', ['--version'])).ok) return 'bicep';
  const packageRunsHere = process.platform === 'linux' && process.arch === 'x64';
  if (!packageRunsHere || spawnSync('dotnet', ['--version']).status !== 0) return undefined;

  const project = 'infra/tools/bicep.csproj';
  const restored = await run('dotnet', ['restore', project]);
  if (!restored.ok)
    throw new Error(`The Bicep compiler could not be restored from NuGet.\n${restored.stdout}${restored.stderr}`);
  return (await run('dotnet', ['msbuild', project, '-getProperty:BicepPath'])).stdout.trim();
}
