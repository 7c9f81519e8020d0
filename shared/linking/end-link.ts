import { holdersOf } from '../connections/application.ts';
import { removeUnusedApplication } from '../connections/remove-unused-application.ts';
import { clientSecretTags } from '../connections/secret-tags.ts';
import type { AppError, LinkErrorCode } from '../errors.ts';
import type { Invocation } from '../log.ts';
import type { LinkingDeps } from './deps.ts';
import type { Link } from './link.ts';
import { linkProblem } from './link-problem.ts';

export interface LinkEnd {
  readonly state: 'failed' | 'expired';
  readonly error: LinkErrorCode;
  readonly correlationId?: string;
  readonly traceId?: string;
}

/**
 * Ends a link without a connection and deletes its secrets by the names in its row. The row is written first: when the
 * deletion fails or the process dies, the hourly scan finds the row and deletes.
 * @returns undefined when somebody else advanced the link
 */
export async function endLink(
  deps: LinkingDeps,
  link: Link,
  end: LinkEnd,
  invocation: Invocation,
): Promise<Link | undefined> {
  const ended = await deps.links.update(link, { ...end, stateHash: '', sealed: '' });
  if (!ended) return undefined;
  invocation.log.event(`link.${end.state}`, { linkId: link.linkId, customerId: link.customerId, error: end.error });
  try {
    return await cleanUp(deps, ended);
  } catch (error) {
    invocation.log.failure('link.cleanup_postponed', error, { linkId: link.linkId });
    return ended;
  }
}

/**
 * Ends a link as failed.
 * @returns the error to throw
 */
export async function failLink(
  deps: LinkingDeps,
  link: Link,
  error: LinkErrorCode,
  invocation: Invocation,
  ids: { readonly correlationId?: string; readonly traceId?: string } = {},
): Promise<AppError> {
  const state = error === 'link_expired' ? 'expired' : 'failed';
  await endLink(deps, link, { state, error, ...ids }, invocation);
  return linkProblem(deps, { ...link, error, correlationId: ids.correlationId ?? '', traceId: ids.traceId ?? '' });
}

/** Deletes what an ended link may have stored. Safe to repeat. */
export async function cleanUp(deps: LinkingDeps, link: Link): Promise<Link> {
  await deps.openLinks.release(link.customerId, link.linkId);
  // Somebody is giving the application a new secret: the scan comes again.
  if (link.clientSecretName && !(await dropClientSecret(deps, link))) return link;
  // Drawn at start, stored only while redeeming: what never got there has nothing to delete.
  if (link.confirmationHash)
    await deps.secrets.remove(link.refreshTokenName, { kind: 'refresh-token', customer: link.customerId });
  return (await deps.links.update(link, { cleaned: true })) ?? link;
}

/** Once proven, the secret is the application's, and other connections may live on it. */
async function dropClientSecret(deps: LinkingDeps, link: Link): Promise<boolean> {
  const { customerId, clientId, clientSecretName } = link;
  const application = await deps.applications.get(customerId, clientId);
  const names = [application?.secretName, application?.previousSecretName];
  if (!names.includes(clientSecretName))
    await deps.secrets.remove(clientSecretName, clientSecretTags(customerId, clientId));
  return application ? letGo(deps, link) : true;
}

/**
 * The link needs its application no longer, or has a connection that does. Who was unlinked meanwhile left the
 * application to it.
 * @param connectionId that the link led to, if it did
 * @returns false when the application has to be looked at again
 */
export async function letGo(deps: LinkingDeps, link: Link, connectionId?: string): Promise<boolean> {
  const { customerId, clientId, linkId } = link;
  await deps.applications.put(customerId, clientId, (application) => {
    const holders = application && !application.removingSince ? holdersOf(application) : [];
    if (!holders.includes(linkId)) return undefined;
    return { heldBy: holders.filter((each) => each !== linkId).join(' ') };
  });
  const connection = connectionId && (await deps.connections.get(customerId, connectionId));
  if (connection && connection.status !== 'removing') return true;
  return (await removeUnusedApplication(deps, customerId, clientId)).settled;
}
