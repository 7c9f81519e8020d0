import { TableClient, TableServiceClient } from '@azure/data-tables';
import type { TokenCredential } from '@azure/identity';
import type { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import type { StorageConnection } from '../config.ts';
import { once } from './at-first-use.ts';
import { tableHttpClient } from './table-transaction.ts';
import { TIME_LIMIT } from './time-limit.ts';

export interface StorageClients {
  readonly queues: QueueServiceClient;
  /** Loaded at its first use: only large mail needs it, and it is a quarter of all code that would be read at a start. */
  readonly blobs: () => Promise<BlobServiceClient>;
  readonly tableService: TableServiceClient;
  table(name: string): TableClient;
}

/** Storage retries: short, because a function that waits long holds its message; a redelivery tries again anyway. */
const RETRIES = { maxTries: 4, retryDelayInMs: 200, maxRetryDelayInMs: 2_000, tryTimeoutInMs: 10_000 } as const;
const TABLE_OPTIONS = {
  httpClient: tableHttpClient,
  retryOptions: { maxRetries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 },
  additionalPolicies: [TIME_LIMIT],
};

/** Clients of the data storage account, by connection string or by identity. */
export function storageClients(connection: StorageConnection, credential: TokenCredential): StorageClients {
  const options = { retryOptions: RETRIES };
  if (connection.kind === 'identity') {
    const { queueUrl, blobUrl, tableUrl } = connection;
    return {
      queues: new QueueServiceClient(queueUrl, credential, options),
      blobs: once(async () => {
        const { BlobServiceClient } = await import('@azure/storage-blob');
        return new BlobServiceClient(blobUrl, credential, options);
      }),
      tableService: new TableServiceClient(tableUrl, credential, TABLE_OPTIONS),
      table: (name) => new TableClient(tableUrl, name, credential, TABLE_OPTIONS),
    };
  }
  const { value } = connection;
  // data-tables refuses http unless told otherwise; a connection string with http can only name a loopback host here.
  const tableOptions = { ...TABLE_OPTIONS, allowInsecureConnection: isLoopbackOnly(value) };
  return {
    queues: QueueServiceClient.fromConnectionString(value, options),
    blobs: once(async () => {
      const { BlobServiceClient } = await import('@azure/storage-blob');
      return BlobServiceClient.fromConnectionString(value, options);
    }),
    tableService: TableServiceClient.fromConnectionString(value, tableOptions),
    table: (name) => TableClient.fromConnectionString(value, name, tableOptions),
  };
}

/** Whether every http address of a connection string is a loopback one. */
function isLoopbackOnly(connectionString: string): boolean {
  if (/^UseDevelopmentStorage=true;?$/i.test(connectionString.trim())) return true;
  const addresses = [...connectionString.matchAll(/(?:^|;)\w+Endpoint=(http:[^;]+)/gi)].map((match) => match[1] ?? '');
  return (
    addresses.length > 0 &&
    addresses.every(
      (address) => URL.canParse(address) && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(new URL(address).hostname),
    )
  );
}
