import { PLATFORM_SETTINGS, settingsSchema } from '../../shared/config.ts';
import type { Directory } from '../directory.ts';
import type { Storage } from '../storage/azurite.ts';
import { RETURN_TO } from './info.ts';

export type Settings = Readonly<Record<string, string>>;

/** Where storage is; it may run in another process. */
export type StorageAddresses = Pick<Storage, 'connectionString' | 'blobUrl' | 'queueUrl' | 'tableUrl'>;

/** Name of the secret that holds the service provider application's client secret in the sandbox's vault. */
export const SERVICE_PROVIDER_SECRET = 'service-provider-client-secret';

export interface SettingsInput {
  /** Address of the functions, without `/api`. */
  readonly hostUrl: string;
  readonly hire2retireUrl: string;
  readonly keyVaultUrl: string;
  readonly loginUrl: string;
  readonly graphUrl: string;
  readonly storage: StorageAddresses;
  readonly storageAccess: 'connectionString' | 'identity';
  readonly managedIdentity: Settings;
  readonly directory: Directory;
  /** PEM file that the functions trust besides the public authorities. */
  readonly caFile: string;
}

/** The settings that make the product, unchanged, work against the stand-ins. */
export function productSettings(input: SettingsInput): Settings {
  const { directory, storage, storageAccess } = input;
  const identity = directory.managedIdentity.clientId;
  return {
    ...storageConnection('AzureWebJobsStorage', storage, storageAccess, identity),
    ...storageConnection('MailStorage', storage, storageAccess, identity),
    // Of no effect until API_AUTH is `entra`: then one setting is enough.
    API_ENTRA_TENANT: directory.api.tenantId,
    API_ENTRA_AUDIENCE: directory.api.clientId,
    PUBLIC_BASE_URL: input.hostUrl,
    LINK_RETURN_URLS: JSON.stringify({ [RETURN_TO]: `${input.hire2retireUrl}/return` }),
    KEY_VAULT_URL: input.keyVaultUrl,
    AZURE_CLIENT_ID: identity,
    // Without it a developer's own Azure login would be tried first.
    AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
    ...input.managedIdentity,
    SERVICE_PROVIDER_CLIENT_ID: directory.applications.serviceProvider.clientId,
    SERVICE_PROVIDER_CREDENTIAL: 'secret',
    SERVICE_PROVIDER_SECRET_NAME: SERVICE_PROVIDER_SECRET,
    SERVICE_PROVIDER_AUDIENCE: 'organizations',
    MICROSOFT_LOGIN_URL: input.loginUrl,
    MICROSOFT_GRAPH_URL: `${input.graphUrl}/v1.0`,
    NODE_EXTRA_CA_CERTS: input.caFile,
  };
}

function storageConnection(
  name: string,
  storage: StorageAddresses,
  access: 'connectionString' | 'identity',
  clientId: string,
) {
  if (access === 'connectionString') return { [name]: storage.connectionString };
  return {
    [`${name}__queueServiceUri`]: storage.queueUrl,
    [`${name}__blobServiceUri`]: storage.blobUrl,
    [`${name}__tableServiceUri`]: storage.tableUrl,
    [`${name}__credential`]: 'managedidentity',
    [`${name}__clientId`]: clientId,
  };
}

/**
 * Lets settings from outside win. A storage connection counts as one setting, whatever its shape: one that is given as
 * addresses also replaces ours that is a connection string, and the other way round.
 */
export function override(settings: Settings, outside: Settings): Settings {
  const replaced = new Set(Object.keys(outside).filter(isStorageConnection).map(connectionName));
  const kept = Object.entries(settings).filter(([name]) => !replaced.has(connectionName(name)));
  return { ...Object.fromEntries(kept), ...outside };
}

const CONNECTIONS: readonly string[] = ['AzureWebJobsStorage', 'MailStorage'];

function isStorageConnection(name: string): boolean {
  return CONNECTIONS.includes(connectionName(name));
}

function connectionName(setting: string): string {
  return setting.replace(/__.*$/s, '');
}

/** Settings of the Functions host itself and of its telemetry. */
const HOST_SETTING = /^(AzureFunctionsJobHost(__|:)|AzureWebJobs|FUNCTIONS_|APPLICATIONINSIGHTS_)/i;

/**
 * Those of this process's variables that are settings for the functions: the product's, the host's, and whatever the
 * sandbox sets. The functions see nothing else of our environment, so what is set for other programs changes nothing.
 */
export function fromEnvironment(settings: Settings, environment: NodeJS.ProcessEnv): Settings {
  const known = new Set([...Object.keys(settings), ...Object.keys(settingsSchema.shape), ...PLATFORM_SETTINGS]);
  // Node's list of authorities is added to, never replaced: see `writeTrustFiles`.
  known.delete('NODE_EXTRA_CA_CERTS');
  const picked = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      Boolean(entry[1]) && (known.has(entry[0]) || isStorageConnection(entry[0]) || HOST_SETTING.test(entry[0])),
  );
  return Object.fromEntries(picked);
}
