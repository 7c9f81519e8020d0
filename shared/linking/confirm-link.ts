import { later, MINUTE } from '../clock.ts';
import type { Connection } from '../connections/connection.ts';
import { AppError, type LinkErrorCode } from '../errors.ts';
import { isOwnId, matchesHash } from '../ids.ts';
import type { Invocation } from '../log.ts';
import { type ApplicationCredential, MicrosoftError, type SignIn } from '../microsoft/identity-platform.ts';
import type { ParkedCode } from './callback.ts';
import { completeLink } from './complete-link.ts';
import type { LinkingDeps } from './deps.ts';
import { endLink, failLink } from './end-link.ts';
import { judgeSignIn } from './judge-sign-in.ts';
import { hasEnded, type Link, REDEEM_MINUTES } from './link.ts';
import { linkProblem } from './link-problem.ts';
import { linkErrorOf } from './microsoft-errors.ts';
import { redirectUri } from './open-link.ts';
import { isBeingUnlinked } from './record-connection.ts';
import type { ConfirmLinkRequest } from './requests.ts';
import { unseal } from './seal.ts';
import { parseLinkToken } from './token.ts';

/** How long a refresh token lives without being used, in days. */
const REFRESH_TOKEN_DAYS = 90;

export interface ConfirmedLink {
  readonly connection: Connection;
  readonly link: Link;
  /** Whether this call made the connection; a repeated confirm finds it made. */
  readonly created: boolean;
}

/**
 * "The same session came back": redeems the parked code and makes the connection.
 *
 * authorized → redeeming → (token endpoint) → secret → redeemed → connection … → connected
 *
 * Killed before `redeemed`, the authorization is lost and the scan deletes the secret by the row; from `redeemed` on
 * anybody can roll forward without Microsoft.
 * @throws {AppError} a link's error with status 409 or 503, link_in_progress, link_not_authorized, not_found
 */
export async function confirmLink(
  deps: LinkingDeps,
  linkId: string,
  request: ConfirmLinkRequest,
  invocation: Invocation,
): Promise<ConfirmedLink> {
  const link = isOwnId(linkId, 'lnk') ? await deps.links.get(linkId) : undefined;
  if (!link) throw new AppError('not_found');
  const confirmation = parseLinkToken(request.confirmation);
  const known = confirmation?.linkId === linkId && matchesHash(confirmation.secret, link.confirmationHash);
  if (!known) {
    if (link.customerId !== request.customerId) throw new AppError('not_found');
    if (link.error && hasEnded(link)) throw linkProblem(deps, link);
    throw new AppError('link_not_authorized');
  }
  if (link.customerId !== request.customerId || !matchesHash(request.startedBy, link.startedByHash)) {
    throw await refuseSession(deps, link, invocation);
  }
  switch (link.state) {
    case 'authorized':
      return redeem(deps, link, confirmation.secret, invocation);
    case 'redeeming':
      if (later(link.changedAt, REDEEM_MINUTES * MINUTE) > deps.clock.now())
        throw new AppError('link_in_progress', { retryAfterSeconds: 5 });
      throw await failLink(deps, link, 'interrupted', invocation);
    case 'redeemed':
      return { ...(await completeLink(deps, link, invocation)), created: false };
    case 'connected':
      return connected(deps, link);
    default:
      throw linkProblem(deps, link);
  }
}

/** The right confirmation in the wrong hands: somebody was lured. The authorization is destroyed. */
async function refuseSession(deps: LinkingDeps, link: Link, invocation: Invocation): Promise<AppError> {
  invocation.log.warning('security.link_wrong_session', { linkId: link.linkId, customerId: link.customerId });
  if (link.state === 'authorized')
    await endLink(deps, link, { state: 'failed', error: 'link_wrong_session' }, invocation);
  return linkProblem(deps, { ...link, error: 'link_wrong_session' });
}

async function connected(deps: LinkingDeps, link: Link): Promise<ConfirmedLink> {
  const connection = await deps.connections.get(link.customerId, link.connectionId);
  if (!connection || connection.status === 'removing') throw new AppError('connection_removed');
  return { connection, link, created: false };
}

