import { AppError } from '../errors.ts';
import { isOwnId } from '../ids.ts';
import type { MailDeps } from '../mail/deps.ts';
import type { Connection } from './connection.ts';
import type { ConnectionsDeps } from './deps.ts';
import { type ConnectionResource, connectionResource } from './resource.ts';

/** The customer's connection, current. @throws {AppError} not_found, also for another customer's */
export async function requireConnection(deps: MailDeps, customerId: string, connectionId: string): Promise<Connection> {
  const connection = isOwnId(connectionId, 'con') ? await deps.connections.get(customerId, connectionId) : undefined;
  if (!connection || connection.status === 'removing') throw new AppError('not_found');
  return connection;
}

export async function listConnections(deps: ConnectionsDeps, customerId: string, limit: number, after?: string) {
  const page = await deps.connections.list(customerId, limit, after);
  const shown = page.connections.filter(({ status }) => status !== 'removing');
  const owned = shown.some(({ kind }) => kind === 'customerOwned') ? await deps.applications.list(customerId) : [];
  const applications = new Map(owned.map((application) => [application.clientId, application]));
  const now = deps.clock.now();
  const items = shown.map((each) => connectionResource(each, applications.get(each.clientId), now));
  return { items, ...(page.next && { next: page.next }) };
}

export async function getConnection(
  deps: ConnectionsDeps,
  customerId: string,
  connectionId: string,
): Promise<ConnectionResource> {
  return describeConnection(deps, await requireConnection(deps, customerId, connectionId));
}

/** A connection with its lane. */
export async function describeConnection(deps: ConnectionsDeps, connection: Connection): Promise<ConnectionResource> {
  const { customerId, connectionId, clientId, kind } = connection;
  const application = kind === 'customerOwned' ? await deps.applications.get(customerId, clientId) : undefined;
  const { lane } = await deps.lanes.get(connectionId);
  const now = deps.clock.now();
  const waiting = await deps.lanes.countWaiting(connectionId);
  const pausedUntil = lane && lane.pausedUntil > now.toISOString() ? lane.pausedUntil : undefined;
  const finish = expectedFinish(deps, waiting, lane?.gate === 'open' ? (pausedUntil ?? now.toISOString()) : undefined);
  return connectionResource(connection, application, now, {
    waiting,
    ...(pausedUntil && { pausedUntil }),
    ...(finish && { expectedFinish: finish }),
  });
}

/** When the last waiting mail will have gone at the lane's pace; undefined while the gate is shut or nothing waits. */
function expectedFinish(deps: MailDeps, waiting: number, from: string | undefined): string | undefined {
  if (waiting === 0 || from === undefined || deps.config.mailsPerMinute === 0) return undefined;
  return new Date(Date.parse(from) + (waiting / deps.config.mailsPerMinute) * 60_000).toISOString();
}
