import { DAY, later } from '../clock.ts';
import { type Application, type ApplicationChange, ASSUMED_SECRET_DAYS } from '../connections/application.ts';
import type { Connection, ConnectionChange } from '../connections/connection.ts';
import { firstCheckAt } from '../connections/schedule.ts';
import { clientSecretTags, refreshTokenTags } from '../connections/secret-tags.ts';
import type { AppError } from '../errors.ts';
import type { Invocation } from '../log.ts';
import { eventRow } from '../mail/events.ts';
import type { Gate } from '../mail/lane.ts';
import { leaveTicket } from '../mail/tickets.ts';
import { RowConflict } from '../storage/table.ts';
import type { LinkingDeps } from './deps.ts';
import { endLink } from './end-link.ts';
import type { Link } from './link.ts';
import { linkProblem } from './link-problem.ts';

/**
 * Rolls a redeemed link forward to `connected`. Needs nothing but its row, and each step may be repeated:
 * application row → index looked up → lane → connection row with its index row → gate and event → `connected`.
 */
export async function completeLink(
  deps: LinkingDeps,
  redeemed: Link,
  invocation: Invocation,
): Promise<{ readonly connection: Connection; readonly link: Link }> {
  if (await deps.connections.isCustomerLeaving(redeemed.customerId))
    throw await unlinkedMeanwhile(deps, redeemed, invocation);
  if (redeemed.kind === 'customerOwned') await recordApplication(deps, redeemed, invocation);
  const { connection, link } = await recordConnection(deps, redeemed, invocation);
  await openGate(deps, link, connection);
  const finished = await deps.links.update(link, { state: 'connected', connectionId: connection.connectionId });
  await deps.openLinks.release(link.customerId, link.linkId).catch(() => {});
  const { linkId, customerId, kind } = link;
  invocation.log.event('link.connected', { linkId, customerId, connectionId: connection.connectionId, kind });
  return { connection, link: finished ?? link };
}

/**
 * The secret that was proven a moment ago becomes the application's; the one before stays as fallback for a day. What a
 * row is about to forget is deleted first, and only then is that very row written.
 */
async function recordApplication(deps: LinkingDeps, link: Link, invocation: Invocation): Promise<void> {
  const now = deps.clock.now();
  const tags = clientSecretTags(link.customerId, link.clientId);
  const decide = async (application: Application | undefined): Promise<ApplicationChange | undefined> => {
    const name = link.clientSecretName;
    if (application?.secretName === name || application?.previousSecretName === name) return undefined;
    if (application && application.secretSetAt > link.changedAt.toISOString()) {
      // Rolled forward late: a newer secret was proven meanwhile.
      await deps.secrets.remove(name, tags);
      return undefined;
    }
    // Rolled forward late: the last connection of the application was unlinked, and took the secret along.
    if (!application && (await deps.secrets.get(name, tags)) === undefined)
      throw await unlinkedMeanwhile(deps, link, invocation);
    if (application?.previousSecretName) await deps.secrets.remove(application.previousSecretName, tags);
    return {
      tenantId: link.tenantId,
      vault: new URL(deps.config.keyVaultUrl).host,
      secretName: link.clientSecretName,
      previousSecretName: application?.secretName ?? '',
      previousRetiredAt: application ? now.toISOString() : '',
      secretSetAt: now.toISOString(),
      secretExpiresOn:
        link.clientSecretExpiresOn ||
        later(now, ASSUMED_SECRET_DAYS * DAY)
          .toISOString()
          .slice(0, 10),
      secretExpiryAssumed: link.clientSecretExpiresOn === '',
      broken: false,
      brokenReason: '',
    };
  };
  await deps.applicationHealth.follow(link.customerId, link.clientId, () =>
    deps.applications.put(link.customerId, link.clientId, decide),
  );
}

async function recordConnection(
  deps: LinkingDeps,
  link: Link,
  invocation: Invocation,
): Promise<{ connection: Connection; link: Link }> {
  for (;;) {
    const existing = link.relinkOf
      ? await deps.connections.get(link.customerId, link.relinkOf)
      : await deps.connections.findByMailbox(link.customerId, link);
    if (existing ? existing.status === 'removing' : link.relinkOf !== '')
      throw await unlinkedMeanwhile(deps, link, invocation);
    if (existing?.linkId === link.linkId) return { connection: existing, link };
    if (existing && isNewer(existing, link)) {
      const tags = { kind: 'refresh-token', customer: link.customerId } as const;
      if (existing.previousSecretName !== link.refreshTokenName) await deps.secrets.remove(link.refreshTokenName, tags);
      return { connection: existing, link };
    }
    if (existing) {
      const owned = await retag(deps, link, existing.connectionId);
      const { customerId, connectionId, previousSecretName } = existing;
      if (previousSecretName) await deps.secrets.remove(previousSecretName, refreshTokenTags(customerId, connectionId));
      const updated = await deps.connections.update(existing, relinked(deps, owned, existing));
      if (updated) return { connection: updated, link: owned };
      continue;
    }
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

/** Unlinked while somebody linked it again. The unlink wins; linking once more makes a new connection. */
async function unlinkedMeanwhile(deps: LinkingDeps, link: Link, invocation: Invocation): Promise<AppError> {
  await endLink(deps, link, { state: 'failed', error: 'interrupted' }, invocation);
  return linkProblem(deps, { ...link, error: 'interrupted' });
}

/** Rolled forward late: the mailbox was linked once more since this link was redeemed, and keeps its newer token. */
function isNewer(existing: Connection, link: Link): boolean {
  return existing.previousSecretName === link.refreshTokenName || existing.linkedAt > link.changedAt.toISOString();
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
  return (await deps.links.update(link, { connectionId })) ?? { ...link, connectionId };
}

function credentials(deps: LinkingDeps, link: Link) {
  const now = deps.clock.now().toISOString();
  return {
    vault: new URL(deps.config.keyVaultUrl).host,
    secretName: link.refreshTokenName,
    secretVersions: 1,
    refreshTokenStoredAt: now,
    linkedAt: now,
    lastProvenAt: now,
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
