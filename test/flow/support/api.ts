import type { CallerProof } from '../../../sandbox/hire2retire/caller-proof.ts';
import { breachOf } from './contract.ts';

/** An answer of the API. */
export interface Answer {
  readonly request: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** A function key instead of what usually proves us; `undefined` sends nothing. */
  readonly key?: string | undefined;
}

/** Calls the API as Hire2Retire's server would, remembers every answer and holds it against the published description. */
export class Api {
  readonly answers: Answer[] = [];
  private readonly url: string;
  private readonly proof: CallerProof;

  /** @param url ends in `/api` */
  constructor(url: string, proof: CallerProof) {
    this.url = url;
    this.proof = proof;
  }

  /** @param path begins with a slash */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { body, headers = {} } = options;
    const given = 'key' in options;
    const proof = given ? options.key !== undefined && { 'x-functions-key': options.key } : await this.proof();
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...proof,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      redirect: 'manual',
    });
    const answer = { request: `${method} ${path}`, status: response.status, headers: response.headers };
    const complete = { ...answer, text: await response.text() };
    this.answers.push(complete);
    const { status, headers: received, text } = complete;
    const breach = breachOf(method, path, { status, type: received.get('content-type') ?? '', text });
    if (breach !== undefined) throw new Error(breach);
    return complete;
  }

  /** Calls, expects a status and reads the body. */
  async expect<T = Problem>(status: number, method: string, path: string, options: CallOptions = {}): Promise<T> {
    const answer = await this.call(method, path, options);
    if (answer.status !== status)
      throw new Error(`${answer.request} answered ${answer.status} instead of ${status}: ${answer.text}`);
    return JSON.parse(answer.text) as T;
  }
}

/** An error of the API (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly correlationId: string;
  readonly errors?: readonly { readonly pointer: string; readonly code: string; readonly detail: string }[];
  /** Of a link that failed. */
  readonly error?: LinkError;
}

export interface LinkError {
  readonly code: string;
  readonly person: string;
  readonly operator: string;
  readonly whoActs: string;
  readonly action?: string;
  readonly textForIt?: string;
  readonly adminConsentUrl?: string;
  readonly microsoft?: { readonly correlationId: string; readonly traceId: string };
}

export interface StartedLink {
  readonly linkId: string;
  readonly linkUrl: string;
  readonly expiresAt: string;
  readonly warnings: readonly string[];
}

export interface LinkState {
  readonly linkId: string;
  readonly state: string;
  readonly connectionId?: string;
  readonly error?: LinkError;
}

export interface Connection {
  readonly connectionId: string;
  readonly customerId: string;
  readonly displayName: string;
  readonly status: string;
  readonly reason?: string;
  readonly mailbox: { readonly signInName: string; readonly tenantId: string; readonly objectId: string };
  readonly application: { readonly kind: string; readonly clientId: string; readonly secretExpiresOn?: string };
  readonly lane?: { readonly waiting: number; readonly pausedUntil?: string };
}

export interface Mail {
  readonly mailId: string;
  readonly customerId: string;
  readonly connectionId: string;
  readonly state: string;
  readonly reason?: string;
  readonly attempts: number;
  readonly acceptedAt?: string;
  readonly late?: true;
  readonly graph?: { readonly requestId: string; readonly clientRequestId: string; readonly status: number };
}

export interface List<T> {
  readonly items: readonly T[];
  readonly next?: string;
}
