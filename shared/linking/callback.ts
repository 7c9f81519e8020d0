import { later, MINUTE } from '../clock.ts';
import type { LinkErrorCode } from '../errors.ts';
import { matchesHash, sha256 } from '../ids.ts';
import type { Invocation } from '../log.ts';
import type { LinkingDeps } from './deps.ts';
import { endLink } from './end-link.ts';
import { CONFIRM_MINUTES, type Link } from './link.ts';
import { aadstsNumber, linkErrorOf } from './microsoft-errors.ts';
import { seal, unseal } from './seal.ts';
import { formatLinkToken, newLinkSecret, parseLinkToken } from './token.ts';

export type CallbackResult =
  /** Back to Hire2Retire. `search` holds linkId and confirmation, or linkId and error. */
  | { readonly kind: 'redirect'; readonly location: string; readonly linkId: string }
  | { readonly kind: 'page'; readonly page: CallbackPage };

type CallbackPage = 'bad_request' | 'admin_approved' | 'admin_declined' | 'link_unknown' | 'link_expired';

/** What is parked until somebody confirms that the same session came back. */
export interface ParkedCode {
  readonly code: string;
  readonly verifier: string;
  readonly nonce: string;
}

/**
 * Microsoft sends the browser back. One check per line, in this order; nothing of the query is shown or logged.
 * Only the last step writes: it consumes the state, parks the code and draws the confirmation in one update.
 */
export async function acceptCallback(
  deps: LinkingDeps,
  query: URLSearchParams,
  cookieOf: (linkId: string) => string | undefined,
  invocation: Invocation,
): Promise<CallbackResult> {
  if (hasRepeated(query)) return page('bad_request');
  if (isAdminConsent(query)) return page(isApproval(query) ? 'admin_approved' : 'admin_declined');
  const token = parseLinkToken(query.get('state') ?? '');
  const link = token && (await deps.links.get(token.linkId));
  if (link?.state === 'expired') return page('link_expired');
  if (!token || !link || link.state !== 'opened' || !matchesHash(token.secret, link.stateHash))
    return page('link_unknown');
  const cookie = cookieOf(link.linkId);
  if (cookie === undefined || !matchesHash(cookie, link.cookieHash)) {
    invocation.log.warning('link.callback_elsewhere', { linkId: link.linkId, customerId: link.customerId });
    return page('link_unknown');
  }
  if (link.expiresAt <= deps.clock.now()) return page('link_expired');
  const returnUrl = deps.config.returnUrls.get(link.returnTo);
  // The entry was removed from the settings while the person was signing in.
  if (returnUrl === undefined) return page('bad_request');
  if (query.has('error')) return refuse(deps, link, query, returnUrl, invocation);
  const code = query.get('code') ?? '';
  const opened = unseal(link.sealed, token.secret, link.linkId);
  if (code === '' || code.length > 4096 || opened === undefined) return page('bad_request');
  return park(
    deps,
    link,
    { ...(JSON.parse(opened) as { verifier: string; nonce: string }), code },
    returnUrl,
    invocation,
  );
}

function page(name: CallbackPage): CallbackResult {
  return { kind: 'page', page: name };
}

/** Answers to our own requests carry a state, and the administrators' addresses that we hand out have none. */
function isAdminConsent(query: URLSearchParams): boolean {
  return !query.has('code') && (query.has('admin_consent') || (query.has('error') && !query.has('state')));
}

/** `admin_consent=True` says which question was asked, not what was answered: a refusal has it too, beside an `error`. */
function isApproval(query: URLSearchParams): boolean {
  return !query.has('error') && query.get('admin_consent')?.toLowerCase() === 'true';
}

function hasRepeated(query: URLSearchParams): boolean {
  const names = [...query.keys()];
  return new Set(names).size !== names.length;
}

async function park(
  deps: LinkingDeps,
  link: Link,
  parked: ParkedCode,
  returnUrl: string,
  invocation: Invocation,
): Promise<CallbackResult> {
  const confirmation = newLinkSecret();
  const authorized = await deps.links.update(link, {
    state: 'authorized',
    stateHash: '',
    confirmationHash: sha256(confirmation),
    sealed: seal(JSON.stringify(parked), confirmation, link.linkId),
    expiresAt: later(deps.clock.now(), CONFIRM_MINUTES * MINUTE),
  });
  if (!authorized) return page('link_unknown');
  invocation.log.event('link.authorized', { linkId: link.linkId, customerId: link.customerId });
  return back(returnUrl, { linkId: link.linkId, confirmation: formatLinkToken(link.linkId, confirmation) });
}

async function refuse(
  deps: LinkingDeps,
  link: Link,
  query: URLSearchParams,
  returnUrl: string,
  invocation: Invocation,
): Promise<CallbackResult> {
  const description = query.get('error_description') ?? undefined;
  const number = aadstsNumber(description);
  const said = query.get('error') ?? '';
  const error: LinkErrorCode = linkErrorOf({ error: said, ...(number !== undefined && { number }) });
  invocation.log.event('link.authorize_refused', {
    linkId: link.linkId,
    // Anybody can write into this query: only what has the shape of an OAuth error is logged.
    error: /^[a-z_]{1,40}$/.test(said) ? said : 'unreadable',
    aadsts: number,
  });
  const correlationId = traced(description, 'Correlation ID');
  const traceId = traced(description, 'Trace ID');
  const failed = await endLink(deps, link, { state: 'failed', error, correlationId, traceId }, invocation);
  if (!failed) return page('link_unknown');
  return back(returnUrl, { linkId: link.linkId, error });
}

/** An id that Microsoft puts into the description, or '' when there is none of its shape. */
function traced(description: string | undefined, label: string): string {
  const match = new RegExp(`${label}: ([0-9a-f-]{36})`, 'i').exec(description ?? '');
  return match?.[1] ?? '';
}

function back(returnUrl: string, query: { linkId: string; confirmation?: string; error?: string }): CallbackResult {
  return { kind: 'redirect', location: `${returnUrl}?${new URLSearchParams(query)}`, linkId: query.linkId };
}
