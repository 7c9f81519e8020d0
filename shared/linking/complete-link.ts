import { DAY, later } from '../clock.ts';
import {
  type Application,
  type ApplicationChange,
  ASSUMED_SECRET_DAYS,
  holdersOf,
} from '../connections/application.ts';
import { queueCheck } from '../connections/check-message.ts';
import type { Connection, ConnectionChange } from '../connections/connection.ts';
import { finishRemoval } from '../connections/remove-unused-application.ts';
import { firstCheckAt } from '../connections/schedule.ts';
import { clientSecretTags, refreshTokenTags } from '../connections/secret-tags.ts';
import { AppError, type LinkErrorCode } from '../errors.ts';
import type { Invocation } from '../log.ts';
import { eventRow } from '../mail/events.ts';
import type { Gate } from '../mail/lane.ts';
import { leaveTicket } from '../mail/tickets.ts';
import { RowConflict } from '../storage/table.ts';
import type { LinkingDeps } from './deps.ts';
import { endLink, letGo } from './end-link.ts';
import type { Link } from './link.ts';
import { linkProblem } from './link-problem.ts';

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
    throw await failed(deps, redeemed, 'interrupted', invocation);
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

/**
 * The secret that was proven a moment ago becomes the application's; the one before stays as fallback for a day. What a
 * row is about to forget is deleted first, and only then is that very row written. With it the link holds the row: until
 * it lets go, nobody takes the application for unused.
 */
async function recordApplication(deps: LinkingDeps, link: Link, invocation: Invocation): Promise<void> {
  const now = deps.clock.now();
  const tags = clientSecretTags(link.customerId, link.clientId);
  const decide = async (application: Application | undefined): Promise<ApplicationChange | 'again' | undefined> => {
    const name = link.clientSecretName;
    if (application?.removingSince) {
      // The last connection was unlinked a moment ago. Its application goes, and this link makes it anew.
      await finishRemoval(deps, application);
      return 'again';
    }
    const holders = application ? holdersOf(application) : [];
    const held = holders.includes(link.linkId) ? undefined : { heldBy: [...holders, link.linkId].join(' ') };
    if (application?.secretName === name || application?.previousSecretName === name) return held;
    if (application && application.secretSetAt > link.redeemedAt) {
      // Rolled forward late: a newer secret was proven meanwhile.
      await deps.secrets.remove(name, tags);
      return held;
    }
    if ((await deps.secrets.get(name, tags)) === undefined) {
      // Rolled forward late: two newer ones pushed it out, or the last connection was unlinked and took it along.
      if (application) return held;
      throw await failed(deps, link, 'interrupted', invocation);
    }
    if (application?.previousSecretName) await deps.secrets.remove(application.previousSecretName, tags);
    return {
      tenantId: link.tenantId,
      vault: new URL(deps.config.keyVaultUrl).host,
      secretName: link.clientSecretName,
      previousSecretName: application?.secretName ?? '',
      previousRetiredAt: application ? now.toISOString() : '',
      secretSetAt: link.redeemedAt,
      secretExpiresOn:
        link.clientSecretExpiresOn ||
        later(now, ASSUMED_SECRET_DAYS * DAY)
          .toISOString()
          .slice(0, 10),
      secretExpiryAssumed: link.clientSecretExpiresOn === '',
      broken: false,
      brokenReason: '',
      ...held,
    };
  };
  await deps.applicationHealth.follow(link.customerId, link.clientId, () =>
    deps.applications.put(link.customerId, link.clientId, decide),
  );
}

async function recordConnection(
  deps: LinkingDeps,
  redeemed: Link,
  invocation: Invocation,
): Promise<{ connection: Connection; link: Link }> {
  let link = redeemed;
  for (;;) {
    const existing = link.relinkOf
      ? await deps.connections.get(link.customerId, link.relinkOf)
      : await deps.connections.findByMailbox(link.customerId, link);
    if (!existing && link.relinkOf !== '') throw await unlinkedMeanwhile(deps, link, invocation);
    if (existing?.status === 'removing') {
      if (link.connectionId === existing.connectionId) throw await unlinkedMeanwhile(deps, link, invocation);
      // Linked anew while the connection before is still being unlinked: its place is free in a moment.
      throw new AppError('link_in_progress', { retryAfterSeconds: 5 });
    }
    if (existing?.linkId === link.linkId) return { connection: existing, link };
    if (existing && (await isUnlinked(deps, existing))) {
      if (link.relinkOf !== '') throw await unlinkedMeanwhile(deps, link, invocation);
      // Its row does not say so yet, and is about to: whoever unlinked died, or is at work.
      await queueCheck(deps.queues, { kind: 'connection', ...ownerOf(existing) });
      throw new AppError('link_in_progress', { retryAfterSeconds: 5 });
    }
    if (existing) await dropDrawnLane(deps, link, existing);
    if (existing && isNewer(existing, link)) {
      const tags = { kind: 'refresh-token', customer: link.customerId } as const;
      if (existing.previousSecretName !== link.refreshTokenName) await deps.secrets.remove(link.refreshTokenName, tags);
      return { connection: existing, link };
    }
    if (existing) {
      link = await retag(deps, link, existing.connectionId);
      // Two newer links pushed its token out: theirs is in use.
      if (!(await hasToken(deps, link))) return { connection: existing, link };
      const { customerId, connectionId, previousSecretName } = existing;
      if (previousSecretName) await deps.secrets.remove(previousSecretName, refreshTokenTags(customerId, connectionId));
      const updated = await deps.connections.update(existing, relinked(deps, link, existing));
      if (updated) return { connection: updated, link };
      continue;
    }
    if (!(await hasToken(deps, link))) throw await failed(deps, link, 'interrupted', invocation);
    await deps.lanes.ensure(link.connectionId, link.customerId, 1);
    const { lane } = await deps.lanes.get(link.connectionId);
    if (lane?.gate === 'removed') throw await unlinkedMeanwhile(deps, link, invocation);
    try {
      await deps.connections.insert(created(deps, link));
    } catch (error) {
      // Linked twice at once: look again, and find the connection that the other one made.
      if (!(error instanceof RowConflict)) throw error;
    }
  }
}

