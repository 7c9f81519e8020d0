import type { Connection } from '../connections/connection.ts';
import type { Trouble } from '../connections/health.ts';
import type { Log } from '../log.ts';
import type { MailDeps } from './deps.ts';

/**
 * Shuts the gate of a connection whose credentials or mailbox were refused.
 * @returns false when it was linked again meanwhile: its mail is to be tried with what it has now, and somebody must come
 */
export async function shutGate(
  deps: MailDeps,
  connection: Connection,
  trouble: Trouble,
  reason: string,
  log: Log,
): Promise<boolean> {
  if (await deps.health.shut(connection, trouble, reason, log)) {
    deps.cache.put(connection);
    return true;
  }
  const current = await deps.connections.get(connection.customerId, connection.connectionId);
  if (current && current.status !== 'removing') deps.cache.put(current);
  return false;
}
