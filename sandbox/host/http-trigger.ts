import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { listen, refusal } from '../kit/serve.ts';
import type { Binding } from './functions-core.ts';
import { fromHttpData, type HttpInput, type HttpOutput, toHttpData } from './http-message.ts';
import type { AppFunction, Invoker } from './invoker.ts';
import { isAllowed, type Keys } from './keys.ts';
import { readBody } from './read-body.ts';
import { RouteTable } from './routes.ts';

export interface HttpTriggerOptions {
  readonly functions: readonly AppFunction[];
  readonly routePrefix: string;
  readonly keys: Keys;
  readonly invoker: Invoker;
  /** Starts a timer or queue function by hand; false when there is no such function. */
  readonly runByHand: (functionName: string, input: string) => boolean;
}

interface HttpRoute {
  readonly target: AppFunction;
  readonly authLevel: string;
}

const ROOT_PAGE = 'This is a development host for Azure Functions. It is not for production.\n';
const EMPTY = { headers: [], body: undefined } as const;
const MARK = ['x-sandbox-host', 'development'] as const;

/** The HTTP side of one instance: what the real host answers itself, and the functions behind it. */
export class HttpTrigger {
  private readonly options: HttpTriggerOptions;
  private readonly routes: RouteTable<HttpRoute>;
  private readonly server: Server;
  private readonly active = new Set<Promise<void>>();

  constructor(options: HttpTriggerOptions) {
    this.options = options;
    this.routes = new RouteTable(
      options.functions.map((target) => {
        const binding = triggerBinding(target);
        return {
          template: `${options.routePrefix}/${binding.route ?? target.name}`,
          methods: binding.methods,
          value: { target, authLevel: (binding.authLevel ?? 'function').toLowerCase() },
        };
      }),
    );
    this.server = createServer((request, response) => {
      const work = this.serve(request, response).finally(() => this.active.delete(work));
      this.active.add(work);
    });
    // The front keeps its connections: closing one here could hit a request that is just being sent.
    this.server.keepAliveTimeout = 0;
  }

  listen(): Promise<number> {
    return listen(this.server);
  }

  /** Resolves when the requests now running are answered. */
  async stop(): Promise<void> {
    this.server.close();
    await Promise.allSettled(this.active);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await send(response, await this.answer(request));
    } catch {
      // The failure is in the log; its text is nobody else's business.
      if (response.headersSent) response.destroy();
      else await send(response, { ...EMPTY, status: 500 }).catch(() => response.destroy());
    }
  }

  private async answer(request: IncomingMessage): Promise<HttpOutput> {
    const refused = refusal(request);
    if (refused) return plainText(403, refused);
    const method = request.method ?? 'GET';
    const target = request.url ?? '/';
    if (!target.startsWith('/') || !URL.canParse(`http://${request.headers.host}${target}`))
      return { ...EMPTY, status: 400 };
    const url = new URL(`http://${request.headers.host}${target}`);
    if (url.pathname === '/' && method === 'GET') return plainText(200, ROOT_PAGE);

    const key = keyOf(request, url);
    if (url.pathname.startsWith('/admin/')) return this.admin(request, url.pathname, key);
    const match = this.match(method, url.pathname);
    if (match === 'malformed') return { ...EMPTY, status: 400 };
    if (!match) return { ...EMPTY, status: 404 };
    const { value: route, params } = match;
    if (!isAllowed(route.authLevel, key, this.options.keys)) return { ...EMPTY, status: 401 };
    const body = await readBody(request);
    if (!body) return { ...EMPTY, status: 413 };
    return this.run(route.target, { method, url, headers: headersOf(request), params, body });
  }

  private match(method: string, path: string) {
    try {
      return this.routes.find({ method, path });
    } catch (error) {
      if (error instanceof URIError) return 'malformed' as const;
      throw error;
    }
  }

  private async run(target: AppFunction, input: HttpInput): Promise<HttpOutput> {
    const { returnValue } = await this.options.invoker.invoke(target, { http: toHttpData(input) });
    return fromHttpData(returnValue?.http);
  }

  private async admin(request: IncomingMessage, path: string, key: string | undefined): Promise<HttpOutput> {
    if (!isAllowed('admin', key, this.options.keys)) return { ...EMPTY, status: 401 };
    const name = /^\/admin\/functions\/([^/]+)$/.exec(path)?.[1];
    if (name === undefined || request.method !== 'POST') return { ...EMPTY, status: 404 };
    const input = inputOf(await readBody(request));
    if (input === undefined) return { ...EMPTY, status: 400 };
    return { ...EMPTY, status: this.options.runByHand(decodeURIComponent(name), input) ? 202 : 404 };
  }
}

/** The trigger's own settings: route, methods, authLevel. */
export function triggerBinding(target: AppFunction): Binding {
  const binding = target.metadata.bindings[target.trigger.name];
  if (!binding) throw new Error(`The function '${target.name}' has no trigger.`);
  return binding;
}

/** Node drops a second Authorization header; the real host joins it to the first. */
function headersOf({ headers, headersDistinct }: IncomingMessage): IncomingHttpHeaders {
  const authorization = headersDistinct['authorization']?.join(',');
  return authorization === undefined ? headers : { ...headers, authorization };
}

function keyOf(request: IncomingMessage, url: URL): string | undefined {
  const header = request.headers['x-functions-key'];
  if (typeof header === 'string') return header;
  // ASP.NET's query knows no capitals.
  return [...url.searchParams].find(([name]) => name.toLowerCase() === 'code')?.[1];
}

/** `{"input": "text"}`, as the portal sends it; undefined when it is not JSON. */
function inputOf(body: Buffer | undefined): string | undefined {
  if (!body) return undefined;
  try {
    const { input } = JSON.parse(body.toString('utf8') || '{}') as { input?: unknown };
    return typeof input === 'string' ? input : JSON.stringify(input ?? '');
  } catch {
    return undefined;
  }
}

function plainText(status: number, body: string): HttpOutput {
  return { status, headers: [['content-type', 'text/plain; charset=utf-8']], body };
}

function send(response: ServerResponse, { status, headers, body }: HttpOutput): Promise<void> {
  for (const [name, value] of headers) response.appendHeader(name, value);
  response.setHeader(...MARK);
  response.statusCode = status;
  return new Promise((resolve) => {
    response.once('close', resolve);
    response.end(body);
  });
}
