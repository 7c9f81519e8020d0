import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startControl } from './control/control.ts';
import { type Directory, sandboxDirectory } from './directory.ts';
import type { Graph } from './graph/graph.ts';
import { type ApiCaller, type CallerProof, functionKeyProof, tokenProof } from './hire2retire/caller-proof.ts';
import { type LocalHost, startHost } from './host/host.ts';
import type { IdentityPlatform } from './identity/identity.ts';
import type { KeyVault } from './key-vault/key-vault.ts';
import { throwawayCertificate } from './kit/certificate.ts';
import { buildBundle } from './start/build.ts';
import { Closers } from './start/closers.ts';
import { type SandboxInfo, sandboxInfo } from './start/info.ts';
import {
  fromEnvironment,
  override,
  productSettings,
  SERVICE_PROVIDER_SECRET,
  type Settings,
} from './start/settings.ts';
import { type StandIns, startStandIns } from './start/stand-ins.ts';
import { trustInThisProcess, writeTrustFiles } from './start/trust.ts';
import type { Storage } from './storage/azurite.ts';
import { createStorage } from './storage/create.ts';

export interface SandboxOptions {
  /** `false`: everything but the functions, which another host serves on port 7071. */
  readonly host?: boolean;
  /** Worker processes of the local host. */
  readonly workers?: number;
  /** How the functions reach storage. By identity, storage is https on free ports. */
  readonly storage?: 'connectionString' | 'identity';
  /** `usual` takes the ports that the documentation names when they are free; tests take `free` ones. */
  readonly ports?: 'usual' | 'free';
  /** After how many seconds a message reappears whose function died or failed; as on Azure unless given. */
  readonly redeliverySeconds?: number;
  /** Further mailboxes `sender-1@acme.example` and so on. */
  readonly extraMailboxes?: number;
  /** How long Graph takes for a mail. */
  readonly graphLatencyMs?: number;
  /** Settings for the functions that win over the sandbox's and over this process's environment. */
  readonly environment?: Settings;
  /** Builds dist/index.js first. */
  readonly build?: boolean;
  /** Receives every log line of the functions. */
  readonly log?: (line: string) => void;
  /** Aborts the start; what has been started is closed before the promise rejects. */
  readonly signal?: AbortSignal;
}

