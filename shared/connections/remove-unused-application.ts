import type { Clock } from '../clock.ts';
import type { Secrets } from '../storage/ports.ts';
import { type ApplicationStore, isRotating } from './application.ts';
import type { ConnectionStore } from './connection.ts';
import { clientSecretTags } from './secret-tags.ts';

export interface RemoveApplicationDeps {
  readonly clock: Clock;
  readonly applications: ApplicationStore;
  readonly connections: ConnectionStore;
  readonly secrets: Secrets;
}

/**
 * The last connection of a customer-owned application takes its client secrets along. Those being removed do not count.
 * @returns false when somebody is giving it a new secret at this moment: it has to be looked at again
 */
export async function removeUnusedApplication(
  deps: RemoveApplicationDeps,
  customerId: string,
  clientId: string,
): Promise<boolean> {
  const application = await deps.applications.get(customerId, clientId);
  if (!application) return true;
  let after: string | undefined;
  do {
    const page = await deps.connections.list(customerId, 1000, after);
    if (page.connections.some((each) => each.clientId === clientId && each.status !== 'removing')) return true;
    after = page.next;
  } while (after !== undefined);
  if (isRotating(application, deps.clock.now())) return false;
  const { secretName, previousSecretName, pendingSecretName } = application;
  const tags = clientSecretTags(customerId, clientId);
  for (const name of [secretName, previousSecretName, pendingSecretName])
    if (name) await deps.secrets.remove(name, tags);
  await deps.applications.remove(application);
  return true;
}
