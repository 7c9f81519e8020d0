import { DefaultAzureCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import type { ApiTokens } from '../access/api-access.ts';
import { systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { GraphMail } from '../mail/graph-answer.ts';
import type { MicrosoftHosts } from '../microsoft/hosts.ts';
import type { IdentityPlatform } from '../microsoft/identity-platform.ts';
import type { Blobs, Queues, Secrets } from '../storage/ports.ts';
import type { Table } from '../storage/table.ts';
import { TABLES } from '../storage-names.ts';
import { AzureBlobs } from './blobs.ts';
import { ClientAssertions } from './client-assertions.ts';
import { Entra } from './entra.ts';
import { EntraApiTokens } from './entra-api-tokens.ts';
import { GraphClientMail } from './graph.ts';
import { FetchedHosts } from './hosts.ts';
import { AzureQueues } from './queues.ts';
import { KeyVaultSecrets } from './secrets.ts';
import { storageClients } from './storage-clients.ts';
import { AzureTable } from './table.ts';
import { TIME_LIMIT } from './time-limit.ts';

/** Everything outside the process, behind ports. */
export interface Adapters {
  readonly tables: Readonly<Record<keyof typeof TABLES, Table>>;
  readonly queues: Queues;
  readonly blobs: Blobs;
  readonly secrets: Secrets;
  readonly identity: IdentityPlatform;
  readonly graph: GraphMail;
  /** Present where callers prove themselves by token. */
  readonly apiTokens?: ApiTokens;
  readonly hosts: MicrosoftHosts;
}

/** The real ones. Nothing is contacted before it is used. */
export function azureAdapters(config: Config): Adapters {
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
    identity: new Entra({ cloud: config.cloud, clientAssertion: () => assertions.get() }),
    graph: new GraphClientMail(config.cloud.graphUrl),
    ...(config.apiAuth.kind === 'entra' && {
      apiTokens: new EntraApiTokens({ cloud: config.cloud, ...config.apiAuth }),
    }),
    hosts: new FetchedHosts({ login: config.cloud.loginUrl, graph: config.cloud.graphUrl }),
  };
}
