import type { Secrets, SecretTags } from '../storage/ports.ts';
import type { ApplicationStore } from './application.ts';
import type { ConnectionStore } from './connection.ts';

export interface RemoveApplicationDeps {
  readonly applications: ApplicationStore;
  readonly connections: ConnectionStore;
  readonly secrets: Secrets;
}

/** The last connection of a customer-owned application takes its client secret along. Those being removed do not count. */
export async function removeUnusedApplication(
  deps: RemoveApplicationDeps,
  customerId: string,
  clientId: string,
): Promise<void> {
  const application = await deps.applications.get(customerId, clientId);
  if (!application) return;
  let after: string | undefined;
  do {
    const page = await deps.connections.list(customerId, 1000, after);
    if (page.connections.some((each) => each.clientId === clientId && each.status !== 'removing')) return;
    after = page.next;
  } while (after !== undefined);
  const tags = clientSecretTags(customerId, clientId);
  await deps.secrets.remove(application.secretName, tags);
  if (application.previousSecretName) await deps.secrets.remove(application.previousSecretName, tags);
  await deps.applications.remove(application);
}

/** Whose a client secret is. */
export function clientSecretTags(customerId: string, clientId: string): SecretTags {
  return { kind: 'client-secret', customer: customerId, application: clientId };
}
