import { DAY, later, MINUTE } from '../clock.ts';
import { AppError } from '../errors.ts';
import { isOwnId } from '../ids.ts';
import type { Invocation } from '../log.ts';
import { cancelAll } from '../mail/cancel-all.ts';
import { eventRow } from '../mail/events.ts';
import { RECORD_DAYS } from '../mail/limits.ts';
import { queueCheck } from './check-message.ts';
import type { Connection } from './connection.ts';
import type { ConnectionsDeps } from './deps.ts';
import { removeUnusedApplication } from './remove-unused-application.ts';
import { refreshTokenTags } from './secret-tags.ts';

/** What an unlink answers. */
export interface UnlinkResource {
  readonly connectionId: string;
  /** `removing`: a mail is being sent, or a secret set; the rest follows by itself within minutes. */
  readonly state: 'removed' | 'removing';
  /** Until when the vault can recover the deleted secrets. */
  readonly secretsRecoverableUntil?: string;
  /** Where the person withdraws the consent that Microsoft keeps. */
  readonly withdrawConsentAt: string;
}

/** Where a person sees and withdraws what applications may do; work accounts and personal ones. */
const CONSENT_PAGES = {
  work: 'https://myapps.microsoft.com',
  personal: 'https://account.live.com/consent/Manage',
} as const;
/** An unlink that is not killed has its row long before. */
const FOLLOW_UP_SECONDS = 60;
const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad';

/**
 * Unlinks a connection that somebody asked for. Killed before its row says so, the unlink is found by its gate within
 * minutes, and need not wait for the connection's day.
 */
export async function unlinkByRequest(
  deps: ConnectionsDeps,
  customerId: string,
  connectionId: string,
  invocation: Invocation,
): Promise<UnlinkResource> {
  if (!isOwnId(connectionId, 'con') || !(await deps.connections.get(customerId, connectionId)))
    throw new AppError('not_found');
  await queueCheck(deps.queues, { kind: 'connection', customerId, connectionId }, FOLLOW_UP_SECONDS);
  return unlinkConnection(deps, customerId, connectionId, invocation);
}

/**
 * Unlinks a connection: gate `removed` → row `removing` → waiting mail cancelled → secrets → rows. Each step can be
 * repeated; whoever finds the row `removing` goes on (a second DELETE, or the check).
 */
export async function unlinkConnection(
  deps: ConnectionsDeps,
  customerId: string,
  connectionId: string,
  invocation: Invocation,
): Promise<UnlinkResource> {
  const connection = await deps.connections.get(customerId, connectionId);
  if (!connection) throw new AppError('not_found');
  const now = deps.clock.now();
  const waiting = await deps.lanes.countWaiting(connectionId);
  const data = { customerId, connectionId, clientId: connection.clientId, waiting };
  await deps.lanes.setGate(connectionId, {
    to: (gate) => (gate === 'removed' ? undefined : 'removed'),
    event: eventRow('removed', 'connection.removed', data, now),
  });
  const nextCheckAt = new Date(now.getTime() + 5 * MINUTE).toISOString();
  const removing = await deps.connections.change(customerId, connectionId, (current) =>
    current.status === 'removing' ? undefined : { status: 'removing', reason: '', nextCheckAt },
  );
  invocation.log.event('connection.removing', { customerId, connectionId });
  return removing ? finishUnlink(deps, removing, invocation) : removed(connection, undefined);
}

/** The rest of an unlink, from the row `removing` on. */
export async function finishUnlink(
  deps: ConnectionsDeps,
  connection: Connection,
  invocation: Invocation,
): Promise<UnlinkResource> {
  const { customerId, connectionId } = connection;
  await deps.outbox.flush(connectionId);
  const inFlight = await cancelAll(deps, connection);
  if (inFlight) return removingStill(deps, connection);
  const tags = refreshTokenTags(customerId, connectionId);
  let recoverable: Date | undefined;
  for (const name of [connection.secretName, connection.previousSecretName, connection.nextSecretName]) {
    const until = name ? await deps.secrets.remove(name, tags) : undefined;
    if (until && (recoverable === undefined || until > recoverable)) recoverable = until;
  }
  if (connection.kind === 'customerOwned') {
    const { settled } = await removeUnusedApplication(deps, customerId, connection.clientId);
    if (!settled) return removingStill(deps, connection);
  }
  const now = deps.clock.now();
  // A day more than the records' time: those that ended a moment ago are over by then, too.
  await deps.connections.remove(connection, now, later(now, (RECORD_DAYS + 1) * DAY), recoverable);
  invocation.log.event('connection.removed', { customerId, connectionId });
  return removed(connection, recoverable);
}

/** By the next look the answer is here, its lease has run out, or the rotation has ended; the hourly scan is the backstop. */
async function removingStill(deps: ConnectionsDeps, connection: Connection): Promise<UnlinkResource> {
  const { customerId, connectionId } = connection;
  await queueCheck(deps.queues, { kind: 'connection', customerId, connectionId }, deps.config.laneLeaseSeconds + 30);
  return { connectionId, state: 'removing', withdrawConsentAt: consentPage(connection) };
}

function removed(connection: Connection, recoverable: Date | undefined): UnlinkResource {
  return {
    connectionId: connection.connectionId,
    state: 'removed',
    ...(recoverable && { secretsRecoverableUntil: recoverable.toISOString() }),
    withdrawConsentAt: consentPage(connection),
  };
}

function consentPage(connection: Connection): string {
  return connection.tenantId === CONSUMERS ? CONSENT_PAGES.personal : CONSENT_PAGES.work;
}
