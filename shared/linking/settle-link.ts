import { DAY, later, MINUTE } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Invocation } from '../log.ts';
import { completeLink } from './complete-link.ts';
import type { LinkingDeps } from './deps.ts';
import { cleanUp, endLink } from './end-link.ts';
import { hasEnded, KEEP_DAYS, type Link, REDEEM_MINUTES } from './link.ts';

const EXPIRED = { state: 'expired', error: 'link_expired' } as const;

/**
 * Brings a link to where its time and its row say that it belongs: rolls forward what was redeemed, ends what died or
 * ran out. Called by the state query and by the hourly scan; safe at any time.
 */
export async function settleLink(deps: LinkingDeps, link: Link, invocation: Invocation): Promise<Link> {
  const now = deps.clock.now();
  if (link.state === 'redeemed') return rollForward(deps, link, invocation);
  if (link.state === 'redeeming') {
    if (later(link.changedAt, REDEEM_MINUTES * MINUTE) > now) return link;
    return (await endLink(deps, link, { state: 'failed', error: 'interrupted' }, invocation)) ?? link;
  }
  if (hasEnded(link) || link.expiresAt > now) return link;
  // Microsoft did not answer, and nobody asked again.
  const { error, correlationId, traceId } = link;
  const end = error ? ({ state: 'failed', error, correlationId, traceId } as const) : EXPIRED;
  return (await endLink(deps, link, end, invocation)) ?? link;
}

/** What stands in the way of a roll-forward is in the row: the link ended, or somebody else is at it. */
async function rollForward(deps: LinkingDeps, link: Link, invocation: Invocation): Promise<Link> {
  try {
    return (await completeLink(deps, link, invocation)).link;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return (await deps.links.get(link.linkId)) ?? link;
  }
}

/** The hourly scan found the link due: settles it, deletes secrets that are still there, forgets it after a week. */
export async function tidyLink(deps: LinkingDeps, linkId: string, invocation: Invocation): Promise<void> {
  const found = await deps.links.get(linkId);
  if (!found) return;
  const link = await settleLink(deps, found, invocation);
  if (!hasEnded(link)) return;
  if (link.state !== 'connected' && !link.cleaned) await cleanUp(deps, link);
  else if (later(link.changedAt, KEEP_DAYS * DAY) <= deps.clock.now()) await deps.links.remove(link);
}
