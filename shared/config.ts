import * as z from 'zod';
import { CALLER_ID, isGuid } from './ids.ts';
import { type MicrosoftCloud, microsoftCloud, type SharedAuthority } from './microsoft/endpoints.ts';
import { isStorageConnectionString } from './storage/connection-string.ts';

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

function isLoopback(url: URL): boolean {
  return LOOPBACK.test(url.hostname);
}

/** An absolute https URL without query, fragment or credentials; http on loopback. A slash at the end is cut. */
const webUrl = z.string().transform((value, context) => {
  if (!URL.canParse(value)) {
    context.addIssue({ code: 'custom', message: 'must be an absolute URL' });
    return z.NEVER;
  }
  const url = new URL(value);
  const plain = url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if (!plain || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url)))) {
    context.addIssue({
      code: 'custom',
      message: 'must be https (http on loopback only), without query, fragment or credentials',
    });
    return z.NEVER;
  }
  return url.href.replace(/\/$/, '');
});

const loopbackUrl = webUrl.refine((value) => isLoopback(new URL(value)), 'may name a loopback host only');

const guid = z.string().refine(isGuid, 'must be a GUID');

/** Whole number within bounds, from text. */
const whole = (minimum: number, maximum: number, fallback: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(minimum).max(maximum))
    .default(fallback);

const onOff = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true');

const returnUrls = z.string().transform((value, context): ReadonlyMap<string, string> => {
  try {
    const entries = z.record(z.string().regex(CALLER_ID), webUrl).parse(JSON.parse(value));
    if (Object.keys(entries).length === 0) throw new Error('empty');
    return new Map(Object.entries(entries));
  } catch {
    context.addIssue({
      code: 'custom',
      message: 'must be a JSON object of names and https URLs, with one entry at least',
    });
    return z.NEVER;
  }
});

/**
 * Every setting of the product. Each key has a row in docs/configuration.md and an entry in local.settings.sample.json;
 * a test holds the three equal. Settings of the Functions host and of the Azure SDKs are in `PLATFORM_SETTINGS`.
 */
export const settingsSchema = z.object({
  API_AUTH: z.enum(['function', 'entra']).default('function'),
  API_ENTRA_TENANT: guid.optional(),
  API_ENTRA_AUDIENCE: z
    .string()
    .regex(/^[\x21-\x7e]{1,256}$/, 'must be printable ASCII without spaces')
    .optional(),
  PUBLIC_BASE_URL: webUrl,
  LINK_RETURN_URLS: returnUrls,
  KEY_VAULT_URL: webUrl,
  SERVICE_PROVIDER_CLIENT_ID: guid,
  SERVICE_PROVIDER_CREDENTIAL: z.enum(['federated', 'secret']).default('federated'),
  SERVICE_PROVIDER_SECRET_NAME: z
    .string()
    .regex(/^[0-9A-Za-z-]{1,127}$/)
    .optional(),
  SERVICE_PROVIDER_AUDIENCE: z.enum(['organizations', 'common']).default('organizations'),
  MICROSOFT_CLOUD: z.enum(['global', 'usGovernment', 'china']).default('global'),
  MICROSOFT_LOGIN_URL: loopbackUrl.optional(),
  MICROSOFT_GRAPH_URL: loopbackUrl.optional(),
  REFRESH_TOKEN_WRITE_AFTER_DAYS: whole(0, 60, 30),
  MAIL_RECIPIENTS_PER_DAY: whole(1, 1_000_000, 10_000),
  MAIL_PER_MINUTE: whole(0, 10_000, 30),
  MAIL_LOG_RECIPIENTS: onOff,
  MAIL_ACCEPTED_EVENTS: onOff,
  LANE_LEASE_SECONDS: whole(2, 600, 150),
});

/** Settings that the Functions host or an SDK reads by itself; documented beside ours. */
export const PLATFORM_SETTINGS = [
  'AzureWebJobsStorage',
  'MailStorage',
  'AZURE_CLIENT_ID',
  'FUNCTIONS_WORKER_RUNTIME',
] as const;

/** The data storage account: a connection string, or the addresses of its services for access by identity. */
export type StorageConnection =
  | { readonly kind: 'connectionString'; readonly value: string }
  | { readonly kind: 'identity'; readonly queueUrl: string; readonly tableUrl: string; readonly blobUrl: string };

/** How callers of the API prove themselves: by function key, which the host checks, or by a token of Entra. */
export type ApiAuth =
  | { readonly kind: 'function' }
  | { readonly kind: 'entra'; readonly tenantId: string; readonly audience: string };

export interface Config {
  readonly apiAuth: ApiAuth;
  readonly publicBaseUrl: string;
  readonly returnUrls: ReadonlyMap<string, string>;
  readonly keyVaultUrl: string;
  readonly serviceProvider: {
    readonly clientId: string;
    readonly credential: { readonly kind: 'federated' } | { readonly kind: 'secret'; readonly secretName: string };
    readonly audience: SharedAuthority;
  };
  readonly cloud: MicrosoftCloud;
  readonly refreshTokenWriteAfterDays: number;
  readonly recipientsPerDay: number;
  /** Pace of one mailbox; 0 lifts it. Exchange Online delays what comes faster than 30 a minute. */
  readonly mailsPerMinute: number;
  readonly logRecipients: boolean;
  readonly acceptedEvents: boolean;
  readonly laneLeaseSeconds: number;
  readonly storage: StorageConnection;
  /** Client id of the user-assigned managed identity; without it the SDK's own chain decides. */
  readonly managedIdentityClientId: string | undefined;
}