async function redeem(
  deps: LinkingDeps,
  authorized: Link,
  confirmation: string,
  invocation: Invocation,
): Promise<ConfirmedLink> {
  if (authorized.expiresAt <= deps.clock.now()) {
    const { error, correlationId, traceId } = authorized;
    throw await failLink(deps, authorized, error || 'link_expired', invocation, { correlationId, traceId });
  }
  // Before the code is taken: when vault or identity do not answer, nothing is lost and the confirm can be repeated.
  const credential = await credentialOf(deps, authorized);
  if (credential) await deps.identity.ready(credential);
  const plain = unseal(authorized.sealed, confirmation, authorized.linkId);
  const link = await deps.links.update(authorized, {
    state: 'redeeming',
    sealed: '',
    error: '',
    correlationId: '',
    traceId: '',
  });
  if (!link) throw new AppError('link_in_progress', { retryAfterSeconds: 5 });
  if (plain === undefined) throw await failLink(deps, link, 'interrupted', invocation);
  if (!credential)
    throw await failLink(deps, link, link.kind === 'customerOwned' ? 'interrupted' : 'secret_wrong', invocation);
  const signIn = await exchange(deps, { authorized, link }, credential, JSON.parse(plain) as ParkedCode, invocation);
  const refused = judgeSignIn(link, signIn, deps.config.cloud);
  if (refused) {
    invocation.log.warning('link.sign_in_refused', { linkId: link.linkId, check: refused.check });
    throw await failLink(deps, link, refused.error, invocation);
  }
  warnAboutScopes(deps, link, signIn, invocation);
  const redeemed = await keepToken(deps, link, signIn, invocation);
  return { ...(await completeLink(deps, redeemed, invocation)), created: true };
}

async function credentialOf(deps: LinkingDeps, link: Link, fresh = false): Promise<ApplicationCredential | undefined> {
  return link.kind === 'serviceProvider'
    ? deps.credentials.serviceProvider(fresh)
    : deps.credentials.customerOwned(link.customerId, link.clientId, link.clientSecretName, fresh);
}

async function exchange(
  deps: LinkingDeps,
  { authorized, link }: { readonly authorized: Link; readonly link: Link },
  credential: ApplicationCredential,
  parked: ParkedCode,
  invocation: Invocation,
): Promise<SignIn> {
  const request = { tenant: link.authority, redirectUri: redirectUri(deps), ...parked };
  try {
    return await deps.identity.redeem({ ...request, credential }).catch(async (error: unknown) => {
      const rotated = await rotatedCredential(deps, link, credential, error);
      if (!rotated) throw error;
      return deps.identity.redeem({ ...request, credential: rotated });
    });
  } catch (error) {
    if (!(error instanceof MicrosoftError)) throw error;
    const { correlationId, traceId, number } = error.facts;
    invocation.log.event('link.token_refused', { linkId: link.linkId, error: error.facts.error, aadsts: number });
    const ids = { ...(correlationId && { correlationId }), ...(traceId && { traceId }) };
    const code = refusalOf(credential, linkErrorOf(error.facts));
    if (code === 'microsoft_unavailable')
      throw await postpone(deps, { authorized, link }, { ...ids, retryAfterSeconds: error.facts.retryAfterSeconds });
    // The answer before was lost, and Microsoft had taken the code.
    const lost = code === 'link_used' && authorized.error === 'microsoft_unavailable';
    throw await failLink(deps, link, lost ? 'interrupted' : code, invocation, ids);
  }
}

/** Asked again in so many seconds where Microsoft names no time. */
const RETRY_SECONDS = 10;

/**
 * Microsoft did not answer, or asked to wait: the code is parked again as it was, and the same confirm may be repeated
 * until it expires. Killed before this write, the link is `redeeming` and ends as `interrupted`.
 */
