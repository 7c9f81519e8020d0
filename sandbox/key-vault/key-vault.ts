import { Journal, type RecordedRequest } from '../kit/journal.ts';
import { type Call, type Certificate, type Handler, type Reply, serve } from '../kit/serve.ts';
import { failure } from './answers.ts';
import { route } from './routes.ts';
import { latest, Vault, type Versions } from './vault.ts';

/**
 * The resource that callers must ask a token for. The SDK insists that the vault's host name ends in this one's, and
 * `0.0.1` under a scheme of its own is the only ending of 127.0.0.1 that a URL parser leaves alone.
 */
const RESOURCE = 'sandbox://0.0.1';

/** Only its shape matters: a managed identity has one tenant and does not look at it. */
const AUTHORITY = 'https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000';

export interface KeyVaultOptions {
  readonly tls: Certificate;
  readonly port?: number;
  /** Whether a bearer token may use the vault. */
  readonly accepts: (token: string, audience: string) => boolean;
  /** Values that may show in the record of requests. */
  readonly publicValues: readonly string[];
  /** New versions that the vault takes in 10 seconds before it answers 429: 300 at Azure. No limit unless given. */
  readonly newVersionsPer10Seconds?: number;
}

export interface SecretSnapshot {
  readonly name: string;
  readonly versions: number;
  readonly tags: Record<string, string>;
  /** Unix seconds */
  readonly expires?: number;
  readonly deleted: boolean;
  /** Of the newest version. */
  readonly value: string;
}

export interface KeyVault {
  readonly url: string;
  readonly journal: Journal;
  /** Adds a version of a secret, as an operator would before the app starts. */
  seed(name: string, value: string, tags?: Record<string, string>): void;
  snapshot(): readonly SecretSnapshot[];
  close(): Promise<void>;
}

/** Starts the stand-in for the secrets of one Key Vault. */
export async function startKeyVault(options: KeyVaultOptions): Promise<KeyVault> {
  const vault = new Vault();
  const journal = new Journal({ mask: (record) => mask(record, options.publicValues) });
  const throttle = new WriteLimit(options.newVersionsPer10Seconds ?? Number.POSITIVE_INFINITY);
  const server = await serve({
    host: '127.0.0.1',
    tls: options.tls,
    ...(options.port !== undefined && { port: options.port }),
    handler: challengeFirst(
      journal.wrap((call) => {
        const reply = isAuthorized(call, options) ? (throttle.refusal(call) ?? route(vault, call)) : challenge();
        return { reply, taken: reply.status < 300 };
      }),
    ),
  });
  return {
    url: server.url,
    journal,
    seed: (name, value, tags = {}) => {
      vault.set(name, value, { tags });
    },
    snapshot: () => [
      ...vault.all().map((versions) => snapshotOf(versions, false)),
      ...vault.allDeleted().map(({ versions }) => snapshotOf(versions, true)),
    ],
    close: () => server.close(),
  };
}

/** Counts new versions in windows of ten seconds. */
class WriteLimit {
  private readonly most: number;
  private window = 0;
  private count = 0;

  constructor(most: number) {
    this.most = most;
  }

  refusal({ method }: Call): Reply | undefined {
    if (method !== 'PUT') return undefined;
    const window = Math.floor(performance.now() / 10_000);
    if (window !== this.window) [this.window, this.count] = [window, 0];
    this.count += 1;
    return this.count > this.most
      ? failure(429, 'Throttled', 'Request was not processed because too many.')
      : undefined;
  }
}

function isAuthorized(call: Call, options: KeyVaultOptions): boolean {
  const token = /^Bearer (\S+)$/i.exec(call.headers.authorization ?? '')?.[1];
  return token !== undefined && options.accepts(token, RESOURCE);
}

/**
 * The SDK's first request has no token and no body: it only asks where to get a token. It is not recorded and uses up
 * no fault, so that both are about what the caller wanted, whether or not its SDK had a token already.
 */
function challengeFirst(handler: Handler): Handler {
  return (call) => (call.headers.authorization === undefined ? challenge() : handler(call));
}

function challenge(): Reply {
  const refused = failure(401, 'Unauthorized', 'The request has no bearer token that this vault accepts.');
  const authenticate = `Bearer authorization="${AUTHORITY}", resource="${RESOURCE}"`;
  return { ...refused, headers: { ...refused.headers, 'www-authenticate': authenticate } };
}

function snapshotOf(versions: Versions, deleted: boolean): SecretSnapshot {
  const { name, tags, attributes, value } = latest(versions);
  return {
    name,
    versions: versions.length,
    tags: { ...tags },
    ...(attributes.exp !== undefined && { expires: attributes.exp }),
    deleted,
    value,
  };
}

function mask(record: RecordedRequest, publicValues: readonly string[]): RecordedRequest {
  const headers = { ...record.headers, authorization: '***' };
  return { ...record, headers, body: record.method === 'PUT' ? maskBody(record.body, publicValues) : record.body };
}

function maskBody(body: string, publicValues: readonly string[]): string {
  if (body === '') return body;
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null || !('value' in parsed)) return body;
    return publicValues.some((value) => value === parsed.value) ? body : JSON.stringify({ ...parsed, value: '***' });
  } catch {
    // What cannot be read may hold the value anywhere.
    return '***';
  }
}
