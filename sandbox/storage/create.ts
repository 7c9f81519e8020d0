import { TableServiceClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { CONTAINERS, POISON_QUEUES, QUEUES, TABLES } from '../../shared/storage-names.ts';

/** Creates every queue, table and container of the product where it is missing, as Bicep does on Azure. */
export async function createStorage(connectionString: string): Promise<void> {
  const queues = QueueServiceClient.fromConnectionString(connectionString);
  const blobs = BlobServiceClient.fromConnectionString(connectionString);
  // The SDK for tables refuses http even on loopback unless told otherwise.
  const tables = TableServiceClient.fromConnectionString(connectionString, { allowInsecureConnection: true });
  await Promise.all([
    ...[...Object.values(QUEUES), ...POISON_QUEUES].map((name) => queues.getQueueClient(name).createIfNotExists()),
    ...Object.values(CONTAINERS).map((name) => blobs.getContainerClient(name).createIfNotExists()),
    // Unlike the others, this one takes "exists already" as success by itself.
    ...Object.values(TABLES).map((name) => tables.createTable(name)),
  ]);
}
