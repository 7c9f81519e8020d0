import type { Invocation } from '../log.ts';
import { cancelAll } from '../mail/cancel-all.ts';
import { LANE_ROW } from '../mail/lane.ts';
import type { ConnectionsDeps } from './deps.ts';

const PAGE = 100;

/**
 * Looks after what is left of a connection that was unlinked. The first time, soon after: mail that was taken in at the
 * very moment of the unlink is cancelled. The last time, when the records' month is over: everything goes, the lane
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
  await deps.outbox.flush(connectionId);
  await deleteRows(deps, connectionId);
  await deps.lanes.remove(connectionId);
  await deps.connections.forgetRemains(customerId, connectionId);
  return true;
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
