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
  const connection = await deps.cache.get(parsed.data.customerId, parsed.data.connectionId);
  if (connection) await workLane(deps, delivery, connection);
}

function safeParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
