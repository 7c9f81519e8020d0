import type { Application } from '../connections/application.ts';
import type { Connection } from '../connections/connection.ts';
import type { Trouble } from '../connections/health.ts';
import type { Log } from '../log.ts';
import type { MailDeps } from './deps.ts';

/** What shuts a gate, and whose credentials met it. */
export interface Blame {
  readonly connection: Connection;
  readonly gate: Trouble;
  readonly reason: string;
  /** The customer's application as Microsoft refused it, where that is the trouble. */
  readonly application?: Application;
}

/**
 * Shuts the gate of a connection whose credentials or mailbox were refused.
 * @returns false when it was linked again meanwhile: its mail is to be tried with what it has now, and somebody must come
 */
export async function shutGate(deps: MailDeps, blame: Blame, log: Log): Promise<boolean> {
  const { connection } = blame;
  if (await deps.health.shut(connection, blame.gate, blame.reason, log, blame.application)) {
    deps.cache.put(connection);
    return true;
  }
  const current = await deps.connections.get(connection.customerId, connection.connectionId);
  if (current && current.status !== 'removing') deps.cache.put(current);
  return false;
}
