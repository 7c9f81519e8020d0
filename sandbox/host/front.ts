import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { pipeline } from 'node:stream/promises';
import { listen, refusal } from '../kit/serve.ts';
import { readBody } from './read-body.ts';
import type { WorkerPool } from './worker-pool.ts';
import type { RunningWorker } from './worker-slot.ts';

/** About one connection, not about the message: not forwarded. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);
const MARK = ['x-sandbox-host', 'development'] as const;

/** The one address of the app: passes every request, as it is, to the worker whose turn it is. */
export class Front {
  private readonly server: Server;
  private pool: WorkerPool | undefined;

  constructor() {
    this.server = createServer((request, response) => {
      void this.serve(request, response);
    });
    // Longer than clients keep theirs, so that no request meets a connection that is just being closed.
    this.server.keepAliveTimeout = 60_000;
  }

  /** Separate from `listen`, since the workers are told the address when they start. */
  connect(pool: WorkerPool): void {
    this.pool = pool;
  }

  listen(port: number): Promise<number> {
    return listen(this.server, port);
  }

  /** Accepts no new connection. */
  refuse(): void {
    this.server.close();
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const refused = refusal(request);
      if (refused) return answer(response, 403, refused);
      const body = await readBody(request);
      if (!body) return answer(response, 413);
      const worker = this.pool?.next();
      if (!worker) return answer(response, 503);
      await forward(request, body, response, worker);
    } catch {
      // The worker died during the request, or the client has gone.
      if (response.headersSent) response.destroy();
      else answer(response, 502);
    }
  }
}

function answer(response: ServerResponse, status: number, text?: string): void {
  response.statusCode = status;
  response.setHeader(...MARK);
  if (text !== undefined) response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(text);
}

async function forward(
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
  { port, instance }: RunningWorker,
): Promise<void> {
  const answered = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = httpRequest(
      {
        agent: instance.agent,
        host: '127.0.0.1',
        port,
        method: request.method,
        path: request.url,
        setHost: false,
        headers: [...endToEnd(request.rawHeaders), ...lengthOf(request, body)],
      },
      resolve,
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
  response.writeHead(answered.statusCode ?? 502, answered.statusMessage, endToEnd(answered.rawHeaders));
  await pipeline(answered, response);
}

/** A body that came in chunks goes on in one piece, so its length must be told. */
function lengthOf(request: IncomingMessage, body: Buffer): string[] {
  return request.headers['transfer-encoding'] === undefined ? [] : ['content-length', String(body.length)];
}

/** Raw headers, so that names keep their case and repeated ones stay apart. */
function endToEnd(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
