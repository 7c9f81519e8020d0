import type { Connection } from '../connections/connection.ts';
import type { Log } from '../log.ts';
import { RowConflict, text } from '../storage/table.ts';
import type { MailDeps } from './deps.ts';
import { isProbed, type Lane } from './lane.ts';
import { operations, settleExpired, tellExpired } from './settle.ts';
import { WAITING_ROWS, waitingOf } from './waiting.ts';
import { wakeAt } from './wake.ts';

const PAGE = 500;

/**
 * Ends what expired behind a shut gate, and sees to it that somebody comes for what expires next. Needs no lane: a mail
 * is ended only if nobody touched its row, and nobody claims behind a shut gate.
 */
export async function tendShutLane(deps: MailDeps, connection: Connection, lane: Lane, log: Log): Promise<void> {
  const next = await expireWaiting(deps, connection, log);
  await deps.outbox.flush(connection.connectionId);
  if (next === undefined) return;
  const probe = isProbed(lane.gate) && lane.probeAt < next ? lane.probeAt : '';
  await wakeAt(deps, connection, new Date(probe || next), true);
}

/** Whether a ticket may try a refused mailbox now. */
export function isProbeDue(lane: Lane, now: Date): boolean {
  return isProbed(lane.gate) && lane.probeAt <= now.toISOString();
}

/** @returns when the next of the mails that wait expires; undefined when none waits */
async function expireWaiting(deps: MailDeps, connection: Connection, log: Log): Promise<string | undefined> {
  const { connectionId } = connection;
  const now = deps.clock.now();
  let next: string | undefined;
  let after: string | undefined;
  do {
    const page = await deps.mails.query(connectionId, {
      ...WAITING_ROWS,
      filter: 'parked eq false and claimedBy eq 0',
      limit: PAGE,
      select: ['mailId', 'expiresAt', 'claimedBy', 'attempts'],
      ...(after && { after }),
    });
    for (const row of page.rows) {
      const expiresAt = text(row, 'expiresAt');
      if (expiresAt > now.toISOString()) {
        if (next === undefined || expiresAt < next) next = expiresAt;
        continue;
      }
      const mail = waitingOf(row);
      const settlement = settleExpired(mail, { connection, acceptedEvents: deps.config.acceptedEvents, now });
      try {
        await deps.mails.write(connectionId, operations(mail, settlement, { waiting: mail.etag }));
        tellExpired(log, connection, mail);
      } catch (error) {
        if (!(error instanceof RowConflict)) throw error;
      }
    }
    after = page.next;
  } while (after !== undefined);
  return next;
}
