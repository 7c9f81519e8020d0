import { later } from '../clock.ts';
import { wireReason } from '../connection-reasons.ts';
import type { Invocation } from '../log.ts';
import { eventRow } from '../mail/events.ts';
import { type Gate, isProbed, type Lane, PROBE_MS } from '../mail/lane.ts';
import { leaveTicket } from '../mail/tickets.ts';
import type { Connection } from './connection.ts';
import type { ConnectionsDeps } from './deps.ts';

const MAX_TRIES = 5;

/**
 * Brings a connection's gate into line with its status, where somebody died between the two.
 *
 * Whoever changes both writes the status first and then moves the gate to where the status says: pause, resume, trouble,
 * recovery, a new link. So the status is the truth, and what is done here is what they are about to do; the event goes
 * with the gate's move, whoever makes it. Three exceptions, none of which is touched here:
 * - an unlink shuts the gate first: `removed` is never left (`finishKilledUnlink`);
 * - a refused application is the truth for `broken` (ADR 9), and its recovery opens gates first: `alignOne` finishes that;
 * - a lane with newer credentials than the row that was read: somebody linked again this very moment.
 * At the end the row is read once more: of a writer that came in between, the last word counts.
 */
export async function reconcile(deps: ConnectionsDeps, checked: Connection, { log }: Invocation): Promise<void> {
  const { customerId, connectionId } = checked;
  await followApplication(deps, checked, log);
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const row = await deps.connections.get(customerId, connectionId);
    if (!row || row.status === 'removing') return;
    const { lane } = await deps.lanes.get(connectionId);
    if (!lane) {
      await deps.lanes.ensure(connectionId, customerId, row.credentialVersion);
      continue;
    }
    if (!(await differs(deps, row, lane))) return;
    const wanted = gateOf(row.status);
    const moved = await deps.lanes.setGate(connectionId, {
      to: (gate) => (gate === lane.gate ? wanted : undefined),
      ifCredentialVersion: lane.credentialVersion,
      credentialVersion: row.credentialVersion,
      ...(isProbed(wanted) && { probeAt: later(deps.clock.now(), PROBE_MS) }),
      ...(await eventOf(deps, row, lane)),
    });
    if (!moved) continue;
    log.warning('connection.reconciled', { customerId, connectionId, status: row.status, gate: lane.gate });
    await leaveTicket(deps.queues, row);
    await deps.outbox.flush(connectionId);
  }
}

async function followApplication(deps: ConnectionsDeps, connection: Connection, log: Invocation['log']) {
  const { customerId, clientId, kind } = connection;
  const application = kind === 'customerOwned' ? await deps.applications.get(customerId, clientId) : undefined;
  if (!application) return;
  await deps.applicationOutbox.flush(customerId);
  await deps.applicationHealth.alignOne(connection, application, log);
}

function gateOf(status: Exclude<Connection['status'], 'removing'>): Gate {
  return status === 'connected' ? 'open' : status;
}

async function differs(deps: ConnectionsDeps, row: Connection, lane: Lane): Promise<boolean> {
  if (lane.gate === 'removed' || lane.credentialVersion > row.credentialVersion || row.status === 'removing')
    return false;
  if (lane.gate === gateOf(row.status) && lane.credentialVersion === row.credentialVersion) return false;
  if (row.status !== 'broken') return true;
  return (await deps.applications.get(row.customerId, row.clientId))?.broken === true;
}

/** What the one who died would have told with the gate. Of a refused application its own row told. */
async function eventOf(deps: ConnectionsDeps, row: Connection, lane: Lane) {
  const { customerId, connectionId, clientId, credentialVersion, status, reason, alertAddress } = row;
  if (status === 'broken') return {};
  const now = deps.clock.now();
  // The key that finishing the link would have used: whoever comes second finds it told.
  if (lane.credentialVersion < credentialVersion)
    return {
      event: eventRow(`linked-${row.linkId}`, 'connection.linked', { customerId, connectionId, clientId }, now),
    };
  const waiting = await deps.lanes.countWaiting(connectionId);
  const type = `connection.${status === 'connected' ? 'resumed' : status}` as const;
  if (type === 'connection.removing') return {};
  const why =
    status === 'connected' || status === 'paused' ? { state: status } : { reason: wireReason(status, reason) };
  const data = { customerId, connectionId, clientId, ...why, waiting, ...(alertAddress && { alertAddress }) };
  return { event: eventRow(`reconciled-${credentialVersion}-${now.getTime()}`, type, data, now) };
}
