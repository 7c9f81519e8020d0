import { QUEUES } from '../../shared/storage-names.ts';
import type { AccountKind, Application, Directory } from '../directory.ts';
import type { ApiCaller } from '../hire2retire/caller-proof.ts';

export interface CustomerOwnedInfo {
  readonly clientId: string;
  readonly clientSecret: string;
  /** GUID of the tenant in which it is registered. */
  readonly tenant: string;
}

/** What `npm run -s sandbox -- --json` prints: a contract with programs (design, section 9). */
export interface SandboxInfo {
  readonly api: string;
  readonly functionKey: string;
  readonly hire2retire: string;
  readonly mailbox: string;
  readonly mailboxApi: string;
  readonly control: string;
  readonly storageConnectionString: string;
  readonly mailQueue: string;
  readonly eventQueue: string;
  /** A name for `returnTo` of link start. */
  readonly returnTo: string;
  /** Path of the PEM file that the stand-ins for Key Vault and Graph are trusted by. */
  readonly caCertificate: string;
  readonly serviceProvider: { readonly clientId: string };
  readonly customerOwned: CustomerOwnedInfo;
  readonly customerOwnedSingleTenant: CustomerOwnedInfo;
  readonly users: readonly { readonly address: string; readonly password: string; readonly kind: AccountKind }[];
  /** With `API_AUTH=entra` only: who gets a token for the API, and where. The function key is not accepted then. */
  readonly apiCaller?: ApiCaller;
}

/** Name under which the sandbox lists its return page in `LINK_RETURN_URLS`. */
export const RETURN_TO = 'settings';

type Addresses = Pick<
  SandboxInfo,
  | 'api'
  | 'functionKey'
  | 'hire2retire'
  | 'mailbox'
  | 'mailboxApi'
  | 'control'
  | 'storageConnectionString'
  | 'caCertificate'
>;

export function sandboxInfo(addresses: Addresses, directory: Directory, apiCaller?: ApiCaller): SandboxInfo {
  const { serviceProvider, customerOwned, customerOwnedSingleTenant } = directory.applications;
  return {
    api: addresses.api,
    functionKey: addresses.functionKey,
    hire2retire: addresses.hire2retire,
    mailbox: addresses.mailbox,
    mailboxApi: addresses.mailboxApi,
    control: addresses.control,
    storageConnectionString: addresses.storageConnectionString,
    mailQueue: QUEUES.mail,
    eventQueue: QUEUES.events,
    returnTo: RETURN_TO,
    caCertificate: addresses.caCertificate,
    serviceProvider: { clientId: serviceProvider.clientId },
    customerOwned: customerOwnedInfo(customerOwned),
    customerOwnedSingleTenant: customerOwnedInfo(customerOwnedSingleTenant),
    users: directory.accounts.map(({ address, password, kind }) => ({ address, password, kind })),
    ...(apiCaller && { apiCaller }),
  };
}

export function customerOwnedInfo({ clientId, clientSecret, tenantId }: Application): CustomerOwnedInfo {
  return { clientId, clientSecret, tenant: tenantId };
}

/** Credential values that the `--json` line shows anyway: the recorded requests need not hide them. */
export function publicValues(directory: Directory, functionKey: string): string[] {
  const { customerOwned, customerOwnedSingleTenant } = directory.applications;
  const passwords = new Set(directory.accounts.map(({ password }) => password));
  return [functionKey, customerOwned.clientSecret, customerOwnedSingleTenant.clientSecret, ...passwords];
}
