import { Client, type Context, type Middleware, ResponseType } from '@microsoft/microsoft-graph-client';
import type { GraphAnswer, GraphMail } from '../mail/graph-answer.ts';

/** `GraphMail` on Microsoft's Graph client, with a chain of our own: authentication, then transmission. No retries. */
export class GraphClientMail implements GraphMail {
  private readonly url: string;

  constructor(graphUrl: string) {
    this.url = `${graphUrl}/me/sendMail`;
  }

  async send(accessToken: string, body: string, clientRequestId: string, timeoutMs: number): Promise<GraphAnswer> {
    const transmission = new Transmission();
    const client = Client.initWithMiddleware({ middleware: [new Authentication(accessToken), transmission] });
    try {
      const response: Response = await client
        .api(this.url)
        .header('content-type', 'application/json')
        .header('client-request-id', clientRequestId)
        .option('signal', AbortSignal.timeout(Math.round(timeoutMs)))
        // Raw: the client neither throws nor loses headers of answers without a Graph error body.
        .responseType(ResponseType.RAW)
        .post(body);
      return await read(response);
    } catch (error) {
      // The client rewraps errors; what was thrown is kept by the last handler.
      return interrupted(transmission.failure ?? error);
    }
  }
}

/** Adds the access token, which was fetched before: an error thrown in here would lose its kind. */
class Authentication implements Middleware {
  private next: Middleware | undefined;
  private readonly accessToken: string;

  constructor(accessToken: string) {
    this.accessToken = accessToken;
  }

  async execute(context: Context): Promise<void> {
    const headers = {
      ...(context.options?.headers as Record<string, string>),
      Authorization: `Bearer ${this.accessToken}`,
    };
    context.options = { ...context.options, headers };
    await this.next?.execute(context);
  }

  setNext(next: Middleware): void {
    this.next = next;
  }
}

/** The last handler: sends exactly once, follows no redirect, and keeps the error as it was thrown. */
class Transmission implements Middleware {
  failure: unknown;

  async execute(context: Context): Promise<void> {
    try {
      context.response = await fetch(context.request, { ...context.options, redirect: 'manual' });
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

async function read(response: Response): Promise<GraphAnswer> {
  const answer = {
    kind: 'answer',
    status: response.status,
    ...header(response, 'retry-after', 'retryAfter'),
    ...header(response, 'request-id', 'requestId'),
  } as const;
  // The body of a 202 is empty; reading it frees the connection. An answer cut short keeps its status.
  const text = await response.text().catch(() => '');
  const codes = response.status >= 400 ? errorCodes(text) : {};
  const challenge = /\berror="([a-z_]{1,64})"/.exec(response.headers.get('www-authenticate') ?? '')?.[1];
  return { ...answer, ...codes, ...(challenge && { challengeError: challenge }) };
}

function header<K extends string>(response: Response, name: string, key: K): { [P in K]?: string } {
  const value = response.headers.get(name);
  return value === null ? {} : ({ [key]: value.slice(0, 200) } as { [P in K]: string });
}

/** Graph's `error.code` and that of its `innerError`. Its text is not kept: it quotes addresses. */
function errorCodes(text: string): { readonly code?: string; readonly innerCode?: string } {
  try {
    const { error } = JSON.parse(text) as { error?: GraphErrorBody };
    // Documented as `innerError`, seen as `innererror` too.
    const code = codeOf(error);
    const innerCode = codeOf(error?.innerError ?? error?.innererror);
    return { ...(code && { code }), ...(innerCode && { innerCode }) };
  } catch {
    return {};
  }
}

interface GraphErrorBody {
  readonly code?: unknown;
  readonly innerError?: { readonly code?: unknown };
  readonly innererror?: { readonly code?: unknown };
}

function codeOf(body: { readonly code?: unknown } | undefined | null): string | undefined {
  return typeof body?.code === 'string' && /^[\w.-]{1,100}$/.test(body.code) ? body.code : undefined;
}

/** Failures of the connection itself, before a byte of the request could leave. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

interface Cause {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly errors?: readonly Cause[];
}

function interrupted(error: unknown): GraphAnswer {
  const { name, cause } = error as { name?: string; cause?: Cause };
  // Several addresses tried in vain come as an AggregateError; it is "not sent" only when each of them was.
  const causes = cause?.errors ?? [cause];
  const notSent = causes.length > 0 && causes.every((each) => each !== undefined && neverConnected(each));
  const code = causes[0]?.code;
  return { kind: notSent ? 'notSent' : 'noAnswer', cause: typeof code === 'string' ? code : (name ?? 'unknown') };
}

/** ETIMEDOUT, ENETUNREACH and their like mean "never connected" only when it was connecting that failed. */
function neverConnected({ code, syscall }: Cause): boolean {
  return syscall === 'connect' || (typeof code === 'string' && NOT_SENT.has(code));
}
