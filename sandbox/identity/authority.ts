import { type Account, type Application, CONSUMERS_TENANT, type Directory, type Tenant } from '../directory.ts';
import { type Refusal, refusals } from './refusals.ts';

/** What the first path segment names: one tenant, or an endpoint shared by many. */
export type Authority =
  | { readonly kind: 'tenant'; readonly name: string; readonly tenant: Tenant }
  | { readonly kind: 'common' | 'organizations' | 'consumers'; readonly name: string };

const ISSUER_HOST = 'https://login.microsoftonline.com';

/** Microsoft's own issuer, not this server's address: that is what applications compare with. */
export const issuerOf = (tenantId: string): string => `${ISSUER_HOST}/${tenantId}/v2.0`;

export function resolveAuthority(directory: Directory, segment: string): Authority | undefined {
  const name = segment.toLowerCase();
  if (name === 'common' || name === 'organizations') return { kind: name, name };
  if (name === 'consumers' || name === CONSUMERS_TENANT) return { kind: 'consumers', name };
  const tenant = directory.tenants.find(({ id, domain }) => id === name || domain === name);
  return tenant && { kind: 'tenant', name, tenant };
}

/** The tenant that metadata names as issuer; shared endpoints give Microsoft's template literally. */
export function issuerTenant(authority: Authority): string {
  if (authority.kind === 'tenant') return authority.tenant.id;
  return authority.kind === 'consumers' ? CONSUMERS_TENANT : '{tenantid}';
}

/** Why an application cannot be used through this authority. */
export function refuseApplication(authority: Authority, application: Application): Refusal | undefined {
  if (!application.singleTenant) return undefined;
  if (authority.kind === 'consumers') return refusals.organizationsOnly(application);
  if (authority.kind !== 'tenant') return refusals.singleTenantOnly(application, authority.kind);
  if (authority.tenant.id === application.tenantId) return undefined;
  return refusals.appNotFound(application.clientId, authority.tenant.name);
}

export function admits(authority: Authority, account: Account): boolean {
  const personal = account.tenantId === CONSUMERS_TENANT;
  if (authority.kind === 'tenant') return account.tenantId === authority.tenant.id;
  if (authority.kind === 'organizations') return !personal;
  return authority.kind === 'common' || personal;
}

/** Why an account cannot sign in through this authority. Entra says so on its page and returns nothing. */
export function refuseAccount(authority: Authority, account: Account, application: Application): Refusal | undefined {
  if (admits(authority, account)) return undefined;
  if (authority.kind === 'organizations') return refusals.personalAccount(account.address);
  const provider = account.tenantId === CONSUMERS_TENANT ? 'live.com' : `https://sts.windows.net/${account.tenantId}/`;
  const tenant = authority.kind === 'tenant' ? authority.tenant.name : 'Microsoft Services';
  return refusals.accountOfAnotherTenant(account.address, provider, tenant, application);
}
