import { HOUR, MINUTE } from '../clock.ts';
import type { Connection } from '../connections/connection.ts';
import type { MailDeps } from './deps.ts';
import { leaveTicket } from './tickets.ts';

/** Later than this, a wake-up is noted in the connection's row for the hourly scan, instead of a hidden message. */
const TICKET_WITHIN_MS = HOUR + 5 * MINUTE;

/**
 * Sees to it that somebody looks at a lane at a time ahead.
 * @param seenAll the caller looked at all mail of the lane: no earlier wake-up is needed any more
 * @returns what to note as the lane's `ticketAt`; '' when the hourly scan will come
 */
export async function wakeAt(deps: MailDeps, connection: Connection, at: Date, seenAll = false): Promise<string> {
  const now = deps.clock.now();
  const delayMs = Math.max(0, at.getTime() - now.getTime());
  if (delayMs <= TICKET_WITHIN_MS) {
    await leaveTicket(deps.queues, connection, delayMs);
    return at.toISOString();
  }
  // Early enough for a scan to come before it: whoever that wakes leaves a ticket for the very time.
  const wanted = new Date(at.getTime() - TICKET_WITHIN_MS).toISOString();
  await deps.connections.change(connection.customerId, connection.connectionId, (current) => {
    if (current.wakeAt === '' || current.wakeAt > wanted) return { wakeAt: wanted };
    // The check that brought us may be about to clear it, and this wake-up with it. Written again, it cannot.
    if (current.wakeAt <= now.toISOString()) return { wakeAt: seenAll ? wanted : current.wakeAt };
    return undefined;
  });
  return '';
}
