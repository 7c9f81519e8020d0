import { createHash, randomBytes } from 'node:crypto';
import { matchesHash, newToken, sha256 } from '../ids.ts';
import type { Invocation } from '../log.ts';
import type { LinkingDeps } from './deps.ts';
import type { Link } from './link.ts';
import { seal } from './seal.ts';
import { formatLinkToken, newLinkSecret, parseLinkToken } from './token.ts';

/** What the browser that follows a link URL gets. */
export type OpenedLink =
  | { readonly kind: 'redirect'; readonly location: string; readonly cookie: LinkCookie }
  | { readonly kind: 'page'; readonly page: 'link_unknown' | 'link_used' | 'link_expired' };

/** Binds a link to the browser that opened it. */
export interface LinkCookie {
  readonly linkId: string;
  readonly value: string;
}

/** The redirect URI that is registered with Microsoft; its path is fixed by the user's document. */
export function redirectUri(deps: Pick<LinkingDeps, 'config'>): string {
  return `${deps.config.publicBaseUrl}/api/auth/callback/Outlook`;
}

/**
 * Follows a link URL: binds the browser and sends it to Microsoft. The same browser may come again until the callback,
 * with a new state each time; another browser may not.
 * @param cookieOf value of the browser's cookie for a link, if it sent one
 */
export async function openLink(
  deps: LinkingDeps,
  ticket: string,
  cookieOf: (linkId: string) => string | undefined,
  invocation: Invocation,
): Promise<OpenedLink> {
  const token = parseLinkToken(ticket);
  const link = token && (await deps.links.get(token.linkId));
  if (!token || !link || !matchesHash(token.secret, link.ticketHash)) return { kind: 'page', page: 'link_unknown' };
  if (link.state === 'expired') return { kind: 'page', page: 'link_expired' };
  if (link.state !== 'started' && link.state !== 'opened') return { kind: 'page', page: 'link_used' };
  if (link.expiresAt <= deps.clock.now()) return { kind: 'page', page: 'link_expired' };
  const presented = cookieOf(link.linkId);
  const sameBrowser = link.state === 'opened' && presented !== undefined && matchesHash(presented, link.cookieHash);
  if (link.state === 'opened' && !sameBrowser) {
    invocation.log.warning('link.opened_elsewhere', { linkId: link.linkId, customerId: link.customerId });
    return { kind: 'page', page: 'link_used' };
  }
  return bind(deps, link, sameBrowser && presented ? presented : newToken(), invocation);
}

async function bind(deps: LinkingDeps, link: Link, cookie: string, invocation: Invocation): Promise<OpenedLink> {
  const state = newLinkSecret();
  const nonce = newToken();
  const verifier = randomBytes(48).toString('base64url');
  const opened = await deps.links.update(link, {
    state: 'opened',
    cookieHash: sha256(cookie),
    stateHash: sha256(state),
    sealed: seal(JSON.stringify({ verifier, nonce }), state, link.linkId),
  });
  // Two tabs at once: one of them wins, and its browser is the one that goes on.
  if (!opened) return { kind: 'page', page: 'link_used' };
  const location = await deps.identity.authorizeUrl({
    clientId: link.clientId,
    tenant: link.authority,
    redirectUri: redirectUri(deps),
    state: formatLinkToken(link.linkId, state),
    nonce,
    codeChallenge: createHash('sha256').update(verifier).digest('base64url'),
    ...(link.loginHint && { loginHint: link.loginHint }),
  });
  invocation.log.event('link.opened', { linkId: link.linkId, customerId: link.customerId });
  return { kind: 'redirect', location, cookie: { linkId: link.linkId, value: cookie } };
}

/** Name of a link's cookie. The prefix makes browsers refuse it from anywhere but this very host over https. */
export function cookieName(linkId: string, secure: boolean): string {
  return `${secure ? '__Host-' : ''}${linkId}`;
}
