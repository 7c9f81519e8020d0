import * as z from 'zod';
import { CALLER_ID, isGuid, isOwnId } from '../ids.ts';
import type { Queues } from '../storage/ports.ts';
import { QUEUES } from '../storage-names.ts';

const customerId = z.string().regex(CALLER_ID);
const connectionId = z.string().refine((value) => isOwnId(value, 'con'));

/** Message on `outlook-work-checks`: one thing that is to be looked after. */
export const checkSchema = z.discriminatedUnion('kind', [
  z.object({ v: z.literal(1), kind: z.literal('connection'), customerId, connectionId }),
  /** A connection that was removed a month ago: what is left of it goes. */
  z.object({ v: z.literal(1), kind: z.literal('remains'), customerId, connectionId }),
  /** A customer whose removal was begun, or ended long ago. */
  z.object({ v: z.literal(1), kind: z.literal('removal'), customerId }),
  /** A customer-owned application that was refused, or got a new secret: its connections follow. */
  z.object({ v: z.literal(1), kind: z.literal('application'), customerId, clientId: z.string().refine(isGuid) }),
  z.object({ v: z.literal(1), kind: z.literal('link'), linkId: z.string().refine((value) => isOwnId(value, 'lnk')) }),
]);
export type Check = z.infer<typeof checkSchema>;

type Unversioned<T> = T extends unknown ? Omit<T, 'v'> : never;

/** Has something looked after, after `delaySeconds`. */
export async function queueCheck(queues: Queues, check: Unversioned<Check>, delaySeconds = 0): Promise<void> {
  await queues.send(QUEUES.checks, JSON.stringify({ v: 1, ...check }), delaySeconds);
}
