import * as z from 'zod';
import type { Queues } from '../storage/ports.ts';
import { QUEUES } from '../storage-names.ts';

/** A wake-up for a lane, on the queue `outlook-lanes`. */
export const ticketSchema = z.object({ v: z.literal(1), connectionId: z.string(), customerId: z.string() });
export type Ticket = z.infer<typeof ticketSchema>;

/** Leaves a ticket that appears after `delayMs`. */
export async function leaveTicket(
  queues: Queues,
  lane: { connectionId: string; customerId: string },
  delayMs = 0,
): Promise<void> {
  const ticket: Ticket = { v: 1, connectionId: lane.connectionId, customerId: lane.customerId };
  await queues.send(QUEUES.lanes, JSON.stringify(ticket), Math.max(0, Math.ceil(delayMs / 1000)));
}
