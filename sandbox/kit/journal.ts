import { setTimeout as delay } from 'node:timers/promises';
import { type Call, type Handler, json, type Reply } from './serve.ts';

/** One recorded request, as `GET {control}/{stand-in}/requests` shows it. */
export interface RecordedRequest {
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly status: number;
  /** Whether the request had its effect, whatever was answered. */
  readonly taken: boolean;
  readonly mailbox?: string;
}

/** A fault: the first that matches and has `times` left answers instead of the stand-in, or delays it. */
export interface Fault {
  readonly match?: { readonly method?: string; readonly path?: string; readonly contains?: string };
  readonly times?: number;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as it is; anything else as JSON. */
  readonly body?: unknown;
  readonly delayMs?: number;
  /** With a status: the request has its effect all the same. */
  readonly taken?: boolean;
  /** Ends the connection without an answer, before or after the effect. */
  readonly drop?: 'before' | 'after';
  /** Identity platform, `/authorize` only: what is sent back to the redirect URI. */
  readonly redirect?: { readonly error: string; readonly error_description?: string; readonly error_subcode?: string };
  /**
   * Identity platform, token endpoint only: members that replace those of a successful answer, `null` to leave one out.
   * `id_token` takes claims, which replace those of the id token in the same way. The token is signed as ever.
   */
  readonly answer?: Readonly<Record<string, unknown>>;
}

/** What a stand-in's handler may add to its reply for the record. */
export interface Outcome {
  readonly reply: Reply;
  readonly taken?: boolean;
  readonly mailbox?: string;
}

/** `fault` is the one that the call met and that passed it on. */
export type RecordedHandler = (call: Call, fault?: Fault) => Promise<Outcome> | Outcome;

export interface JournalOptions {
  /** Replaces credential values in what is recorded. */
  readonly mask: (record: RecordedRequest) => RecordedRequest;
  /** Answers a fault that has `redirect`; undefined when this call cannot be redirected. */
  readonly redirect?: (call: Call, redirect: NonNullable<Fault['redirect']>) => Reply | undefined;
  /** Requests kept; the oldest are forgotten first. */
  readonly limit?: number;
}

/** Records every request of a stand-in and lets faults answer in its place. */
export class Journal {
  readonly requests: RecordedRequest[] = [];
  readonly faults: { readonly fault: Fault; left: number }[] = [];
  private readonly options: JournalOptions;

  constructor(options: JournalOptions) {
    this.options = options;
  }

  addFaults(faults: readonly Fault[]): void {
    for (const fault of faults) this.faults.push({ fault, left: fault.times ?? 1 });
  }

  /** Wraps a stand-in's handler. */
  wrap(handler: RecordedHandler): Handler {
    return async (call) => {
      const fault = this.take(call);
      if (fault?.delayMs) await delay(fault.delayMs);
      const redirected = fault?.redirect && this.options.redirect?.(call, fault.redirect);
      if (redirected) return this.record(call, { reply: redirected, taken: false });
      const answersItself = fault?.status !== undefined || fault?.drop !== undefined;
      const effect = !fault || !answersItself || fault.taken === true || fault.drop === 'after';
      const outcome = effect ? await handler(call, fault) : undefined;
      if (fault?.drop) {
        this.record(call, { ...outcome, taken: outcome?.taken ?? effect, reply: { status: 0 } });
        return 'drop';
      }
      if (fault?.status === undefined && outcome) return this.record(call, outcome);
      return this.record(call, {
        ...outcome,
        taken: outcome ? (outcome.taken ?? true) : false,
        reply: faultReply(fault ?? {}),
      });
    };
  }

  private take(call: Call): Fault | undefined {
    const hit = this.faults.find(({ fault, left }) => left > 0 && matches(fault, call));
    if (hit) hit.left -= 1;
    return hit?.fault;
  }

  private record(call: Call, outcome: Outcome): Reply {
    const headers = Object.entries(call.headers).map(([name, value]) => [name, String(value)] as const);
    this.requests.push(
      this.options.mask({
        at: new Date().toISOString(),
        method: call.method,
        path: call.url.pathname,
        query: Object.fromEntries(call.url.searchParams),
        headers: Object.fromEntries(headers),
        body: call.body.toString('utf8'),
        status: outcome.reply.status,
        taken: outcome.taken ?? outcome.reply.status < 300,
        ...(outcome.mailbox !== undefined && { mailbox: outcome.mailbox }),
      }),
    );
    if (this.requests.length > (this.options.limit ?? 20_000)) this.requests.shift();
    return outcome.reply;
  }
}

function matches(fault: Fault, call: Call): boolean {
  const { method, path, contains } = fault.match ?? {};
  if (method !== undefined && method.toUpperCase() !== call.method) return false;
  if (path !== undefined && !call.url.pathname.includes(path)) return false;
  return contains === undefined || call.body.includes(contains) || call.url.search.includes(contains);
}

function faultReply(fault: Fault): Reply {
  const status = fault.status ?? 500;
  if (fault.body === undefined) return { status, headers: fault.headers ?? {} };
  if (typeof fault.body === 'string')
    return { status, headers: { 'content-type': 'text/html', ...fault.headers }, body: fault.body };
  return json(status, fault.body, { ...fault.headers });
}
