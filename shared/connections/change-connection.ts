import * as z from 'zod';
import { AppError } from '../errors.ts';
import type { Invocation } from '../log.ts';
import { eventRow } from '../mail/events.ts';
import { leaveTicket } from '../mail/tickets.ts';
import type { Connection, ConnectionStatus } from './connection.ts';
import type { ConnectionsDeps } from './deps.ts';
import { describeConnection, requireConnection } from './read-connections.ts';
import type { ConnectionResource } from './resource.ts';

const plainLine = (maximum: number) =>
  z
    .string()
    .trim()
    .max(maximum)
    .refine((value) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value), 'must not contain control characters')
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');

/** Body of `PATCH …/connections/{connectionId}`. An empty `alertAddress` clears it. */
export const patchConnectionSchema = z
  .strictObject({
    displayName: plainLine(100).min(1).optional(),
    onUncertain: z.enum(['hold', 'resend']).optional(),
    alertAddress: z
      .union([z.literal(''), plainLine(320).regex(/^[^\s@]+@[^\s@]+$/, 'must be a mail address')])
      .optional(),
  })
  .refine((value) => Object.keys(value).length > 0, { message: 'must change something', params: { code: 'empty' } });
export type PatchConnection = z.infer<typeof patchConnectionSchema>;

export async function patchConnection(
  deps: ConnectionsDeps,
  customerId: string,
  connectionId: string,
  patch: PatchConnection,
): Promise<ConnectionResource> {
  await requireConnection(deps, customerId, connectionId);
  const { displayName, onUncertain, alertAddress } = patch;
  const change = {
    ...(displayName !== undefined && { displayName }),
    ...(onUncertain !== undefined && { onUncertain }),
    ...(alertAddress !== undefined && { alertAddress }),
  };
  const changed = await deps.connections.change(customerId, connectionId, (current) =>
    current.status === 'removing' ? undefined : change,
  );
  if (!changed || changed.status === 'removing') throw new AppError('not_found');
  deps.cache.put(changed);
  return describeConnection(deps, changed);
}

/** Holds a connection's mail. Status first, gate second; the check reconciles the two after a crash. */
export async function pauseConnection(
  deps: ConnectionsDeps,
  customerId: string,
  connectionId: string,
  invocation: Invocation,
) {
  const connection = await switchStatus(deps, customerId, connectionId, 'connected', 'paused');
  await moveGate(deps, connection, 'paused', invocation);
  return describeConnection(deps, connection);
}

/** Lets a paused connection's mail go: oldest first, at the lane's pace. */
export async function resumeConnection(
  deps: ConnectionsDeps,
  customerId: string,
  connectionId: string,
  invocation: Invocation,
) {
  const connection = await switchStatus(deps, customerId, connectionId, 'paused', 'connected');
  await moveGate(deps, connection, 'resumed', invocation);
  await leaveTicket(deps.queues, connection);
  return describeConnection(deps, connection);
}

async function switchStatus(
  deps: ConnectionsDeps,
  customerId: string,
  connectionId: string,
  from: ConnectionStatus,
  to: ConnectionStatus,
): Promise<Connection> {
  await requireConnection(deps, customerId, connectionId);
  const connection = await deps.connections.change(customerId, connectionId, (current) =>
    current.status === from ? { status: to, reason: '', paused: to === 'paused' } : undefined,
  );
  if (!connection || connection.status === 'removing') throw new AppError('not_found');
  if (connection.status !== to) {
    throw new AppError('connection_not_working', {
      detail: `The connection is ${connection.status}: repair it first.`,
    });
  }
  return connection;
}

async function moveGate(
  deps: ConnectionsDeps,
  connection: Connection,
  what: 'paused' | 'resumed',
  invocation: Invocation,
): Promise<void> {
  const { customerId, connectionId } = connection;
  const now = deps.clock.now();
  const waiting = await deps.lanes.countWaiting(connectionId);
  const data = { customerId, connectionId, state: connection.status, waiting };
  const event = eventRow(`${what}-${now.getTime()}`, `connection.${what}`, data, now);
  const moved = await deps.lanes.setGate(connectionId, {
    to: (gate) =>
      what === 'paused' ? (gate === 'open' ? 'paused' : undefined) : gate === 'paused' ? 'open' : undefined,
    event,
  });
  // Called again, by whoever heard no answer: then what the first call recorded may be untold.
  if (!moved) return deps.outbox.flush(connectionId);
  invocation.log.event(`connection.${what}`, { customerId, connectionId });
  await deps.outbox.tell(connectionId, event);
}
