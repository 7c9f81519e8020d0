import type { Invocation } from '../log.ts';
import { cancelAll } from '../mail/cancel-all.ts';
import { LANE_ROW } from '../mail/lane.ts';
import type { Remains } from './connection.ts';
import type { ConnectionsDeps } from './deps.ts';
import { refreshTokenTags } from './secret-tags.ts';

const PAGE = 100;

/**
 * Looks after what is left of a connection that was unlinked. The first time, soon after: mail that was taken in at the
 * very moment of the unlink is cancelled, and a token that was stored at that moment is deleted. The last time, when the records' month is over: everything goes, the lane
 * behind the records, and last the row that led here, so that whoever dies on the way is followed by the next scan.
 */
export async function tendRemains(
  deps: ConnectionsDeps,
  owner: { readonly customerId: string; readonly connectionId: string },
  invocation: Invocation,
): Promise<void> {
  const { customerId, connectionId } = owner;
  const remains = await deps.connections.remains(customerId, connectionId);
  if (!remains) return;
  await dropLateSecret(deps, owner, remains);
  if (remains.recordsUntil > deps.clock.now()) {
    const left = await cancelAll(deps, owner);
    await deps.outbox.flush(connectionId);
    if (!left) await deps.connections.keepRemains(customerId, connectionId, remains.recordsUntil);
    return;
  }
  if (await deleteRemains(deps, owner)) invocation.log.event('connection.remains_deleted', owner);
}

/**
 * Deletes everything of a removed connection: records, then the lane that says whose they are, then the row that led here.
 * @returns false when a mail is still being sent
 */
export async function deleteRemains(
  deps: ConnectionsDeps,
  owner: { readonly customerId: string; readonly connectionId: string },
): Promise<boolean> {
  const { customerId, connectionId } = owner;
  if (await cancelAll(deps, owner)) return false;
  const remains = await deps.connections.remains(customerId, connectionId);
  if (remains) await dropLateSecret(deps, owner, remains);
  await deps.outbox.flush(connectionId);
  await deleteRows(deps, connectionId);
  await deps.lanes.remove(connectionId);
  await deps.connections.forgetRemains(customerId, connectionId);
  return true;
}

/** No execution lives as long as it takes until here: whoever drew the name has stored under it by now, or is dead. */
async function dropLateSecret(
  deps: ConnectionsDeps,
  { customerId, connectionId }: { readonly customerId: string; readonly connectionId: string },
  { nextSecretName }: Remains,
): Promise<void> {
  if (nextSecretName) await deps.secrets.remove(nextSecretName, refreshTokenTags(customerId, connectionId));
}

async function deleteRows(deps: ConnectionsDeps, connectionId: string): Promise<void> {
  for (;;) {
    // Behind the lane's row, which says whose the records are.
    const { rows } = await deps.mails.query(connectionId, { from: `${LANE_ROW}~`, limit: PAGE, select: ['v'] });
    if (rows.length === 0) return;
    const deletes = rows.map(({ rowKey }) => ({ kind: 'delete', rowKey }) as const);
    await deps.mails.write(connectionId, deletes);
  }
}
