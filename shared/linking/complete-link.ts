import type { Connection } from '../connections/connection.ts';
import { AppError } from '../errors.ts';
import type { Invocation } from '../log.ts';
import { eventRow } from '../mail/events.ts';
import type { Gate } from '../mail/lane.ts';
import { leaveTicket } from '../mail/tickets.ts';
import type { LinkingDeps } from './deps.ts';
import { failLink, letGo } from './end-link.ts';
import type { Link } from './link.ts';
import { linkProblem } from './link-problem.ts';
import { recordApplication } from './record-application.ts';
import { recordConnection } from './record-connection.ts';

/**
 * Rolls a redeemed link forward to `connected`. Needs nothing but its row, and each step may be repeated, by several at
 * once: application row, held by the link → index looked up → lane → connection row with its index row → gate and event
 * → application let go → `connected`.
 */
export async function completeLink(
  deps: LinkingDeps,
  redeemed: Link,
  invocation: Invocation,
): Promise<{ readonly connection: Connection; readonly link: Link }> {
  if (await deps.connections.isCustomerLeaving(redeemed.customerId))
    throw await failLink(deps, redeemed, 'interrupted', invocation);
  if (redeemed.kind === 'customerOwned') await recordApplication(deps, redeemed, invocation);
  const { connection, link } = await recordConnection(deps, redeemed, invocation);
  await openGate(deps, link, connection);
  // Unlinked already, while the application gets a new secret: it is looked at again.
  if (link.kind === 'customerOwned' && !(await letGo(deps, link, connection.connectionId)))
    throw new AppError('link_in_progress', { retryAfterSeconds: 5 });
  const finished = await finish(deps, link, connection);
  await deps.openLinks.release(link.customerId, link.linkId).catch(() => {});
  const { linkId, customerId, kind } = link;
  invocation.log.event('link.connected', { linkId, customerId, connectionId: connection.connectionId, kind });
  return { connection, link: finished };
}

/** Whoever else is rolling the link forward may have written its row since, or ended it. */
async function finish(deps: LinkingDeps, link: Link, { connectionId }: Connection): Promise<Link> {
  for (let current = link; ; ) {
    const finished = await deps.links.update(current, { state: 'connected', connectionId });
    if (finished) return finished;
    const read = await deps.links.get(link.linkId);
    if (read?.state === 'connected') return read;
    if (read?.state !== 'redeemed') throw linkProblem(deps, read ?? { ...link, error: 'interrupted' });
    current = read;
  }
}

/** A pause is kept, and so is trouble that came up since the link was made. */
function gateOf({ status }: Connection, gate: Gate): Gate {
  if (gate === 'paused' || status === 'paused') return 'paused';
  return status === 'connected' ? 'open' : gate;
}

/** Mail that waited for the link flows again; the event is in the transaction that opens the gate. */
async function openGate(deps: LinkingDeps, link: Link, connection: Connection): Promise<void> {
  const { connectionId, customerId, credentialVersion } = connection;
  await deps.lanes.ensure(connectionId, customerId, credentialVersion);
  await deps.lanes.setGate(connectionId, {
    to: (gate) => (gate === 'removed' ? undefined : gateOf(connection, gate)),
    credentialVersion,
    event: eventRow(
      `linked-${link.linkId}`,
      'connection.linked',
      { customerId, connectionId, clientId: connection.clientId },
      deps.clock.now(),
    ),
  });
  await leaveTicket(deps.queues, connection);
  await deps.outbox.flush(connectionId);
}
