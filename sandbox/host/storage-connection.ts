import type { TokenCredential } from '@azure/identity';
import { QueueServiceClient } from '@azure/storage-queue';
import type { Environment } from './host-settings.ts';

/** The poll loop is the retry; the client's own, slow one would only delay the end. */
const OPTIONS = { retryOptions: { maxTries: 2, retryDelayInMs: 200 } };

/**
 * The queue service of a trigger's connection, found as the real host finds it: a connection string in the setting of
 * that name (or with the prefix `AzureWebJobs`), else `<name>__queueServiceUri` and an identity.
 */
export async function queueService(
  connection: string | undefined,
  environment: Environment,
): Promise<QueueServiceClient> {
  const name = connection || 'AzureWebJobsStorage';
  const setting = (suffix: string) => environment[`${name}${suffix}`] ?? environment[`AzureWebJobs${name}${suffix}`];
  const connectionString = setting('');
  if (connectionString) return QueueServiceClient.fromConnectionString(connectionString, OPTIONS);
  const account = setting('__accountName');
  const url = setting('__queueServiceUri') ?? (account && `https://${account}.queue.core.windows.net`);
  if (!url)
    throw new Error(
      `The storage connection '${name}' does not exist: neither ${name} nor ${name}__queueServiceUri is set.`,
    );
  return new QueueServiceClient(url, await credential(setting('__credential'), setting('__clientId')), OPTIONS);
}

/** Loaded only when needed: the identity library doubles the start of a worker. */
async function credential(kind: string | undefined, clientId: string | undefined): Promise<TokenCredential> {
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  if (kind?.toLowerCase() === 'managedidentity')
    return clientId ? new ManagedIdentityCredential({ clientId }) : new ManagedIdentityCredential();
  return new DefaultAzureCredential(clientId ? { managedIdentityClientId: clientId } : {});
}
