import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Storage } from '../../../sandbox/storage/azurite.ts';

const REQUESTS = 'http.server.request.start';

/** Marks the requests of clients that are neither the app nor its host. */
export const OUTSIDER = 'outsider';

/** Notes what is done to which queue, table and container: `queues/outlook-mail: Put Message`. */
export function watchStorage({ queueUrl, tableUrl, blobUrl }: Storage): { done: Set<string>; stop(): void } {
  const done = new Set<string>();
  const hosts = new Map([
    [new URL(queueUrl).host, queueOperation],
    [new URL(tableUrl).host, tableOperation],
    [new URL(blobUrl).host, blobOperation],
  ]);
  const onRequest = (message: unknown) => {
    const { request } = message as { request: IncomingMessage };
    const operation = hosts.get(request.headers.host ?? '');
    if (!operation || request.headers['user-agent']?.includes(OUTSIDER)) return;
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const [, , ...segments] = decodeURIComponent(path).split('/');
    const call = { method: request.method ?? '', segments, query: new URLSearchParams(query) };
    if (segments[0] === '$batch') {
      whenRead(request, (body) => {
        for (const one of batched(body)) done.add(one);
      });
      return;
    }
    done.add(operation(call));
  };
  subscribe(REQUESTS, onRequest);
  return { done, stop: () => unsubscribe(REQUESTS, onRequest) };
}

interface Call {
  readonly method: string;
  /** Of the path, after the account. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

const named = (kind: string, name: string | undefined, operation: string | undefined, call: Call) =>
  `${kind}/${name}: ${operation ?? `${call.method} ${call.segments.slice(1).join('/')}?${call.query}`}`;

function queueOperation(call: Call): string {
  const [name, messages, id] = call.segments;
  const operations: Record<string, string> = id
    ? { PUT: 'Update Message', DELETE: 'Delete Message' }
    : { POST: 'Put Message', GET: call.query.get('peekonly') === 'true' ? 'Peek Messages' : 'Get Messages' };
  const isMetadata = call.query.get('comp') === 'metadata' && call.method !== 'PUT';
  const operation = isMetadata ? 'Get Queue Metadata' : messages ? operations[call.method] : undefined;
  return named('queues', name, operation, call);
}

const ROW_OPERATIONS: Readonly<Record<string, string>> = {
  GET: 'Query Entities',
  POST: 'Insert Entity',
  PATCH: 'Update Entity',
  MERGE: 'Update Entity',
  PUT: 'Update Entity',
  DELETE: 'Delete Entity',
};

function tableOperation(call: Call): string {
  const name = call.segments[0]?.replace(/\(.*/s, '');
  return named('tables', name, ROW_OPERATIONS[call.method], call);
}

/** The operations in the body of an entity group transaction. */
function batched(body: string): string[] {
  return [...body.matchAll(/^(POST|PATCH|MERGE|PUT|DELETE|GET) \S+?\/(\w+)(?:\(\S*)? HTTP/gm)].map(
    ([, method = '', table]) => `tables/${table}: ${ROW_OPERATIONS[method]}`,
  );
}

function blobOperation(call: Call): string {
  const [container, ...blob] = call.segments;
  const operations: Record<string, string> = {
    GET: 'Get Blob',
    HEAD: 'Get Blob',
    PUT: 'Put Blob',
    DELETE: 'Delete Blob',
  };
  if (blob.length === 0 && call.query.get('comp') === 'list') return named('containers', container, 'List Blobs', call);
  const isPlain = blob.length > 0 && !call.query.has('comp');
  return named('containers', container, isPlain ? operations[call.method] : undefined, call);
}

/** Looks at what the server reads, without reading it itself. */
function whenRead(request: IncomingMessage, use: (body: string) => void): void {
  const chunks: string[] = [];
  const push = request.push.bind(request);
  request.push = (chunk: unknown, ...rest) => {
    if (chunk === null) use(chunks.join(''));
    else chunks.push(String(chunk));
    return push(chunk, ...rest);
  };
}