async function postpone(
  deps: LinkingDeps,
  { authorized, link }: { readonly authorized: Link; readonly link: Link },
  facts: { readonly correlationId?: string; readonly traceId?: string; readonly retryAfterSeconds: number | undefined },
): Promise<AppError> {
  const { retryAfterSeconds = RETRY_SECONDS, ...ids } = facts;
  const error = 'microsoft_unavailable';
  const parked = await deps.links.update(link, { state: 'authorized', sealed: authorized.sealed, error, ...ids });
  return parked
    ? linkProblem(deps, parked, Math.max(1, retryAfterSeconds))
    : linkProblem(deps, { ...link, error: 'interrupted' });
}

/** Where no secret was sent, none can be wrong: the identity does not fit what the registration trusts. */
function refusalOf({ proof }: ApplicationCredential, error: LinkErrorCode): LinkErrorCode {
  return error === 'secret_wrong' && proof.kind === 'federated' ? 'service_provider_credential_refused' : error;
}

/** RoboMQ's secret may have been rotated since it was read. A refused application does not use up the code. */
async function rotatedCredential(
  deps: LinkingDeps,
  link: Link,
  used: ApplicationCredential,
  error: unknown,
): Promise<ApplicationCredential | undefined> {
  const refused = error instanceof MicrosoftError && error.facts.error === 'invalid_client';
  if (!refused || link.kind !== 'serviceProvider' || used.proof.kind !== 'secret') return undefined;
  const current = await credentialOf(deps, link, true).catch(() => undefined);
  return current?.proof.kind === 'secret' && current.proof.value !== used.proof.value ? current : undefined;
}

function warnAboutScopes(deps: LinkingDeps, link: Link, signIn: SignIn, invocation: Invocation): void {
  const asked = new Set([deps.config.cloud.mailSendScope, 'Mail.Send', 'openid', 'profile', 'email', 'offline_access']);
  const more = signIn.scopes.filter((scope) => !asked.has(scope));
  if (more.length > 0)
    invocation.log.warning('link.more_scopes_than_asked', { linkId: link.linkId, count: more.length });
}

/** Stores the refresh token under the name drawn at start, then records whose it is. */
async function keepToken(deps: LinkingDeps, link: Link, signIn: SignIn, invocation: Invocation): Promise<Link> {
  const mailbox = {
    clientId: link.clientId,
    tenantId: (signIn.claims.tid ?? '').toLowerCase(),
    objectId: (signIn.claims.oid ?? '').toLowerCase(),
  };
  const found = link.relinkOf
    ? await deps.connections.get(link.customerId, link.relinkOf)
    : await deps.connections.findByMailbox(link.customerId, mailbox);
  // One that is being unlinked is nobody's any more; the id drawn at start must not become its id.
  const relinked = found && (await isBeingUnlinked(deps, found)) ? undefined : found;
  const sameMailbox = relinked?.tenantId === mailbox.tenantId && relinked.objectId === mailbox.objectId;
  if (link.relinkOf && relinked && !sameMailbox) throw await failLink(deps, link, 'wrong_account', invocation);
  const connectionId = relinked?.connectionId ?? link.connectionId;
  const tags = { kind: 'refresh-token', customer: link.customerId, connection: connectionId } as const;
  const expiresOn = later(deps.clock.now(), REFRESH_TOKEN_DAYS * 24 * 60 * MINUTE);
  try {
    await deps.secrets.set(link.refreshTokenName, signIn.refreshToken, tags, expiresOn);
  } catch (error) {
    invocation.log.failure('link.vault_failed', error, { linkId: link.linkId });
    throw await failLink(deps, link, 'interrupted', invocation);
  }
  const redeemed = await deps.links.update(link, {
    state: 'redeemed',
    redeemedAt: deps.clock.now().toISOString(),
    connectionId,
    tenantId: mailbox.tenantId,
    objectId: mailbox.objectId,
    signInName: (signIn.claims.preferred_username ?? '').slice(0, 320),
  });
  if (redeemed) return redeemed;
  // The scan took us for dead. It deleted the secret before it was stored, perhaps: delete it again.
  await deps.secrets.remove(link.refreshTokenName, tags);
  throw linkProblem(deps, { ...link, error: 'interrupted' });
}
