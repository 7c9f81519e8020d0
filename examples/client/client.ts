/**
 * A small client of the HTTP API, for Node 22 and newer: every operation of docs/api/openapi.json, with its types. Runs on
 * a server only: what proves it must never reach a browser. No dependencies; copy it.
 */
import { type FieldError, type LinkError, type Operations, type Problem, ROUTES } from './api.generated.ts';

/** Headers that prove the caller: a function key, or a token. Asked before each request. */
export type Proof = () => Promise<Readonly<Record<string, string>>>;

/** An access token, as the credentials of `@azure/identity` give it. */
export interface TokenCredential {
  getToken(scope: string): Promise<{ readonly token: string } | null>;
}

export function functionKey(key: string): Proof {
  return async () => ({ 'x-functions-key': key });
}

/** @param scope `{client ID of the API}/.default` */
export function entra(credential: TokenCredential, scope: string): Proof {
  return async () => {
    const token = await credential.getToken(scope);
    if (!token) throw new Error(`There is no token for ${scope}.`);
    return { authorization: `Bearer ${token.token}` };
  };
}

/** An answer that is not 2xx. Branch on `code`. */
export class ApiError extends Error {
  readonly status: number;
  /** Of docs/errors.md; `unauthorized` and `not_found` too where the Functions host answers without a body. */
  readonly code: Problem['code'];
  readonly correlationId: string | undefined;
  readonly fields: readonly FieldError[];
  /** Why a link failed. */
  readonly link: LinkError | undefined;
  /** When to repeat the request, where the answer says so. */
  readonly retryAfterSeconds: number | undefined;

  constructor(response: Response, problem: Partial<Problem>) {
    super(problem.detail ?? `The API answered ${response.status}.`);
    this.name = 'ApiError';
    this.status = response.status;
    this.code = problem.code ?? codeOf(response.status);
    this.correlationId = response.headers.get('x-correlation-id') ?? undefined;
    this.fields = problem.errors ?? [];
    this.link = problem.error;
    const seconds = response.headers.get('retry-after');
    this.retryAfterSeconds = seconds === null ? undefined : Number(seconds);
  }
}

function codeOf(status: number): Problem['code'] {
  if (status === 401) return 'unauthorized';
  return status === 404 ? 'not_found' : 'internal_error';
}

/** Above the 30 seconds that a test mail may take. */
const TIMEOUT_MS = 45_000;

export class OutlookSender {
  private readonly url: string;
  private readonly proof: Proof;

  /** @param url ends in `/api` */
  constructor(url: string, proof: Proof) {
    this.url = url;
    this.proof = proof;
  }

  /**
   * Calls an operation by its name in the description.
   * @throws {ApiError} when the answer is not 2xx; anything else means that nobody knows whether the request had its
   *   effect. A mail with a `mailId`, and a confirm, may be repeated then.
   */
  async call<N extends keyof Operations>(name: N, input: Operations[N]['input']): Promise<Operations[N]['answer']> {
    const [method, path] = ROUTES[name];
    const { path: values = {}, query = {}, body } = input as Input;
    const filled = path.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(values[key] ?? ''));
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(given.map(([key, value]) => [key, String(value)]));
    const response = await fetch(`${this.url}${filled}${search.size > 0 ? `?${search}` : ''}`, {
      method,
      headers: { ...(await this.proof()), ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    // The Functions host itself answers 401 and 404 without a body.
    const answer: unknown = await response.json().catch(() => ({}));
    if (!response.ok) throw new ApiError(response, answer as Partial<Problem>);
    return answer as Operations[N]['answer'];
  }

  /** Every item of a list, page by page. */
  async *all<N extends ListName>(name: N, input: Operations[N]['input']): AsyncGenerator<Item<N>> {
    let after: string | undefined;
    do {
      const query = { ...(input as Input).query, ...(after !== undefined && { after }) };
      const page = await this.call(name, { ...input, query });
      yield* page.items as readonly Item<N>[];
      after = page.next;
    } while (after !== undefined);
  }
}

type ListName = 'connections-list' | 'applications-list' | 'mails-list';
type Item<N extends ListName> = Operations[N]['answer']['items'][number];

interface Input {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
}
