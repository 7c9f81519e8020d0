import { DAY, MINUTE } from '../clock.ts';
import { PARKED_DAYS, RECORD_DAYS } from '../mail/limits.ts';
import { WAITING_ROWS, waitingOf } from '../mail/waiting.ts';
import { RowConflict } from '../storage/table.ts';
import { isRotating } from './application.ts';
import type { Connection } from './connection.ts';
import type { ConnectionsDeps } from './deps.ts';
import { isRetired } from './lifetimes.ts';
import { clientSecretTags, refreshTokenTags } from './secret-tags.ts';
import { ABANDONED_MS } from './write-back.ts';

/** As many rows as a transaction takes. */
const PAGE = 100;
/**
 * What deleting mail may take of a check. At a hundred records in well under a second that is far more than a lane of 30
 * mails a minute leaves in a day; what is left over is deleted tomorrow.
 */
const BUDGET_MS = MINUTE;

/** Deletes what a connection does not need any more: replaced secrets, content of mail that ended, old records. */
export async function tidyConnection(deps: ConnectionsDeps, connection: Connection): Promise<void> {
  await dropRetiredSecret(deps, connection);
  await dropAbandonedSecret(deps, connection);
  if (connection.kind === 'customerOwned') {
    await dropRetiredClientSecret(deps, connection);
    await dropDeadRotation(deps, connection);
  }
  const started = deps.clock.monotonic();
  const isOver = () => deps.clock.monotonic() - started > BUDGET_MS;
  // In this order: a mail whose content is gone cannot be retried, so nobody needs its record any more.
  await dropParkedContent(deps, connection.connectionId, isOver);
  if (!isOver()) await dropOldRecords(deps, connection.connectionId, isOver);
}

/** Secret first, row second: killed in between, the deletion is repeated and finds nothing. */
async function dropRetiredSecret(deps: ConnectionsDeps, connection: Connection): Promise<void> {
  const { customerId, connectionId, previousSecretName } = connection;
  if (!previousSecretName || !isRetired(connection.previousRetiredAt, deps.clock.now())) return;
  await deps.secrets.remove(previousSecretName, refreshTokenTags(customerId, connectionId));
  await deps.connections.change(customerId, connectionId, (current) =>
    current.previousSecretName === previousSecretName ? { previousSecretName: '', previousRetiredAt: '' } : undefined,
  );
}

/**
 * A name that was drawn for the next refresh token, by somebody who died before it was used. It may hold the only token
 * that is good, until another one was proven since. Condemned first: whoever wakes up late finds the name taken away, and
 * does not move the connection to a secret that is being deleted.
 */
async function dropAbandonedSecret(deps: ConnectionsDeps, connection: Connection): Promise<void> {
  const { customerId, connectionId, nextSecretName, nextSecretAt } = connection;
  const drawnAt = nextSecretAt === '' ? 0 : Date.parse(nextSecretAt);
  if (!nextSecretName || drawnAt + ABANDONED_MS > deps.clock.now().getTime()) return;
  if (!(Date.parse(connection.lastProvenAt) > drawnAt)) return;
  const same = (current: Connection) => current.nextSecretName === nextSecretName;
  const condemned = await deps.connections.change(customerId, connectionId, (current) =>
    same(current) ? { nextSecretAt: '' } : undefined,
  );
  if (!condemned || !same(condemned)) return;
  await deps.secrets.remove(nextSecretName, refreshTokenTags(customerId, connectionId));
  await deps.connections.change(customerId, connectionId, (current) =>
    same(current) ? { nextSecretName: '' } : undefined,
  );
}

async function dropRetiredClientSecret(deps: ConnectionsDeps, { customerId, clientId }: Connection): Promise<void> {
  const application = await deps.applications.get(customerId, clientId);
  if (!application?.previousSecretName || !isRetired(application.previousRetiredAt, deps.clock.now())) return;
  await deps.secrets.remove(application.previousSecretName, clientSecretTags(customerId, clientId));
  await deps.applications.put(customerId, clientId, (current) =>
    current?.previousSecretName === application.previousSecretName
      ? { previousSecretName: '', previousRetiredAt: '' }
      : undefined,
  );
}

/** A rotation died between naming its secret and taking it over. */
async function dropDeadRotation(deps: ConnectionsDeps, { customerId, clientId }: Connection): Promise<void> {
  const application = await deps.applications.get(customerId, clientId);
  if (!application?.pendingSecretName || isRotating(application, deps.clock.now())) return;
  const { pendingSecretName } = application;
  await deps.secrets.remove(pendingSecretName, clientSecretTags(customerId, clientId));
  await deps.applications.put(customerId, clientId, (current) =>
    current?.pendingSecretName === pendingSecretName ? { pendingSecretName: '', pendingSince: '' } : undefined,
  );
}

/** One by one, each only if nobody touched it since it was read: somebody may retry the mail this very moment. */
async function dropParkedContent(deps: ConnectionsDeps, connectionId: string, isOver: () => boolean): Promise<void> {
  const before = new Date(deps.clock.now().getTime() - PARKED_DAYS * DAY).toISOString();
  const filter = `parked eq true and parkedAt le '${before}'`;
  let after: string | undefined;
  do {
    const page = await deps.mails.query(connectionId, {
      ...WAITING_ROWS,
      filter,
      limit: PAGE,
      ...(after && { after }),
    });
    for (const { rowKey, etag, ...row } of page.rows) {
      if (isOver()) return;
      const { blob } = waitingOf({ rowKey, etag, ...row });
      if (!(await unlessTouched(() => deps.mails.write(connectionId, [{ kind: 'delete', rowKey, etag }])))) continue;
      if (blob) await deps.blobs.remove(blob.container, blob.name);
    }
    after = page.next;
  } while (after !== undefined);
}

async function dropOldRecords(deps: ConnectionsDeps, connectionId: string, isOver: () => boolean): Promise<void> {
  const before = new Date(deps.clock.now().getTime() - RECORD_DAYS * DAY).toISOString();
  const range = {
    from: '1|',
    to: '1~',
    filter: `endedAt gt '' and endedAt le '${before}'`,
    limit: PAGE,
    select: ['v'],
  };
  let after: string | undefined;
  do {
    const page = await deps.mails.query(connectionId, { ...range, ...(after && { after }) });
    const deletes = page.rows.map(({ rowKey }) => ({ kind: 'delete', rowKey }) as const);
    // Of two checks at once, one finds a row gone: the rest goes tomorrow.
    if (deletes.length > 0 && !(await unlessTouched(() => deps.mails.write(connectionId, deletes)))) return;
    after = page.next;
  } while (after !== undefined && !isOver());
}

/** @returns whether the write was made */
async function unlessTouched(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
    return false;
  }
}