/** Settings make no sense. The message names each of them and never quotes a value. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The settings are not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
    // Whoever starts the app needs the list, not where in our code it was found.
    this.stack = `${this.name}: ${this.message}`;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings once, at start.
 * @throws {ConfigError} listing every problem at once
 */
export function loadConfig(environment: Environment): Config {
  // An empty setting in the portal means "not set".
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = settingsSchema.safeParse(given);
  const storage = storageConnection(given);
  const problems = [
    ...(parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)),
    ...missingForEntra(given),
    ...(typeof storage === 'string' ? [storage] : []),
  ];
  if (!parsed.success || typeof storage === 'string' || problems.length > 0) throw new ConfigError(problems);
  const settings = parsed.data;
  return {
    apiAuth: apiAuth(settings),
    publicBaseUrl: settings.PUBLIC_BASE_URL,
    returnUrls: settings.LINK_RETURN_URLS,
    keyVaultUrl: settings.KEY_VAULT_URL,
    serviceProvider: {
      clientId: settings.SERVICE_PROVIDER_CLIENT_ID.toLowerCase(),
      credential: serviceProviderCredential(
        settings.SERVICE_PROVIDER_CREDENTIAL,
        settings.SERVICE_PROVIDER_SECRET_NAME,
      ),
      audience: settings.SERVICE_PROVIDER_AUDIENCE,
    },
    cloud: microsoftCloud(settings.MICROSOFT_CLOUD, {
      loginUrl: settings.MICROSOFT_LOGIN_URL,
      graphUrl: settings.MICROSOFT_GRAPH_URL,
    }),
    refreshTokenWriteAfterDays: settings.REFRESH_TOKEN_WRITE_AFTER_DAYS,
    recipientsPerDay: settings.MAIL_RECIPIENTS_PER_DAY,
    mailsPerMinute: settings.MAIL_PER_MINUTE,
    logRecipients: settings.MAIL_LOG_RECIPIENTS,
    acceptedEvents: settings.MAIL_ACCEPTED_EVENTS,
    laneLeaseSeconds: settings.LANE_LEASE_SECONDS,
    storage,
    managedIdentityClientId: given['AZURE_CLIENT_ID'],
  };
}

/** The two may be set before `API_AUTH` is switched; switched, it needs both. */
function missingForEntra(given: Environment): string[] {
  if (given['API_AUTH'] !== 'entra') return [];
  const needed = ['API_ENTRA_TENANT', 'API_ENTRA_AUDIENCE'].filter((name) => given[name] === undefined);
  return needed.map((name) => `${name}: is required with API_AUTH=entra`);
}

function apiAuth(settings: z.output<typeof settingsSchema>): ApiAuth {
  const { API_AUTH: kind, API_ENTRA_TENANT: tenantId = '', API_ENTRA_AUDIENCE: audience = '' } = settings;
  return kind === 'entra' ? { kind, tenantId: tenantId.toLowerCase(), audience } : { kind };
}

function serviceProviderCredential(kind: 'federated' | 'secret', secretName: string | undefined) {
  if (kind === 'federated') return { kind } as const;
  if (!secretName) {
    throw new ConfigError(['SERVICE_PROVIDER_SECRET_NAME: is required with SERVICE_PROVIDER_CREDENTIAL=secret']);
  }
  return { kind, secretName } as const;
}

/** The shapes that the Functions host accepts for a connection named `MailStorage`. Returns a text when none fits. */
function storageConnection(given: Environment): StorageConnection | string {
  const value = given['MailStorage']?.trim();
  if (value) {
    if (isStorageConnectionString(value)) return { kind: 'connectionString', value };
    return 'MailStorage: is no complete storage connection string: of an account with its key, or with a shared access signature and the endpoints of queues, tables and blobs';
  }
  const account = given['MailStorage__accountName'];
  const address = (service: 'queue' | 'table' | 'blob') =>
    given[`MailStorage__${service}ServiceUri`] ?? (account && `https://${account}.${service}.core.windows.net`);
  const [queueUrl, tableUrl, blobUrl] = [address('queue'), address('table'), address('blob')];
  if (!queueUrl || !tableUrl || !blobUrl) {
    return 'MailStorage: needs a connection string, or MailStorage__accountName, or MailStorage__queueServiceUri, __tableServiceUri and __blobServiceUri';
  }
  for (const url of [queueUrl, tableUrl, blobUrl]) {
    if (!webUrl.safeParse(url).success) return 'MailStorage: service addresses must be https (http on loopback only)';
  }
  return { kind: 'identity', queueUrl, tableUrl, blobUrl };
}
