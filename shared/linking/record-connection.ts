import { DAY, later } from '../clock.ts';
import type { Connection, ConnectionChange } from '../connections/connection.ts';
import { firstCheckAt } from '../connections/schedule.ts';
import { refreshTokenTags } from '../connections/secret-tags.ts';
import { AppError } from '../errors.ts';
import type { Invocation } from '../log.ts';
import { RowConflict } from '../storage/table.ts';
import type { LinkingDeps } from './deps.ts';
import { failLink } from './end-link.ts';
import type { Link } from './link.ts';

/**
 * The mailbox's connection, made or linked again with the link's refresh token; or as a newer link of the same mailbox
 * left it.
 * @returns the link as it is by now, too
 */
export async function recordConnection(
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
    if (existing && (await isBeingUnlinked(deps, existing))) {
      await goOnUnlinking(deps, existing, invocation);
      if (link.connectionId === existing.connectionId) throw await unlinkedMeanwhile(deps, link, invocation);
      // A mail of its is being sent: its place is free in a moment.
      if (await deps.connections.get(existing.customerId, existing.connectionId))
        throw new AppError('link_in_progress', { retryAfterSeconds: 5 });
      continue;
    }
    if (existing?.linkId === link.linkId) return { connection: existing, link };
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
    if (!(await hasToken(deps, link))) throw await failLink(deps, link, 'interrupted', invocation);
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

/** An unlink shuts the gate for good before its row says so. */
export async function isBeingUnlinked(deps: LinkingDeps, connection: Connection): Promise<boolean> {
  if (connection.status === 'removing') return true;
  return (await deps.lanes.get(connection.connectionId)).lane?.gate === 'removed';
}

/** Whoever began the unlink may have died over it, or be at it; in the end it is over. */
async function goOnUnlinking(deps: LinkingDeps, connection: Connection, invocation: Invocation): Promise<void> {
  await deps.unlink(connection, invocation).catch((error: unknown) => {
    if (!(error instanceof AppError && error.code === 'not_found')) throw error;
  });
}

/** Unlinked while somebody linked it again. The unlink wins; linking once more makes a new connection. */
async function unlinkedMeanwhile(deps: LinkingDeps, link: Link, invocation: Invocation): Promise<AppError> {
  return failLink(deps, link, 'connection_unlinked', invocation);
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
