import { cancelAll } from './cancel-all.ts';
import type { MailDeps } from './deps.ts';
import { ticketSchema } from './tickets.ts';
import { type Delivery, workLane } from './work-lane.ts';

/** Works off a ticket from `outlook-lanes`. */
export async function acceptTicket(deps: MailDeps, body: unknown, delivery: Delivery): Promise<void> {
  const parsed = ticketSchema.safeParse(typeof body === 'string' ? safeParse(body) : body);
  if (!parsed.success) {
    // Only we write here. A ticket that is none wakes nobody, and the daily check is the backstop.
    delivery.invocation.log.warning('ticket.unreadable');
    return;
  }
  const { customerId, connectionId } = parsed.data;
  const connection = await deps.cache.get(customerId, connectionId);
  const result = connection && (await workLane(deps, delivery, connection));
  if (connection === undefined || result === 'removed') await tendEndedLane(deps, connectionId);
}

/** Taken in while its connection was being unlinked, a mail has nobody but its ticket. */
async function tendEndedLane(deps: MailDeps, connectionId: string): Promise<void> {
  const { lane } = await deps.lanes.get(connectionId);
  if (lane?.gate !== 'removed') return;
  await cancelAll(deps, { customerId: lane.customerId, connectionId });
}

function safeParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
