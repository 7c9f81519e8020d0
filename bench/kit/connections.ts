import { createHash } from 'node:crypto';
import { DefaultAzureCredential } from '@azure/identity';
import { storageClients } from '../../shared/azure/storage-clients.ts';
import { AzureTable } from '../../shared/azure/table.ts';
import { type Connection, ConnectionStore } from '../../shared/connections/connection.ts';
import { refreshTokenTags } from '../../shared/connections/secret-tags.ts';
import { LaneStore } from '../../shared/mail/lane.ts';
import { TABLES } from '../../shared/storage-names.ts';

export const CUSTOMER = 'acme';
const VAULT = '127.0.0.1';

/** Table `name` of the storage that a connection string names. */
export function openTable(connectionString: string, name: string): AzureTable {
  const connection = { kind: 'connectionString', value: connectionString } as const;
  return new AzureTable(storageClients(connection, new DefaultAzureCredential()).table(name));
}

/** The n-th connection: linked a week ago, its check due `checkInMs` from now. */
export function connectionOf(n: number, clientId: string, checkInMs: number): Omit<Connection, 'etag'> {
  const hex = createHash('sha256').update(String(n)).digest('hex').slice(0, 32);
  const now = Date.now();
  const weekAgo = new Date(now - 7 * 24 * 3_600_000).toISOString();
  return {
    customerId: CUSTOMER,
    connectionId: `con_${hex}`,
    displayName: `Mailbox ${n}`,
    status: 'connected',
    reason: '',
    paused: false,
    signInName: `sender-${n}@acme.example`,
    tenantId: 'a0a0a0a0-1111-4111-8111-000000000001',
    objectId: `0b1ec700-0000-4000-8000-${String(n).padStart(12, '0')}`,
    kind: 'serviceProvider',
    clientId,
    vault: VAULT,
    secretName: `refresh-token-${hex}`,
    previousSecretName: '',
    previousRetiredAt: '',
    credentialVersion: 1,
    secretVersions: 1,
    nextSecretName: '',
    nextSecretAt: '',
    refreshTokenStoredAt: weekAgo,
    linkedAt: weekAgo,
    // The product writes this once a day and mailbox; a mailbox that is in use has it from today.
    lastProvenAt: new Date(now - 3_600_000).toISOString(),
    onUncertain: 'hold',
    alertAddress: '',
    linkId: '',
    nextCheckAt: new Date(now + checkInMs).toISOString(),
    checkSlot: '',
    troubleAt: '',
    wakeAt: '',
  };
}

/** Stores connections with their lanes through the product's own stores. Returns what the vault must hold for them. */
export async function storeConnections(connectionString: string, connections: readonly Omit<Connection, 'etag'>[]) {
  const store = new ConnectionStore(openTable(connectionString, TABLES.connections));
  const lanes = new LaneStore(openTable(connectionString, TABLES.mails));
  const left = [...connections];
  const work = async () => {
    for (let each = left.pop(); each; each = left.pop()) {
      await store.insert(each);
      await lanes.ensure(each.connectionId, each.customerId, each.credentialVersion);
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
  return connections.map(({ customerId, connectionId, secretName }) => ({
    name: secretName,
    value: `rt-${connectionId}`,
    tags: { ...refreshTokenTags(customerId, connectionId) },
  }));
}
