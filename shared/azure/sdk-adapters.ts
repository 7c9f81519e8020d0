import { DefaultAzureCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import { systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { TABLES } from '../storage-names.ts';
import type { Adapters } from './adapters.ts';
import { AzureBlobs } from './blobs.ts';
import { ClientAssertions } from './client-assertions.ts';
import { Entra } from './entra.ts';
import { GraphClientMail } from './graph.ts';
import { AzureQueues } from './queues.ts';
import { KeyVaultSecrets } from './secrets.ts';
import { storageClients } from './storage-clients.ts';
import { AzureTable } from './table.ts';
import { TIME_LIMIT } from './time-limit.ts';

type SdkAdapters = Pick<Adapters, 'tables' | 'queues' | 'blobs' | 'secrets' | 'identity' | 'graph'>;

/**
 * What stands on Microsoft's SDKs: most of all code that the app reads, and therefore loaded at its first use. All at
 * once: a mail that is claimed must not find one of them missing.
 */
export function sdkAdapters(config: Config): SdkAdapters {
  const clientId = config.managedIdentityClientId;
  const credential = new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId });
  const storage = storageClients(config.storage, credential);
  const secrets = new SecretClient(config.keyVaultUrl, credential, {
    additionalPolicies: [TIME_LIMIT],
    retryOptions: { maxRetries: 2, retryDelayInMs: 300, maxRetryDelayInMs: 3_000 },
  });
  const assertions = new ClientAssertions(credential, `${config.cloud.tokenExchangeAudience}/.default`, systemClock);
  return {
    tables: {
      links: new AzureTable(storage.table(TABLES.links)),
      connections: new AzureTable(storage.table(TABLES.connections)),
      applications: new AzureTable(storage.table(TABLES.applications)),
      mails: new AzureTable(storage.table(TABLES.mails)),
    },
    queues: new AzureQueues(storage.queues),
    blobs: new AzureBlobs(storage.blobs),
    secrets: new KeyVaultSecrets(secrets),
    graph: new GraphClientMail(config.cloud.graphUrl),
    identity: new Entra({ cloud: config.cloud, clientAssertion: () => assertions.get() }),
  };
}