/** An unlink shuts the gate for good before it writes the row. */
async function isUnlinked(deps: LinkingDeps, { connectionId }: Connection): Promise<boolean> {
  return (await deps.lanes.get(connectionId)).lane?.gate === 'removed';
}

function ownerOf({ customerId, connectionId }: Connection) {
  return { customerId, connectionId };
}

/** Unlinked while somebody linked it again. The unlink wins; linking once more makes a new connection. */
async function unlinkedMeanwhile(deps: LinkingDeps, link: Link, invocation: Invocation): Promise<AppError> {
  return failed(deps, link, 'connection_unlinked', invocation);
}

async function failed(deps: LinkingDeps, link: Link, error: LinkErrorCode, invocation: Invocation): Promise<AppError> {
  await endLink(deps, link, { state: 'failed', error }, invocation);
  return linkProblem(deps, { ...link, error });
}

/** The mailbox was linked once more since this link was redeemed, and keeps its newer token. */
function isNewer(existing: Connection, link: Link): boolean {
  return existing.previousSecretName === link.refreshTokenName || existing.linkedAt > link.redeemedAt;
}

/** Another link made the connection first: nobody will ever use the lane that was made for the id drawn at start. */
async function dropDrawnLane(deps: LinkingDeps, { connectionId }: Link, existing: Connection): Promise<void> {
  if (connectionId === existing.connectionId) return;
  const { lane } = await deps.lanes.get(connectionId);
  if (lane && lane.gate !== 'removed') await deps.lanes.remove(connectionId);
}

/** A row names only a secret that is there, for the connection that it is of. */
async function hasToken(deps: LinkingDeps, link: Link): Promise<boolean> {
  const tags = refreshTokenTags(link.customerId, link.connectionId);
  return (await deps.secrets.get(link.refreshTokenName, tags)) !== undefined;
}

/** A refresh token is used only if its tag names the connection; two links of one mailbox at once may need a new tag. */
async function retag(deps: LinkingDeps, link: Link, connectionId: string): Promise<Link> {
  if (link.connectionId === connectionId) return link;
  const tags = { kind: 'refresh-token', customer: link.customerId } as const;
  const value = await deps.secrets.get(link.refreshTokenName, { ...tags, connection: link.connectionId });
  if (value !== undefined) {
    const expiresOn = later(deps.clock.now(), 90 * DAY);
    await deps.secrets.set(link.refreshTokenName, value, { ...tags, connection: connectionId }, expiresOn);
  }
  // Whoever wrote the row meanwhile rolls the link forward, too: the last step reads it again.
  return (await deps.links.update(link, { connectionId })) ?? { ...link, connectionId };
}

function credentials(deps: LinkingDeps, link: Link) {
  return {
    vault: new URL(deps.config.keyVaultUrl).host,
    secretName: link.refreshTokenName,
    secretVersions: 1,
    refreshTokenStoredAt: link.redeemedAt,
    linkedAt: link.redeemedAt,
    lastProvenAt: link.redeemedAt,
    signInName: link.signInName,
    linkId: link.linkId,
    reason: '',
  };
}

function relinked(deps: LinkingDeps, link: Link, existing: Connection): ConnectionChange {
  return {
    ...credentials(deps, link),
    status: existing.paused ? 'paused' : 'connected',
    previousSecretName: existing.secretName,
    previousRetiredAt: deps.clock.now().toISOString(),
    credentialVersion: existing.credentialVersion + 1,
    ...(link.displayName && { displayName: link.displayName }),
  };
}

function created(deps: LinkingDeps, link: Link): Omit<Connection, 'etag'> {
  return {
    customerId: link.customerId,
    connectionId: link.connectionId,
    displayName: link.displayName || link.signInName,
    status: 'connected',
    paused: false,
    tenantId: link.tenantId,
    objectId: link.objectId,
    kind: link.kind,
    clientId: link.clientId,
    previousSecretName: '',
    previousRetiredAt: '',
    nextSecretName: '',
    nextSecretAt: '',
    credentialVersion: 1,
    onUncertain: 'hold',
    alertAddress: '',
    nextCheckAt: firstCheckAt(link.connectionId, deps.clock.now()).toISOString(),
    checkSlot: '',
    troubleAt: '',
    wakeAt: '',
    ...credentials(deps, link),
  };
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
