import { MINUTE } from '../clock.ts';
import { AppError } from '../errors.ts';
import { isOwnId } from '../ids.ts';
import type { Invocation } from '../log.ts';
import { eventRow } from '../mail/events.ts';
import { leaseRemaining } from '../mail/lane.ts';
import { operations, settleStale } from '../mail/settle.ts';
import { recordKey, WAITING_ROWS, type WaitingMail, waitingOf } from '../mail/waiting.ts';
import { RowConflict } from '../storage/table.ts';
import { QUEUES } from '../storage-names.ts';
import type { Connection } from './connection.ts';
import type { ConnectionsDeps } from './deps.ts';
import { countWaiting } from './read-connections.ts';
import { removeUnusedApplication } from './remove-unused-application.ts';

/** What an unlink answers. */
export interface UnlinkResource {
  readonly connectionId: string;
  /** `removing`: a mail is being sent; the rest follows by itself within minutes. */
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
const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad';

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
  const connection = isOwnId(connectionId, 'con') ? await deps.connections.get(customerId, connectionId) : undefined;
  if (!connection) throw new AppError('not_found');
  const now = deps.clock.now();
  const waiting = await countWaiting(deps, connectionId);
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
  const inFlight = await cancelWaiting(deps, connection);
  if (inFlight) {
    // By then the answer is here or its lease has run out; the hourly scan is the backstop.
    const check = { v: 1, kind: 'connection', customerId, connectionId } as const;
    await deps.queues.send(QUEUES.checks, JSON.stringify(check), deps.config.laneLeaseSeconds + 30);
    return { connectionId, state: 'removing', withdrawConsentAt: consentPage(connection) };
  }
  const tags = { kind: 'refresh-token', customer: customerId, connection: connectionId } as const;
  const recoverable = await deps.secrets.remove(connection.secretName, tags);
  if (connection.previousSecretName) await deps.secrets.remove(connection.previousSecretName, tags);
  if (connection.kind === 'customerOwned') await removeUnusedApplication(deps, customerId, connection.clientId);
  await deps.connections.remove(connection);
  invocation.log.event('connection.removed', { customerId, connectionId });
  return removed(connection, recoverable);
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

/** Cancels what waits. @returns whether a mail is left: it is being sent, and its holder needs its rows for the outcome */
async function cancelWaiting(deps: ConnectionsDeps, connection: Connection): Promise<boolean> {
  const { connectionId } = connection;
  let inFlight = false;
  let after: string | undefined;
  do {
    const page = await deps.mails.query(connectionId, { ...WAITING_ROWS, limit: 100, ...(after && { after }) });
    for (const row of page.rows) {
      const mail = waitingOf(row);
      const settled = mail.claimedBy === 0 || (await settleDead(deps, connection, mail));
      const ended = row.properties['parked'] === true || mail.claimedBy !== 0;
      if (!settled || !(await cancelOne(deps, mail, ended))) inFlight = true;
    }
    after = page.next;
  } while (after !== undefined);
  return inFlight;
}

/**
 * A claim whose lease ran out: nobody takes a removed lane any more, so the stale claim is settled here.
 * @returns false when its holder lives, or touched the mail this very moment
 */
async function settleDead(deps: ConnectionsDeps, connection: Connection, mail: WaitingMail): Promise<boolean> {
  const { lane, readAt } = await deps.lanes.get(connection.connectionId);
  if (lane && leaseRemaining(lane, readAt, deps.config.laneLeaseSeconds * 1000) > 0) return false;
  const hold = { ...connection, onUncertain: 'hold' } as const;
  const options = { connection: hold, acceptedEvents: false, now: deps.clock.now() };
  const settlement = settleStale({ ...mail, onUncertain: 'hold' }, options);
  const settled = await unlessTouched(mail, () =>
    deps.mails.write(mail.connectionId, operations(mail, settlement, { waiting: mail.etag })),
  );
  await deps.outbox.flush(mail.connectionId);
  return settled;
}

/** @returns false when somebody touched the mail since it was read: it has to be looked at again */
async function cancelOne(deps: ConnectionsDeps, mail: WaitingMail, ended: boolean): Promise<boolean> {
  const at = deps.clock.now().toISOString();
  const record = { state: 'cancelled', reason: 'connection_removed', endedAt: at };
  if (!ended) {
    const cancelled = await unlessTouched(mail, () =>
      deps.mails.write(mail.connectionId, [
        { kind: 'merge', rowKey: mail.rowKey, properties: { parked: true }, etag: mail.etag },
        { kind: 'merge', rowKey: recordKey(mail.hash), properties: record },
      ]),
    );
    if (!cancelled) return false;
  }
  if (mail.blob) await deps.blobs.remove(mail.blob.container, mail.blob.name);
  await unlessTouched(mail, () => deps.mails.write(mail.connectionId, [{ kind: 'delete', rowKey: mail.rowKey }]));
  return true;
}

/** @returns false when the waiting row was touched. A record that is gone has nobody who would miss it. */
async function unlessTouched(mail: WaitingMail, action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
    return error.rowKey !== mail.rowKey;
  }
}
