import type { Log } from '../log.ts';
import type { Properties } from '../storage/table.ts';
import type { MailDeps } from './deps.ts';
import { backOffMs } from './outcome.ts';
import { leaveTicket } from './tickets.ts';

/** Why a lane rests, and for how long. */
export interface Pause {
  /** Shown with each mail that waits in the lane. */
  readonly reason: string;
  /** Milliseconds; without it, back-off decides. */
  readonly waitMs: number;
}

/** How long to wait after a failure: as told, or longer from one setback to the next. */
export function pauseAfter(
  deps: Pick<MailDeps, 'random'>,
  failure: { readonly reason: string; readonly waitMs?: number },
  setbacks: number,
): Pause {
  const { reason, waitMs } = failure;
  if (waitMs === undefined) return { reason, waitMs: backOffMs(setbacks, deps.random()) };
  return { reason, waitMs: isEverybodys(reason) ? Math.round(waitMs * (1 + deps.random() / 2)) : waitMs };
}

/** The vault and the token endpoint tell everybody to wait the same time: all would come back at once. Never earlier. */
function isEverybodys(reason: string): boolean {
  return reason === 'store_unavailable' || reason.startsWith('token_endpoint_');
}

/**
 * Leaves the ticket that ends a pause. The caller writes what is returned into the lane's row, under whatever condition
 * holds for it: ticket first, so that a death in between leaves a ticket too many and not a mail that nobody wakes.
 */
export async function pauseLane(
  deps: Pick<MailDeps, 'queues' | 'clock'>,
  lane: { readonly connectionId: string; readonly customerId: string },
  { reason, waitMs }: Pause,
  log: Log,
): Promise<Properties> {
  const until = new Date(deps.clock.now().getTime() + waitMs).toISOString();
  await leaveTicket(deps.queues, lane, waitMs);
  tellWait(log, lane, { reason, waitMs });
  return { pausedUntil: until, pausedFor: reason, ticketAt: until };
}

/**
 * Tells that a lane waits, and why: an alert comes where lanes do nothing but wait. Pacing is not told, since it is what
 * a busy mailbox does all day.
 */
export function tellWait(
  log: Log,
  { connectionId, customerId }: { readonly connectionId: string; readonly customerId: string },
  { reason, waitMs }: Pause,
): void {
  if (reason !== 'paced') log.event('lane.waits', { connectionId, customerId, reason, waitMs });
}
