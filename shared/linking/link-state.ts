import { AppError } from '../errors.ts';
import { isOwnId } from '../ids.ts';
import type { Invocation } from '../log.ts';
import type { LinkingDeps } from './deps.ts';
import type { Link } from './link.ts';
import { describeLinkError, type LinkError } from './link-problem.ts';
import { settleLink } from './settle-link.ts';

/** A link as the API shows it. What happens between callback and connection shows as `authorized`. */
export interface LinkResource {
  readonly linkId: string;
  readonly state: 'started' | 'opened' | 'authorized' | 'connected' | 'failed' | 'expired';
  readonly connectionId?: string;
  /** The account that signed in is not the one of `loginHint`; a hint is no demand. */
  readonly mailboxDiffers?: true;
  /** Why it failed. `authorized` with an error: the confirm can be repeated. `connected` with `no_mailbox`: a mail told. */
  readonly error?: LinkError;
}

/** The state of a customer's link. Rolls a redeemed link forward on the way. */
export async function getLink(
  deps: LinkingDeps,
  linkId: string,
  customerId: string,
  invocation: Invocation,
): Promise<LinkResource> {
  const found = isOwnId(linkId, 'lnk') ? await deps.links.get(linkId) : undefined;
  if (!found || found.customerId !== customerId) throw new AppError('not_found');
  const link = await settleLink(deps, found, invocation);
  return linkResource(deps, (await hasNoMailbox(deps, link)) ? { ...link, error: 'no_mailbox' } : link);
}

/** Nobody can know at link time; the first mail through the connection told. */
async function hasNoMailbox(deps: LinkingDeps, link: Link): Promise<boolean> {
  if (link.state !== 'connected') return false;
  return (await deps.connections.get(link.customerId, link.connectionId))?.status === 'no_mailbox';
}

export function linkResource(deps: Pick<LinkingDeps, 'config'>, link: Link): LinkResource {
  const between = link.state === 'redeeming' || link.state === 'redeemed';
  const connected = link.state === 'connected';
  return {
    linkId: link.linkId,
    state: between ? 'authorized' : (link.state as LinkResource['state']),
    ...(connected && { connectionId: link.connectionId }),
    ...(connected && mailboxDiffers(link) && { mailboxDiffers: true }),
    ...(link.error && { error: describeLinkError(deps, link) }),
  };
}

export function mailboxDiffers(link: Link): boolean {
  return (
    link.loginHint !== '' && link.signInName !== '' && link.loginHint.toLowerCase() !== link.signInName.toLowerCase()
  );
}
