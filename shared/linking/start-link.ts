import { later, MINUTE } from '../clock.ts';
import type { Connection } from '../connections/connection.ts';
import { clientSecretTags } from '../connections/secret-tags.ts';
import { AppError, invalidField } from '../errors.ts';
import { newId, newSecretName, sha256 } from '../ids.ts';
import type { Invocation } from '../log.ts';
import { CONSUMERS_TENANT, type SharedAuthority } from '../microsoft/endpoints.ts';
import { MicrosoftError } from '../microsoft/identity-platform.ts';
import type { LinkingDeps } from './deps.ts';
import { LINK_MINUTES, type Link } from './link.ts';
import type { StartLinkRequest } from './requests.ts';
import { formatLinkToken, newLinkSecret } from './token.ts';

export interface StartedLink {
  readonly linkId: string;
  readonly linkUrl: string;
  readonly expiresAt: string;
  readonly warnings: readonly 'tenant_unknown'[];
}

/**
 * Starts a link. Order of writes: slot, row, secret. Whatever dies in between leaves a row that names the secret, and a
 * slot that frees itself; the link URL is handed out only when all three are there.
 */
export async function startLink(
  deps: LinkingDeps,
  request: StartLinkRequest,
  invocation: Invocation,
): Promise<StartedLink> {
  if (!deps.config.returnUrls.has(request.returnTo)) {
    throw invalidField(
      '/returnTo',
      'return_not_registered',
      'returnTo names no entry of the setting LINK_RETURN_URLS.',
    );
  }
  if (await deps.connections.isCustomerLeaving(request.customerId)) throw new AppError('customer_being_removed');
  const application = applicationOf(deps, request);
  const relinked = await relinkedConnection(deps, request, application.clientId);
  const tenants = await resolveTenants(deps, request, relinked);
  const linkId = newId('lnk');
  const ticket = newLinkSecret();
  const expiresAt = later(deps.clock.now(), LINK_MINUTES * MINUTE);
  const clientSecret = request.application.kind === 'customerOwned' ? request.application.clientSecret : undefined;

  await deps.openLinks.take(request.customerId, linkId, expiresAt);
  const link = await deps.links.insert({
    linkId,
    customerId: request.customerId,
    state: 'started',
    startedByHash: sha256(request.startedBy),
    returnTo: request.returnTo,
    displayName: request.displayName ?? '',
    ...application,
    authority: tenants.authority ?? sharedAuthority(deps, application.kind),
    loginHint: request.loginHint ?? request.expectedMailbox ?? '',
    expectedMailbox: request.expectedMailbox ?? '',
    expectedTenantId: tenants.expected ?? '',
    relinkOf: relinked?.connectionId ?? '',
    connectionId: relinked?.connectionId ?? newId('con'),
    clientSecretName: clientSecret === undefined ? '' : newSecretName('client-secret'),
    refreshTokenName: newSecretName('refresh-token'),
    clientSecretExpiresOn: expiryOf(request),
    expiresAt,
    redeemedAt: '',
    ticketHash: sha256(ticket),
    cookieHash: '',
    stateHash: '',
    confirmationHash: '',
    sealed: '',
    cleaned: false,
    error: '',
    correlationId: '',
    traceId: '',
    tenantId: '',
    objectId: '',
    signInName: '',
  });
  if (clientSecret !== undefined) await storeClientSecret(deps, link, clientSecret);
  invocation.log.event('link.started', {
    linkId,
    customerId: link.customerId,
    kind: link.kind,
    clientId: link.clientId,
  });
  return {
    linkId,
    linkUrl: `${deps.config.publicBaseUrl}/api/auth/open/Outlook?ticket=${formatLinkToken(linkId, ticket)}`,
    expiresAt: expiresAt.toISOString(),
    warnings: tenants.authority === undefined && link.kind === 'customerOwned' ? ['tenant_unknown'] : [],
  };
}

function applicationOf(deps: LinkingDeps, request: StartLinkRequest): Pick<Link, 'kind' | 'clientId'> {
  const { application } = request;
  return application.kind === 'serviceProvider'
    ? { kind: 'serviceProvider', clientId: deps.config.serviceProvider.clientId }
    : { kind: 'customerOwned', clientId: application.clientId.toLowerCase() };
}

function expiryOf(request: StartLinkRequest): string {
  return request.application.kind === 'customerOwned' ? (request.application.clientSecretExpiresOn ?? '') : '';
}

