import { AppError, LINK_ERRORS, type LinkErrorCode, type WhoActs } from '../errors.ts';
import { isGuid } from '../ids.ts';
import type { LinkingDeps } from './deps.ts';
import type { Link } from './link.ts';

/** A link's error as the state query and a failed confirm show it. */
export interface LinkError {
  readonly code: LinkErrorCode;
  readonly person: string;
  readonly operator: string;
  readonly whoActs: WhoActs;
  readonly action?: string;
  readonly adminConsentUrl?: string;
  readonly textForIt?: string;
  readonly microsoft?: { readonly correlationId: string; readonly traceId: string };
}

/** What only the owner of the app registration can repair. */
const REGISTRATION: ReadonlySet<LinkErrorCode> = new Set([
  'redirect_uri_not_registered',
  'secret_wrong',
  'secret_expired',
]);

/** Everything that people need to know of a link's error. */
export function describeLinkError(deps: Pick<LinkingDeps, 'config'>, link: Link): LinkError {
  const code = link.error || 'link_expired';
  const entry: (typeof LINK_ERRORS)[LinkErrorCode] = LINK_ERRORS[code];
  const { person, operator } = entry;
  // The catalogue speaks of the customer's own application; nobody there can repair RoboMQ's.
  const ours = link.kind === 'serviceProvider' && REGISTRATION.has(code);
  const consent = code === 'admin_approval_needed' ? adminConsent(deps, link) : {};
  const microsoft = link.correlationId
    ? { microsoft: { correlationId: link.correlationId, traceId: link.traceId } }
    : {};
  return {
    code,
    person,
    operator,
    whoActs: ours ? 'robomq' : entry.whoActs,
    ...('action' in entry && !ours && { action: entry.action }),
    ...consent,
    ...microsoft,
  };
}

/** The address at which an administrator approves the application for the whole tenant, and what to write to IT. */
function adminConsent(deps: Pick<LinkingDeps, 'config'>, link: Link): { adminConsentUrl: string; textForIt: string } {
  const { cloud, publicBaseUrl } = deps.config;
  const tenant = isGuid(link.authority) ? link.authority : 'organizations';
  const query = new URLSearchParams({
    client_id: link.clientId,
    scope: `${cloud.mailSendScope} offline_access openid profile`,
    redirect_uri: `${publicBaseUrl}/api/auth/callback/Outlook`,
  });
  const adminConsentUrl = `${cloud.loginUrl}/${tenant}/v2.0/adminconsent?${query}`;
  const textForIt =
    `Hire2Retire asks to send mail from one of our mailboxes. Please approve the application ${link.clientId} for our ` +
    `organization at ${adminConsentUrl} . It gets the delegated permissions Mail.Send (send mail as the person who ` +
    'links the mailbox) and offline_access (keep doing so), and cannot read mail.';
  return { adminConsentUrl, textForIt };
}

/** The error that a failed confirm answers with: the link's code, with everything that people need to know. */
export function linkProblem(deps: Pick<LinkingDeps, 'config'>, link: Link): AppError {
  const error = describeLinkError(deps, link);
  return new AppError(error.code, {
    detail: error.person,
    members: { error },
    ...(error.code === 'microsoft_unavailable' && { retryAfterSeconds: 60 }),
  });
}
