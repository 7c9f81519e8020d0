import type { Connection } from '../connections/connection.ts';
import type { Log } from '../log.ts';
import { StoreUnavailable } from '../storage/ports.ts';
import type { MailDeps } from './deps.ts';
import type { WaitingMail } from './waiting.ts';

/**
 * The connection with what its owner wants now for mail of unknown fate. The one at hand may be a minute old, and in that
 * minute somebody may have said that nothing is to be sent twice. A mail's own choice needs no look.
 * @returns with `hold` when nobody can tell: a mail that is held can still be sent, one that was doubled stays so
 */
export async function withCurrentChoice(
  deps: Pick<MailDeps, 'connections'>,
  connection: Connection,
  mail: WaitingMail,
  log: Log,
): Promise<Connection> {
  if (mail.onUncertain !== '') return connection;
  try {
    const current = await deps.connections.get(connection.customerId, connection.connectionId);
    return { ...connection, onUncertain: current?.onUncertain ?? 'hold' };
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    log.failure('mail.choice_unknown', error, { connectionId: connection.connectionId, mailId: mail.mailId });
    return { ...connection, onUncertain: 'hold' };
  }
}
