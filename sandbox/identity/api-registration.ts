import type { Application } from '../directory.ts';
import type { Platform } from './platform.ts';

/** The product's own API, as its settings name it. */
export interface ApiRegistration {
  /** What tokens for it hold in `aud`. */
  readonly audience: string;
  readonly tenantId: string;
}

/** What a token for a resource names as audience when it is the API, whichever of its names was used. */
export function audienceOf(resource: string, { api, directory }: Platform): string | undefined {
  const { audience } = api();
  const names = [audience, directory.api.clientId, directory.api.identifierUri];
  return names.includes(resource) ? audience : undefined;
}

/**
 * The role of the API that an application was given. Hire2Retire's server has it, and so has the customer's application,
 * whose secret every program knows that reads the `--json` line. All others get tokens too, as at Entra, without a role.
 */
export function rolesOf({ clientId }: Application, { directory }: Platform): { readonly roles?: readonly string[] } {
  const { hire2retire, customerOwned } = directory.applications;
  return [hire2retire.clientId, customerOwned.clientId].includes(clientId) ? { roles: ['Outlook.Manage'] } : {};
}

/** Hire2Retire's server is known in the tenant that the settings name, whichever that is. */
export function isAtHome({ clientId }: Application, tenantId: string, { api, directory }: Platform): boolean {
  return clientId === directory.applications.hire2retire.clientId && tenantId === api().tenantId.toLowerCase();
}
