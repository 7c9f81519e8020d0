import { queueCheck } from '../connections/check-message.ts';
import { AppError } from '../errors.ts';
import type { Invocation } from '../log.ts';
import type { CustomersDeps } from './deps.ts';
import type { Removal } from './removal.ts';

/** What `GET customers/{customerId}/removal` answers. */
export interface RemovalResource {
  readonly state: 'removing' | 'removed';
  readonly connectionsLeft: number;
  /** ISO; until when the vault can recover secrets that were deleted. */
  readonly secretsRecoverableUntil?: string;
}

/**
 * Begins to remove everything of a customer, in the background. The row is written first: from then on new links and new
 * mail are refused, and the hourly scan finds it should the message be lost.
 */
export async function removeCustomer(
  deps: CustomersDeps,
  customerId: string,
  invocation: Invocation,
): Promise<RemovalResource> {
  const removal = await deps.removals.begin(customerId, deps.clock.now());
  await queueCheck(deps.queues, { kind: 'removal', customerId });
  invocation.log.event('customer.removing', { customerId });
  return removalResource(deps, removal);
}

/** @throws {AppError} not_found when no removal was begun, or when it ended long ago */
export async function getRemoval(deps: CustomersDeps, customerId: string): Promise<RemovalResource> {
  const removal = await deps.removals.get(customerId);
  if (!removal) throw new AppError('not_found');
  return removalResource(deps, removal);
}

async function removalResource(deps: CustomersDeps, removal: Removal): Promise<RemovalResource> {
  const { customerId, state, secretsRecoverableUntil } = removal;
  // A customer who came back has connections again; they are none of the removal's.
  const connectionsLeft = state === 'removed' ? 0 : await countConnections(deps, customerId);
  return { state, connectionsLeft, ...(secretsRecoverableUntil && { secretsRecoverableUntil }) };
}

async function countConnections(deps: CustomersDeps, customerId: string): Promise<number> {
  let count = 0;
  let after: string | undefined;
  do {
    const page = await deps.connections.list(customerId, 1000, after);
    count += page.connections.length;
    after = page.next;
  } while (after !== undefined);
  return count;
}