/** Where to sign in when no tenant is known. The setting speaks of RoboMQ's registration alone. */
function sharedAuthority(deps: LinkingDeps, kind: Link['kind']): SharedAuthority {
  return kind === 'serviceProvider' ? deps.config.serviceProvider.audience : 'organizations';
}

/**
 * The tenant to sign in at, and the one that `expectedMailbox` demands. A tenant that was given wins, then the one of
 * the connection that is re-linked; else the domain of an address tells. The tenant of personal accounts is no authority.
 */
async function resolveTenants(deps: LinkingDeps, request: StartLinkRequest, relinked: Connection | undefined) {
  const given = request.application.kind === 'customerOwned' ? request.application.tenant : undefined;
  const authority = await tenantOf(deps, given, '/application/tenant');
  if (authority === CONSUMERS_TENANT)
    throw invalidField('/application/tenant', 'tenant_unknown', 'Personal accounts belong to no organization.');
  const expected = await tenantOf(deps, domainOf(request.expectedMailbox), '/expectedMailbox');
  requirePossible(deps, request, { authority, linked: relinked?.tenantId, expected });
  const known = authority ?? relinked?.tenantId ?? expected ?? (await hintedTenant(deps, request.loginHint));
  return { authority: known === CONSUMERS_TENANT ? undefined : known, expected };
}

/** What could only end as another organization's account is refused before anybody signs in. */
function requirePossible(
  deps: LinkingDeps,
  { application }: StartLinkRequest,
  tenants: Readonly<Record<'authority' | 'linked' | 'expected', string | undefined>>,
): void {
  const { authority, linked, expected } = tenants;
  if (authority !== undefined && linked !== undefined && authority !== linked)
    throw invalidField('/application/tenant', 'wrong_tenant', 'The connection’s mailbox is of another organization.');
  if (expected === undefined) return;
  const tenant = linked ?? authority;
  if (tenant !== undefined && tenant !== expected)
    throw invalidField('/expectedMailbox', 'wrong_tenant', 'The mailbox is of another organization than the tenant.');
  if (expected === CONSUMERS_TENANT && sharedAuthority(deps, application.kind) !== 'common')
    throw invalidField('/expectedMailbox', 'personal_account', 'The application takes no personal accounts.');
}

function domainOf(address: string | undefined): string | undefined {
  return address?.split('@')[1]?.toLowerCase();
}

async function tenantOf(deps: LinkingDeps, tenant: string | undefined, pointer: string): Promise<string | undefined> {
  if (tenant === undefined) return undefined;
  const found = await lookUp(deps, tenant);
  if (found === undefined)
    throw invalidField(pointer, 'tenant_unknown', 'Microsoft knows no organization of this name.');
  return found;
}

/** A hint may be wrong: an unknown domain, or Microsoft not answering, only means that nothing is known. */
async function hintedTenant(deps: LinkingDeps, loginHint: string | undefined): Promise<string | undefined> {
  const domain = domainOf(loginHint);
  if (domain === undefined) return undefined;
  return lookUp(deps, domain).catch(() => undefined);
}

async function lookUp(deps: LinkingDeps, tenant: string): Promise<string | undefined> {
  try {
    return await deps.identity.resolveTenant(tenant);
  } catch (error) {
    if (!(error instanceof MicrosoftError)) throw error;
    throw new AppError('microsoft_unavailable', {
      retryAfterSeconds: error.facts.retryAfterSeconds ?? 30,
      cause: error,
    });
  }
}

async function relinkedConnection(
  deps: LinkingDeps,
  request: StartLinkRequest,
  clientId: string,
): Promise<Connection | undefined> {
  if (request.connectionId === undefined) return undefined;
  const connection = await deps.connections.get(request.customerId, request.connectionId);
  if (!connection || connection.status === 'removing') {
    throw new AppError('not_found', { detail: 'There is no such connection of this customer.' });
  }
  if (connection.clientId !== clientId) throw new AppError('relink_other_application');
  return connection;
}

async function storeClientSecret(deps: LinkingDeps, link: Link, value: string): Promise<void> {
  const tags = clientSecretTags(link.customerId, link.clientId);
  try {
    const expiresOn = link.clientSecretExpiresOn ? new Date(link.clientSecretExpiresOn) : undefined;
    await deps.secrets.set(link.clientSecretName, value, tags, expiresOn);
  } catch (error) {
    // Nobody has the URL of this link, and its row names the secret: the hourly scan deletes what may have been stored.
    await deps.openLinks.release(link.customerId, link.linkId).catch(() => {});
    throw error;
  }
}
