import type { TableClient } from '@azure/data-tables';
import { type Storage, startStorage } from '../../sandbox/storage/azurite.ts';
import { createStorage } from '../../sandbox/storage/create.ts';
import { type StorageClients, storageClients } from '../../shared/azure/storage-clients.ts';
import { AzureTable } from '../../shared/azure/table.ts';
import { TABLES } from '../../shared/storage-names.ts';

/** Azurite on free ports with the product's tables, queues and containers, and the product's own clients for it. */
export async function startAzurite(): Promise<{ readonly storage: Storage; readonly clients: StorageClients }> {
  const storage = await startStorage({ ports: 'free' });
  await createStorage(storage.connectionString);
  const credential = { getToken: () => Promise.reject(new Error('no identity here')) };
  return {
    storage,
    clients: storageClients({ kind: 'connectionString', value: storage.connectionString }, credential),
  };
}

/** A step in the way of each single try of a request. */
export type Policy = Parameters<TableClient['pipeline']['addPolicy']>[0];

/** A table of Azurite's whose requests go through the policies. */
export function azuriteTable(clients: StorageClients, ...policies: Policy[]): AzureTable {
  return new AzureTable(tableClient(clients, ...policies));
}

function tableClient(clients: StorageClients, ...policies: Policy[]): TableClient {
  const client = clients.table(TABLES.mails);
  for (const policy of policies) client.pipeline.addPolicy(policy, { afterPhase: 'Retry' });
  return client;
}
