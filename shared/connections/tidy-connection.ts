import { DAY, HOUR } from '../clock.ts';
import { PARKED_DAYS, RECORD_DAYS } from '../mail/limits.ts';
import { WAITING_ROWS, waitingOf } from '../mail/waiting.ts';
import { RowConflict, type StoredRow } from '../storage/table.ts';
import { isRotating } from './application.ts';
import type { Connection } from './connection.ts';
import type { ConnectionsDeps } from './deps.ts';
import { isRetired } from './lifetimes.ts';
import { clientSecretTags, refreshTokenTags } from './secret-tags.ts';

/** By then, whoever drew a name and meant to use it has used it, or is dead: no execution lives for longer. */
const ABANDONED_MS = HOUR;
const PAGE = 200;

/** Deletes what a connection does not need any more: replaced secrets, content of mail that ended, old records. */
export async function tidyConnection(deps: ConnectionsDeps, connection: Connection): Promise<void> {
  await dropRetiredSecret(deps, connection);
  await dropAbandonedSecret(deps, connection);
  if (connection.kind === 'customerOwned') {
    await dropRetiredClientSecret(deps, connection);
    await dropDeadRotation(deps, connection);
  }
  await dropParkedContent(deps, connection.connectionId);
  await dropOldRecords(deps, connection.connectionId);
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
 * A name that was drawn for the next refresh token, by somebody who died before it was used. Condemned first: whoever
 * wakes up late finds the name taken away, and does not move the connection to a secret that is being deleted.
 */
async function dropAbandonedSecret(deps: ConnectionsDeps, connection: Connection): Promise<void> {
  const { customerId, connectionId, nextSecretName, nextSecretAt } = connection;
  const drawnAt = nextSecretAt === '' ? 0 : Date.parse(nextSecretAt);
  if (!nextSecretName || drawnAt + ABANDONED_MS > deps.clock.now().getTime()) return;
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

async function dropParkedContent(deps: ConnectionsDeps, connectionId: string): Promise<void> {
  const before = new Date(deps.clock.now().getTime() - PARKED_DAYS * DAY).toISOString();
  const range = { ...WAITING_ROWS, filter: `parked eq true and parkedAt le '${before}'` };
  for (const row of await deleteRows(deps, connectionId, range)) {
    const { blob } = waitingOf(row);
    if (blob) await deps.blobs.remove(blob.container, blob.name);
  }
}

async function dropOldRecords(deps: ConnectionsDeps, connectionId: string): Promise<void> {
  const before = new Date(deps.clock.now().getTime() - RECORD_DAYS * DAY).toISOString();
  await deleteRows(deps, connectionId, { from: '1|', to: '1~', filter: `endedAt gt '' and endedAt le '${before}'` });
}

/**
 * Deletes the rows that match, each only if nobody touched it since it was read: somebody may retry a mail this very
 * moment. @returns the rows that were deleted
 */
async function deleteRows(
  deps: ConnectionsDeps,
  connectionId: string,
  range: { readonly from: string; readonly to: string; readonly filter: string },
): Promise<readonly StoredRow[]> {
  const deleted: StoredRow[] = [];
  let after: string | undefined;
  do {
    const page = await deps.mails.query(connectionId, { ...range, limit: PAGE, ...(after && { after }) });
    for (const row of page.rows) {
      try {
        await deps.mails.write(connectionId, [{ kind: 'delete', rowKey: row.rowKey, etag: row.etag }]);
        deleted.push(row);
      } catch (error) {
        if (!(error instanceof RowConflict)) throw error;
      }
    }
    after = page.next;
  } while (after !== undefined);
  return deleted;
}
