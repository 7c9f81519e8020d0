import type { Invocation } from '../log.ts';
import { LANE_ROW } from '../mail/lane.ts';
import { waitingOf } from '../mail/waiting.ts';
import type { ConnectionsDeps } from './deps.ts';

const PAGE = 100;

/**
 * Deletes what is left of a connection that was unlinked a month ago: the records of its mail, its closed lane, and last
 * the row that led here, so that whoever dies on the way is followed by the next scan.
 */
export async function removeRemains(
  deps: ConnectionsDeps,
  { customerId, connectionId }: { readonly customerId: string; readonly connectionId: string },
  invocation: Invocation,
): Promise<void> {
  const due = await deps.connections.remainsAreDue(customerId, connectionId, deps.clock.now());
  if (!due) return;
  await deps.outbox.flush(connectionId);
  for (;;) {
    // Behind the lane's row: it goes last, as it says whose the records are.
    const { rows } = await deps.mails.query(connectionId, { from: `${LANE_ROW}~`, limit: PAGE });
    if (rows.length === 0) break;
    for (const { blob } of rows.map(waitingOf)) if (blob) await deps.blobs.remove(blob.container, blob.name);
    await deps.mails.write(
      connectionId,
      rows.map(({ rowKey }) => ({ kind: 'delete', rowKey })),
    );
  }
  await deps.lanes.remove(connectionId);
  await deps.connections.forgetRemains(customerId, connectionId);
  invocation.log.event('connection.remains_deleted', { customerId, connectionId });
}