export interface Sandbox {
  /** What `--json` prints. */
  readonly info: SandboxInfo;
  readonly directory: Directory;
  /** The settings that the functions got. */
  readonly settings: Settings;
  /** What proves a program to the functions: a function key, or a token where API_AUTH is `entra`. */
  readonly proof: CallerProof;
  readonly identity: IdentityPlatform;
  readonly keyVault: KeyVault;
  readonly graph: Graph;
  readonly storage: Storage;
  /** Undefined with `host: false`. */
  readonly host: LocalHost | undefined;
  /** Every log line of the functions so far. */
  readonly logs: string[];
  close(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Where another host, `func start` for example, serves the functions. */
const OTHER_HOST_URL = 'http://localhost:7071';
const HOST_PORT = 7071;
const CONTROL_PORT = 4283;

/** Starts the whole sandbox: stand-ins in this process, functions in processes of their own. Resolves when it is ready. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const closers = new Closers();
  try {
    return await start(options, closers);
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}

async function start(options: SandboxOptions, closers: Closers): Promise<Sandbox> {
  const { signal, ports = 'usual', storage: storageAccess = 'connectionString' } = options;
  const directory = sandboxDirectory(options.extraMailboxes);
  const functionKey = newKey();
  const built = options.build ? buildBundle(ROOT) : Promise.resolve();
  // Awaited only once it is needed; a failure before that must not end the process.
  built.catch(() => undefined);

  const folder = await closers.keep(temporaryFolder());
  const tls = await throwawayCertificate();
  if (storageAccess === 'identity') trustInThisProcess(tls.cert);
  const trust = await writeTrustFiles(folder.path, tls.cert, process.env['NODE_EXTRA_CA_CERTS']);
  signal?.throwIfAborted();

  let functionsUrl = OTHER_HOST_URL;
  let settings: Settings = {};
  const byKey = functionKeyProof(functionKey);
  // A page may be opened before the rest has started: it learns that the API does not answer yet.
  let proof: CallerProof = byKey;
  const standIns = await startStandIns(
    {
      directory,
      tls,
      functionKey,
      storageAccess,
      ports,
      graphLatencyMs: options.graphLatencyMs,
      functionsUrl: () => functionsUrl,
      publicUrl: () => settings['PUBLIC_BASE_URL'] ?? functionsUrl,
      api: () => ({ tenantId: settings['API_ENTRA_TENANT'] ?? '', audience: settings['API_ENTRA_AUDIENCE'] ?? '' }),
      proof: () => proof,
      mailStorage: () => settings['MailStorage'],
    },
    closers,
  );
  const { storage, identity, keyVault, graph, hire2retire, mailbox } = standIns;
  const isByToken = () => settings['API_AUTH'] === 'entra';
  const caller = () => apiCaller(directory, identity.url, settings);
  const byToken = tokenProof(caller);
  proof = () => (isByToken() ? byToken() : byKey());
  const settingsFor = (url: string): Settings => {
    functionsUrl = url;
    const own = ownSettings(standIns, { directory, storageAccess, hostUrl: url, caFile: trust.forFunctions });
    settings = override(override(own, fromEnvironment(own, process.env)), options.environment ?? {});
    return settings;
  };
  signal?.throwIfAborted();

  const { serviceProvider } = directory.applications;
  keyVault.seed(SERVICE_PROVIDER_SECRET, serviceProvider.clientSecret, {
    kind: SERVICE_PROVIDER_SECRET,
    application: serviceProvider.clientId,
  });
  const storageConnectionString = settingsFor(OTHER_HOST_URL)['MailStorage'] ?? storage.connectionString;
  await Promise.all([createStorage(storageConnectionString), built]);
  storage.clearCounts();
  signal?.throwIfAborted();

  const logs: string[] = [];
  const host =
    options.host === false ? undefined : await closers.keep(runFunctions(options, functionKey, settingsFor, logs));
  const control = await closers.keep(
    startControl({ port: ports === 'usual' ? CONTROL_PORT : 0, directory, identity, keyVault, graph, storage, host }),
  );
  signal?.throwIfAborted();
  const info = sandboxInfo(
    {
      api: `${functionsUrl}/api`,
      functionKey,
      hire2retire: hire2retire.url,
      mailbox: mailbox.url,
      mailboxApi: mailbox.apiUrl,
      control: control.url,
      storageConnectionString,
      caCertificate: trust.certificate,
    },
    directory,
    isByToken() ? caller() : undefined,
  );
  return {
    info,
    directory,
    settings,
    proof,
    identity,
    keyVault,
    graph,
    storage,
    host,
    logs,
    close: () => closers.close(),
  };
}

/** Hire2Retire's server, in the tenant and for the audience that the settings name. */
function apiCaller({ applications }: Directory, loginUrl: string, settings: Settings): ApiCaller {
  const { clientId, clientSecret } = applications.hire2retire;
  return {
    tokenUrl: `${loginUrl}/${settings['API_ENTRA_TENANT']}/oauth2/v2.0/token`,
    clientId,
    clientSecret,
    scope: `${settings['API_ENTRA_AUDIENCE']}/.default`,
  };
}

function ownSettings(
  { storage, identity, managedIdentity, keyVault, graph, hire2retire }: StandIns,
  rest: Pick<Parameters<typeof productSettings>[0], 'directory' | 'storageAccess' | 'hostUrl' | 'caFile'>,
): Settings {
  return productSettings({
    ...rest,
    storage,
    hire2retireUrl: hire2retire.url,
    keyVaultUrl: keyVault.url,
    loginUrl: identity.url,
    graphUrl: graph.url,
    managedIdentity: managedIdentity.environment,
  });
}

function runFunctions(
  { ports, workers, redeliverySeconds, log }: SandboxOptions,
  functionKey: string,
  environment: (hostUrl: string) => Settings,
  logs: string[],
): Promise<LocalHost> {
  return startHost({
    appDir: ROOT,
    environment,
    port: ports === 'free' ? 0 : HOST_PORT,
    functionKey,
    masterKey: newKey(),
    ...(workers !== undefined && { workers }),
    ...(redeliverySeconds !== undefined && { redeliverySeconds }),
    log: (line) => {
      logs.push(line);
      log?.(line);
    },
  });
}

function newKey(): string {
  return randomBytes(40).toString('base64url');
}

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'outlook-sandbox-'));
  return { path, close: () => rm(path, { recursive: true, force: true }) };
}
