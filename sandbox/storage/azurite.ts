import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certificate, refusal } from '../kit/serve.ts';
import { type AzuriteServer, azuriteServer, type CertificateFiles, type Service } from './azurite-library.ts';
import { countKey, emptyCounts, type StorageCounts } from './counts.ts';

export interface StorageOptions {
  /** https, and access by identity beside the account key. */
  readonly tls?: Certificate;
  /** `usual`: 10000-10002 when all three are free. Only over http, which is all that `UseDevelopmentStorage=true` means. */
  readonly ports?: 'usual' | 'free';
  /** How long each request waits before it is served, as it would between two machines. */
  readonly latencyMs?: number;
}

export interface Storage {
  readonly connectionString: string;
  /** Service addresses with the account in them; no slash at the end. */
  readonly blobUrl: string;
  readonly queueUrl: string;
  readonly tableUrl: string;
  /** Requests since the start or the last `clearCounts`, those of the Functions host among them. */
  counts(): StorageCounts;
  clearCounts(): void;
  close(): Promise<void>;
}

const ACCOUNT = 'devstoreaccount1';
/** The one key that every storage emulator has, published by Microsoft; it opens nothing but a loopback port. */
const ACCOUNT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const SERVICES = ['blob', 'queue', 'table'] as const;
const USUAL_PORTS = { blob: 10000, queue: 10001, table: 10002 } as const;
const FREE_PORTS = { blob: 0, queue: 0, table: 0 } as const;

/** Starts Azurite's three services in this process, in memory. */
export async function startStorage(options: StorageOptions = {}): Promise<Storage> {
  let counts = emptyCounts();
  const count = (service: Service, request: IncomingMessage) => {
    const key = countKey(request.method, request.url);
    counts[service][key] = (counts[service][key] ?? 0) + 1;
  };
  const usual = options.ports !== 'free' && !options.tls && (await areFree(Object.values(USUAL_PORTS)));
  const servers = await withCertificateFiles(options.tls, async (files) => {
    const start = (ports: Readonly<Record<Service, number>>) => startAll(ports, files, count, options.latencyMs ?? 0);
    // Another process may take a port between the question and the start.
    return usual ? start(USUAL_PORTS).catch(() => start(FREE_PORTS)) : start(FREE_PORTS);
  });
  const url = (service: Service) => `${servers[service].getHttpServerAddress()}/${ACCOUNT}`;
  return {
    connectionString: connectionString(options.tls ? 'https' : 'http', url),
    blobUrl: url('blob'),
    queueUrl: url('queue'),
    tableUrl: url('table'),
    counts: () => counts,
    clearCounts: () => {
      counts = emptyCounts();
    },
    close: () => closeAll(Object.values(servers)),
  };
}

function connectionString(scheme: 'http' | 'https', url: (service: Service) => string): string {
  const fields = {
    DefaultEndpointsProtocol: scheme,
    AccountName: ACCOUNT,
    AccountKey: ACCOUNT_KEY,
    BlobEndpoint: url('blob'),
    QueueEndpoint: url('queue'),
    TableEndpoint: url('table'),
  };
  return `${Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(';')};`;
}

async function startAll(
  ports: Readonly<Record<Service, number>>,
  files: CertificateFiles | undefined,
  count: (service: Service, request: IncomingMessage) => void,
  latencyMs: number,
): Promise<Record<Service, AzuriteServer>> {
  const make = (service: Service) => {
    const server = azuriteServer(service, ports[service], files);
    guard(server, (request) => count(service, request), latencyMs);
    return server;
  };
  const servers = { blob: make('blob'), queue: make('queue'), table: make('table') };
  const started = await Promise.allSettled(SERVICES.map((service) => servers[service].start()));
  const failed = started.find((result) => result.status === 'rejected');
  if (!failed) return servers;
  await closeAll(SERVICES.filter((_, index) => started[index]?.status === 'fulfilled').map((name) => servers[name]));
  throw failed.reason;
}

/**
 * Puts our own listener before Azurite's: it counts, and it refuses what a page of another site could make a browser
 * send. The account key is public, so a signed address can be made by anybody; Azurite itself looks at neither Host nor
 * Origin.
 */
function guard(server: AzuriteServer, count: (request: IncomingMessage) => void, latencyMs: number): void {
  const listeners = server.httpServer.listeners('request') as RequestListener[];
  server.httpServer.removeAllListeners('request');
  server.httpServer.on('request', (request, response) => {
    const refused = refusal(request);
    if (refused) {
      response.writeHead(403, { 'content-type': 'text/plain' }).end(refused);
      return;
    }
    count(request);
    const pass = () => {
      for (const listener of listeners) listener.call(server.httpServer, request, response);
    };
    if (latencyMs > 0) setTimeout(pass, latencyMs);
    else pass();
  });
}

async function closeAll(servers: readonly AzuriteServer[]): Promise<void> {
  for (const { httpServer } of servers) httpServer.closeAllConnections();
  await Promise.all(servers.map((server) => server.close()));
}

async function areFree(ports: readonly number[]): Promise<boolean> {
  return (await Promise.all(ports.map(isFree))).every(Boolean);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** Azurite takes a certificate as files only. They are read once, so they exist no longer than the start takes. */
async function withCertificateFiles<T>(
  tls: Certificate | undefined,
  action: (files: CertificateFiles | undefined) => Promise<T>,
): Promise<T> {
  if (!tls) return action(undefined);
  const folder = await mkdtemp(join(tmpdir(), 'outlook-sandbox-storage-'));
  try {
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    await writeFile(files.cert, tls.cert, { mode: 0o600 });
    await writeFile(files.key, tls.key, { mode: 0o600 });
    return await action(files);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
