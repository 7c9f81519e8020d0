import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sandboxDirectory } from '../../sandbox/directory.ts';
import { productSettings, SERVICE_PROVIDER_SECRET, type StorageAddresses } from '../../sandbox/start/settings.ts';
import type { StorageCounts } from '../../sandbox/storage/counts.ts';
import { HOUR } from '../../shared/clock.ts';
import { Child } from './child.ts';
import { connectionOf, storeConnections } from './connections.ts';
import { type Latencies, NO_LATENCY } from './settings.ts';

export interface StageOptions {
  readonly latencies?: Latencies;
  /** Connections that exist, with their lanes and refresh tokens. */
  readonly connections?: number;
  /** When their daily check is due, from now; half a day unless given. */
  readonly checkInMs?: number;
  /** New versions of secrets that the vault takes in ten seconds; no limit unless given. */
  readonly vaultLimit?: number;
  /** Settings of the worker that win. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Flags of Node for the worker, for example `--cpu-prof`. */
  readonly flags?: readonly string[];
}

export interface MicrosoftCounts {
  readonly accepted: number;
  readonly tokens: number;
  readonly vaultReads: number;
  readonly vaultWrites: number;
}

interface Addresses {
  readonly certificate: string;
  readonly graph: string;
  readonly login: string;
  readonly vault: string;
  readonly managedIdentity: Readonly<Record<string, string>>;
}

/** The processes of one measurement: storage, what is Microsoft's, and the worker, which is not started yet. */
export class Stage {
  readonly connectionString: string;
  /** Ids of the connections that exist. */
  readonly connectionIds: readonly string[];
  /** Environment of the worker. */
  readonly environment: Readonly<Record<string, string>>;
  readonly storage: Child;
  readonly microsoft: Child;
  readonly worker: Child;
  private readonly folder: string;

  private constructor(
    parts: Pick<Stage, 'connectionString' | 'connectionIds' | 'environment' | 'storage' | 'microsoft'>,
    flags: readonly string[],
    folder: string,
  ) {
    this.connectionString = parts.connectionString;
    this.connectionIds = parts.connectionIds;
    this.environment = parts.environment;
    this.storage = parts.storage;
    this.microsoft = parts.microsoft;
    this.folder = folder;
    this.worker = new Child('worker.ts', { environment: parts.environment, flags: ['--expose-gc', ...flags] });
  }

  static async set(options: StageOptions = {}): Promise<Stage> {
    const { latencies = NO_LATENCY, vaultLimit = 0, connections = 0 } = options;
    const storage = new Child('storage.ts', { environment: { LATENCY_MS: String(latencies.storageMs) } });
    const microsoft = new Child('microsoft.ts', {
      environment: { LATENCIES: JSON.stringify(latencies), NEW_VERSIONS_PER_10_SECONDS: String(vaultLimit) },
    });
    const [storageAddresses, addresses] = await Promise.all([
      storage.call<StorageAddresses>('addresses'),
      microsoft.call<Addresses>('addresses'),
    ]);
    const { connectionString } = storageAddresses;
    const directory = sandboxDirectory();
    const folder = await mkdtemp(join(tmpdir(), 'outlook-bench-'));
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, addresses.certificate);
    const { clientId } = directory.applications.serviceProvider;
    const stored = Array.from({ length: connections }, (_, n) =>
      connectionOf(n, clientId, options.checkInMs ?? 12 * HOUR),
    );
    const secrets = await storeConnections(connectionString, stored);
    const application = {
      name: SERVICE_PROVIDER_SECRET,
      value: 'secret',
      tags: { kind: SERVICE_PROVIDER_SECRET, application: clientId },
    };
    await microsoft.call('seed', [application, ...secrets]);
    const settings = productSettings({
      directory,
      storageAccess: 'connectionString',
      storage: storageAddresses,
      hostUrl: 'http://localhost:7071',
      hire2retireUrl: 'http://localhost:4280',
      keyVaultUrl: addresses.vault,
      loginUrl: addresses.login,
      graphUrl: addresses.graph,
      managedIdentity: addresses.managedIdentity,
      caFile,
    });
    // Pacing is Exchange's need; lifted, the program itself is what is measured.
    const lifted = { MAIL_PER_MINUTE: '0', MAIL_RECIPIENTS_PER_DAY: '1000000' };
    const environment = { ...settings, ...lifted, ...options.environment };
    const connectionIds = stored.map(({ connectionId }) => connectionId);
    const parts = { connectionString, connectionIds, environment, storage, microsoft };
    return new Stage(parts, options.flags ?? [], folder);
  }

  counts(): Promise<{ microsoft: MicrosoftCounts; storage: StorageCounts }> {
    return Promise.all([
      this.microsoft.call<MicrosoftCounts>('counts'),
      this.storage.call<StorageCounts>('counts'),
    ]).then(([microsoft, storage]) => ({ microsoft, storage }));
  }

  /** Executions that failed so far. */
  async failed(): Promise<number> {
    return this.worker.isRunning ? this.worker.call<number>('failed') : 0;
  }

  async close(): Promise<void> {
    await this.worker.close();
    await Promise.all([this.storage.close(), this.microsoft.close()]);
    await rm(this.folder, { recursive: true, force: true });
  }
}
