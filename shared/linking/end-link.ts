import type { LinkErrorCode } from '../errors.ts';
import type { Invocation } from '../log.ts';
import type { LinkingDeps } from './deps.ts';
import type { Link } from './link.ts';

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
  await cleanUp(deps, ended).catch((error: unknown) => {
    invocation.log.failure('link.cleanup_postponed', error, { linkId: link.linkId });
  });
  return ended;
}

/** Deletes what an ended link may have stored. Safe to repeat. */
export async function cleanUp(deps: LinkingDeps, link: Link): Promise<void> {
  await deps.openLinks.release(link.customerId, link.linkId);
  if (link.clientSecretName) await deps.secrets.remove(link.clientSecretName);
  // Drawn at start, stored only while redeeming: what never got there has nothing to delete.
  if (link.confirmationHash) await deps.secrets.remove(link.refreshTokenName);
  await deps.links.update(link, { cleaned: true });
}
