import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** One request as a stand-in sees it: body read whole, URL absolute. */
export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What a handler answers. `'drop'` ends the connection without an answer. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

export type Handler = (call: Call) => Promise<Reply | 'drop'> | Reply | 'drop';

export interface Certificate {
  /** PEM */
  readonly cert: string;
  /** PEM, PKCS 8 */
  readonly key: string;
}

export interface LoopbackServer {
  /** Scheme, host and port; no slash at the end. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface ServeOptions {
  readonly handler: Handler;
  /** Preferred port; a free one is taken when it is in use. */
  readonly port?: number;
  /** The name printed in the URL: `localhost` for what a browser visits, `127.0.0.1` for what an SDK calls. */
  readonly host?: 'localhost' | '127.0.0.1';
  readonly tls?: Certificate;
  /** Largest body accepted, in bytes. */
  readonly maxBody?: number;
}

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Listens on 127.0.0.1, on `preferred` when it is free and on any free port otherwise. Returns the port. */
export async function listen(server: Server, preferred = 0): Promise<number> {
  const attempt = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  try {
    await attempt(preferred);
  } catch (error) {
    if (preferred === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    await attempt(0);
  }
  return (server.address() as AddressInfo).port;
}

/**
 * Why a request must not be served by a loopback server, or undefined. A page of another site may make a browser send
 * requests here: DNS rebinding shows in Host, a cross-site form in Origin.
 */
export function refusal(request: Pick<IncomingMessage, 'method' | 'headers'>): string | undefined {
  if (!isLoopbackHost(request.headers.host)) return 'This server answers on a loopback name only.';
  const { origin } = request.headers;
  const writes = request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS';
  if (!writes || origin === undefined) return undefined;
  if (URL.canParse(origin) && isLoopbackHost(new URL(origin).host) && new URL(origin).host === request.headers.host)
    return undefined;
  return 'A write from another origin is refused.';
}

function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && LOOPBACK_NAMES.has(host.replace(/:\d+$/, '').toLowerCase());
}

/** Starts a loopback HTTP(S) server around a handler that maps a call to a reply. */
export async function serve(options: ServeOptions): Promise<LoopbackServer> {
  const scheme = options.tls ? 'https' : 'http';
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    void answer(request, response, options, scheme);
  };
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  server.keepAliveTimeout = 60_000;
  const port = await listen(server as Server, options.port);
  return {
    url: `${scheme}://${options.host ?? 'localhost'}:${port}`,
    port,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, options: ServeOptions, scheme: string) {
  try {
    const refused = refusal(request);
    if (refused) return send(response, { status: 403, headers: { 'content-type': 'text/plain' }, body: refused });
    const body = await readBody(request, options.maxBody ?? 16 * 1024 * 1024);
    if (!body) return send(response, { status: 413 });
    const url = new URL(request.url ?? '/', `${scheme}://${request.headers.host}`);
    const reply = await options.handler({ method: request.method ?? 'GET', url, headers: request.headers, body });
    if (reply === 'drop') request.socket.destroy();
    else send(response, reply);
  } catch (error) {
    console.error(error);
    if (!response.headersSent)
      send(response, {
        status: 500,
        headers: { 'content-type': 'text/plain' },
        body: 'The stand-in failed; see its log.',
      });
  }
}

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, reply: Reply): void {
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value as string | string[]);
  response.writeHead(reply.status);
  response.end(reply.body);
}

/** A JSON reply. */
export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(value),
  };
}
