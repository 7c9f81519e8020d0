import { AppError, LINK_ERRORS, type LinkErrorCode, type WhoActs } from '../errors.ts';
import { isGuid } from '../ids.ts';
import type { LinkingDeps } from './deps.ts';
import type { Link } from './link.ts';
import { redirectUri } from './open-link.ts';

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
  'app_not_found',
  'app_misconfigured',
  'redirect_uri_not_registered',
  'secret_wrong',
  'secret_expired',
]);

/** The catalogue speaks of the customer's own application; nobody there can repair RoboMQ's. */
const OURS = {
  whoActs: 'robomq',
  action: 'Tell RoboMQ’s support this code; once they repaired the application, click Link account again.',
} as const;

/** Sent to Microsoft, and never back: what a single-tenant application leads to at `organizations`, for one. */
const WITHOUT_A_TENANT = {
  whoActs: 'user',
  action:
    'If Microsoft showed an error page, give the tenant of your app registration and click Link account again; if there is an error page again, show its number to your IT.',
} as const;

/** Of a registration of the customer's own: only those who own it can repair what Microsoft showed on its own page. */
function isStuck(link: Link, code: LinkErrorCode): boolean {
  const cameBack = link.confirmationHash !== '';
  return code === 'link_expired' && link.kind === 'customerOwned' && link.cookieHash !== '' && !cameBack;
}

/** Nobody gave a tenant: an address led to it. */
const OF_AN_ADDRESS = {
  whoActs: 'user',
  action: 'Check the address of the mailbox; then click Link account again, or leave the address out.',
} as const;

function adviceOn(link: Link, code: LinkErrorCode): Pick<LinkError, 'whoActs' | 'action'> {
  if (link.kind === 'serviceProvider' && code === 'tenant_unknown') return OF_AN_ADDRESS;
  if (isStuck(link, code) && !isGuid(link.authority)) return WITHOUT_A_TENANT;
  return link.kind === 'serviceProvider' && REGISTRATION.has(code) ? OURS : LINK_ERRORS[code];
}

/** Everything that people need to know of a link's error. */
export function describeLinkError(deps: Pick<LinkingDeps, 'config'>, link: Link): LinkError {
  const code = link.error || 'link_expired';
  const entry: (typeof LINK_ERRORS)[LinkErrorCode] = LINK_ERRORS[code];
  const { whoActs, action } = adviceOn(link, code);
  const operator = code === 'link_expired' ? `${entry.operator} ${howFar(deps, link)}` : entry.operator;
  const { correlationId, traceId } = link;
  return {
    code,
    person: entry.person,
    operator,
    whoActs,
    ...(action !== undefined && { action }),
    ...(code === 'admin_approval_needed' && { adminConsentUrl: adminConsentUrl(deps, link) }),
    ...((whoActs === 'customerAdmin' || isStuck(link, code)) && { textForIt: textForIt(deps, link, code, operator) }),
    ...((correlationId || traceId) && { microsoft: { correlationId, traceId } }),
  };
}

/** Where the person was when the time ran out. Of an error page that Microsoft shows itself we learn nothing else. */
function howFar(deps: Pick<LinkingDeps, 'config'>, link: Link): string {
  if (link.cookieHash === '') return 'Nobody opened the link URL.';
  if (link.confirmationHash !== '')
    return 'The person came back from Microsoft, but the return page of Hire2Retire did not call confirm in time.';
  return (
    'The person was sent to Microsoft and never came back. If a page of Microsoft’s showed an error, ask for its number: ' +
    `AADSTS50011: register the redirect URI ${redirectUri(deps)} under Web. ` +
    'AADSTS700016: compare the client ID, and the tenant, with the app registration. ' +
    'AADSTS50194: the application is single-tenant; give its tenant when linking. ' +
    'AADSTS90002: the tenant does not exist. ' +
    'AADSTS50020 or 500200: the account is of another organization, or a personal one. ' +
    'Others are in docs/errors.md.'
  );
}

/** The address at which an administrator approves the application for the whole tenant. */
function adminConsentUrl(deps: Pick<LinkingDeps, 'config'>, link: Link): string {
  const { cloud } = deps.config;
  const tenant = [link.authority, link.expectedTenantId].find(isGuid) ?? 'organizations';
  const query = new URLSearchParams({
    client_id: link.clientId,
    scope: `${cloud.mailSendScope} offline_access openid profile`,
    redirect_uri: redirectUri(deps),
  });
  return `${cloud.loginUrl}/${tenant}/v2.0/adminconsent?${query}`;
}

/** What the person forwards: all that an administrator needs to act, without an account of Hire2Retire's. */
function textForIt(deps: Pick<LinkingDeps, 'config'>, link: Link, code: LinkErrorCode, operator: string): string {
  const ids = link.correlationId
    ? ` In the sign-in logs of Entra it has the correlation ID ${link.correlationId} and the request ID ${link.traceId}.`
    : '';
  if (code === 'admin_approval_needed') {
    return (
      `Hire2Retire asks to send mail from one of our mailboxes. Please approve the application ${link.clientId} for our ` +
      `organization at ${adminConsentUrl(deps, link)} . It gets the delegated permissions Mail.Send (send mail as the ` +
      'person who links the mailbox) and offline_access (keep doing so), and cannot read mail. Afterwards the person ' +
      `links the mailbox once more.${ids}`
    );
  }
  // Of RoboMQ's registration nobody there can change anything.
  const registration =
    link.kind === 'customerOwned' ? `The redirect URI is ${redirectUri(deps)} (platform Web), the` : 'The';
  const what = isStuck(link, code) ? 'the person did not come back from there' : `Microsoft refused: ${code}`;
  return (
    `Hire2Retire asks to send mail from one of our mailboxes through the application ${link.clientId} at Microsoft, and ` +
    `${what}. ${operator} ${registration} permissions are the delegated Mail.Send and offline_access of ` +
    `Microsoft Graph.${ids}`
  );
}

/**
 * The error that a failed confirm answers with: the link's code, with everything that people need to know.
 * @param retryAfterSeconds where the same confirm can be repeated
 */
export function linkProblem(deps: Pick<LinkingDeps, 'config'>, link: Link, retryAfterSeconds?: number): AppError {
  const error = describeLinkError(deps, link);
  return new AppError(error.code, {
    detail: error.person,
    members: { error },
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}
