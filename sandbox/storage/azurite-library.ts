import type { Server } from 'node:http';
import { createRequire } from 'node:module';

/**
 * Azurite as a library. It promises no such interface and has no types, so everything that depends on its inner shape is
 * in this file, and package.json pins the exact version.
 */

export type Service = 'blob' | 'queue' | 'table';

export interface AzuriteServer {
  readonly httpServer: Server;
  start(): Promise<void>;
  close(): Promise<void>;
  /** Scheme, host and the port that was really taken. */
  getHttpServerAddress(): string;
}

/** Files of a PEM certificate; Azurite reads them when a server is made. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

type Newable<T> = new (...parameters: readonly unknown[]) => T;

const require = createRequire(import.meta.url);

const KEEP_ALIVE_SECONDS = 5;
const NO_FILE = '';
const NO_ACCESS_LOG = [false, undefined];
const NO_DEBUG_LOG = [false, undefined];
/** Azurite's order: not loose; any API version, as SDKs are usually ahead of it. */
const STRICTNESS = [false, true];

/** One service on 127.0.0.1, all data in memory: no log, no file, no telemetry (only Azurite's command line starts that). */
export function azuriteServer(service: Service, port: number, tls: CertificateFiles | undefined): AzuriteServer {
  const name = { blob: 'Blob', queue: 'Queue', table: 'Table' }[service];
  const Configuration = load<{ default: Newable<unknown> }>(`${service}/${name}Configuration`).default;
  const make = <S>(...parameters: readonly unknown[]) => {
    const Server = load<{ default: Newable<S> }>(`${service}/${name}Server`).default;
    return new Server(new Configuration(...parameters));
  };
  const address = ['127.0.0.1', port, KEEP_ALIVE_SECONDS];
  // `basic` checks audience, issuer and expiry of a token; Azurite allows it over https only.
  const security = tls ? [tls.cert, tls.key, '', 'basic'] : ['', '', '', undefined];
  const [productStyleUrlsOff, inMemory] = [false, true];
  const end = [...STRICTNESS, ...security, productStyleUrlsOff, inMemory];
  if (service === 'table') {
    const [debugLog, debugFile] = NO_DEBUG_LOG;
    const [accessLog, accessStream] = NO_ACCESS_LOG;
    const server = make<TableServer>(...address, NO_FILE, debugLog, accessLog, accessStream, debugFile, ...end);
    findRowsByBothKeys(server);
    return server;
  }
  // A store of its own, so that closing frees the memory; the default one lives as long as the process.
  const { MemoryExtentChunkStore } = load<{ MemoryExtentChunkStore: Newable<unknown> }>(
    'common/persistence/MemoryExtentStore',
  );
  const server = make<MessageServer>(
    ...address,
    NO_FILE,
    NO_FILE,
    [],
    ...NO_ACCESS_LOG,
    ...NO_DEBUG_LOG,
    ...end,
    new MemoryExtentChunkStore(),
  );
  deleteExtentsSingly(server);
  return server;
}

interface Row {
  readonly PartitionKey: string;
  readonly RowKey: string;
}

interface Collection {
  readonly data: readonly Row[];
  findOne(query: Row): Row | null;
  on(event: 'insert' | 'update' | 'delete', listener: (row: Row) => void): void;
}

interface TableServer extends AzuriteServer {
  readonly metadataStore: { getEntityCollection(...parameters: unknown[]): Collection };
}

/**
 * Azure finds a row by both its keys in one step. Azurite looks through all that share its RowKey, and gets slower with
 * every partition that has a row of that name, as each mailbox has its lane. All its lookups of one row name both keys.
 */
function findRowsByBothKeys({ metadataStore }: TableServer): void {
  const original = metadataStore.getEntityCollection.bind(metadataStore);
  metadataStore.getEntityCollection = (...parameters) => {
    const collection = original(...parameters);
    const isIndexed = Object.hasOwn(collection, 'findOne');
    if (!isIndexed) index(collection);
    return collection;
  };
}

function index(collection: Collection): void {
  // No key may hold a control character.
  const key = ({ PartitionKey, RowKey }: Row) => `${PartitionKey}\0${RowKey}`;
  const rows = new Map(collection.data.map((row) => [key(row), row]));
  const keep = (row: Row) => rows.set(key(row), row);
  collection.on('insert', keep);
  collection.on('update', keep);
  collection.on('delete', (row) => rows.delete(key(row)));
  collection.findOne = (query) => rows.get(key(query)) ?? null;
}

interface ExtentStore {
  readonly db: { getCollection(name: string): { findOne(query: object): unknown; remove(row: unknown): void } };
  readonly EXTENTS_COLLECTION: string;
  deleteExtent(id: string): Promise<unknown>;
}

interface MessageServer extends AzuriteServer {
  readonly extentMetadataStore: ExtentStore;
}

/**
 * Once a minute, Azurite deletes the texts of messages that are gone, and sorts its index anew for each: after 20,000
 * messages it answers nobody for minutes.
 */
function deleteExtentsSingly({ extentMetadataStore: store }: MessageServer): void {
  store.deleteExtent = async (id) => {
    const extents = store.db.getCollection(store.EXTENTS_COLLECTION);
    const extent = extents.findOne({ id });
    if (extent) extents.remove(extent);
  };
}

function load<T>(module: string): T {
  return require(`azurite/dist/src/${module}.js`) as T;
}
