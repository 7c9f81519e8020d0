import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Account } from '../directory.ts';
import { Journal, type Outcome, type RecordedRequest } from '../kit/journal.ts';
import { type Call, type Certificate, type Handler, json, serve } from '../kit/serve.ts';
import { failure, type GraphFailure, invalidToken } from './failure.ts';
import { InFlight, type MailboxStats } from './in-flight.ts';
import type { GraphMessage } from './message.ts';
import { readSendMail, refusalOf } from './read-send-mail.ts';

/** Requests that Graph serves at once for one application and mailbox. */
const CONCURRENCY_LIMIT = 4;
/** Characters of a body that the record keeps. */
const RECORDED_BODY = 100 * 1024;

/** A mail that Graph accepted. */
export interface SentMail {
  /** Address of the mailbox that sent it. */
  readonly mailbox: string;
  /** Name of that mailbox. */
  readonly name: string;
  readonly message: GraphMessage;
  readonly saveToSentItems: boolean;
  readonly requestId: string;
  readonly at: Date;
}

/** Who an access token speaks for. */
export interface Caller {
  readonly account: Account;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

export interface GraphOptions {
  readonly tls: Certificate;
  readonly port?: number;
  readonly verify: (token: string) => Caller | undefined;
  /** Called in the order of acceptance; its failure is logged and changes no answer. */
  readonly deliver: (mail: SentMail) => Promise<void> | void;
  /** Values that may show in the record of requests. */
  readonly publicValues: readonly string[];
  /** How long a send takes. */
  readonly latencyMs?: number;
  /** Requests in flight per application and mailbox before others are throttled. */
  readonly maxConcurrent?: number;
}

export interface Graph {
  /** Without `/v1.0` and without a slash at the end. */
  readonly url: string;
  readonly journal: Journal;
  stats(): { mailboxes: MailboxStats[] };
  close(): Promise<void>;
}

/** Starts the stand-in for Microsoft Graph: `POST /v1.0/me/sendMail` and nothing else. */
export async function startGraph(options: GraphOptions): Promise<Graph> {
  const inFlight = new InFlight();
  const journal = new Journal({ mask: (record) => mask(record, options) });
  const server = await serve({
    host: '127.0.0.1',
    tls: options.tls,
    ...(options.port !== undefined && { port: options.port }),
    handler: admit(options, inFlight, (admission) =>
      journal.wrap((call) => answer(call, admission, options, inFlight)),
    ),
  });
  return {
    url: server.url,
    journal,
    stats: () => ({ mailboxes: inFlight.stats() }),
    close: () => server.close(),
  };
}

/** What is known about a request when it arrives. */
interface Admission {
  readonly requestId: string;
  readonly clientRequestId: string;
  readonly caller: Caller | undefined;
  readonly overLimit: boolean;
}

/**
 * Counts a request from its arrival to its answer, so that a delay caused by a fault counts as well, and puts Graph's
 * ids on whatever is answered.
 */
function admit(options: GraphOptions, inFlight: InFlight, handlerFor: (admission: Admission) => Handler): Handler {
  return async (call) => {
    const requestId = randomUUID();
    const clientRequestId = String(call.headers['client-request-id'] ?? requestId);
    const caller = callerOf(call.headers.authorization, options);
    const slot = caller && inFlight.enter(caller.account.address, caller.clientId);
    const overLimit = (slot?.inFlight ?? 0) > (options.maxConcurrent ?? CONCURRENCY_LIMIT);
    try {
      const reply = await handlerFor({ requestId, clientRequestId, caller, overLimit })(call);
      if (reply === 'drop') return reply;
      return { ...reply, headers: { 'request-id': requestId, 'client-request-id': clientRequestId, ...reply.headers } };
    } finally {
      slot?.leave();
    }
  };
}

async function answer(call: Call, admission: Admission, options: GraphOptions, inFlight: InFlight): Promise<Outcome> {
  const { caller } = admission;
  const sent = judge(call, admission);
  if (options.latencyMs) await delay(options.latencyMs);
  const mailbox = caller && { mailbox: caller.account.address };
  if ('code' in sent) return { reply: failed(sent, admission), taken: false, ...mailbox };
  inFlight.countSent(sent.mailbox);
  handOver(sent, options.deliver);
  return { reply: { status: 202 }, taken: true, ...mailbox };
}

/** The mail that the request sends, or why it sends none; in the order in which Graph finds out. */
function judge(call: Call, { caller, overLimit, requestId }: Admission): SentMail | GraphFailure {
  if (!caller)
    return invalidToken(call.headers.authorization ? 'The access token is not valid.' : 'The access token is empty.');
  if (call.method !== 'POST' || !/^\/v1\.0\/me\/sendmail$/i.test(call.url.pathname))
    return failure(404, 'ResourceNotFound', 'The stand-in serves POST /v1.0/me/sendMail only.');
  const { account, scopes } = caller;
  if (!scopes.some((scope) => scope.replace(/^.*\//, '').toLowerCase() === 'mail.send'))
    return failure(403, 'ErrorAccessDenied', 'Access is denied. Check credentials and try again.');
  if (overLimit)
    return failure(429, 'ApplicationThrottled', 'Application is over its MailboxConcurrency limit.', {
      'retry-after': '1',
    });
  const request = readSendMail(call);
  if ('code' in request) return request;
  if (account.kind === 'noMailbox' || account.kind === 'guest')
    return failure(
      404,
      'MailboxNotEnabledForRESTAPI',
      'The mailbox is either inactive, soft-deleted, or is hosted on-premise.',
    );
  return (
    refusalOf(request.message, account) ?? {
      mailbox: account.address,
      name: account.name,
      message: request.message,
      saveToSentItems: request.saveToSentItems ?? true,
      requestId,
      at: new Date(),
    }
  );
}

/** As with Exchange, what happens to an accepted mail is no longer the sender's to see. */
function handOver(mail: SentMail, deliver: GraphOptions['deliver']): void {
  const run = async () => deliver(mail);
  run().catch((error: unknown) => console.error(`The mail ${mail.requestId} could not be delivered.`, error));
}

function failed({ status, code, message, headers }: GraphFailure, { requestId, clientRequestId }: Admission) {
  const innerError = {
    date: new Date().toISOString().slice(0, 19),
    'request-id': requestId,
    'client-request-id': clientRequestId,
  };
  return json(status, { error: { code, message, innerError } }, { ...headers });
}

function callerOf(authorization: string | undefined, options: GraphOptions): Caller | undefined {
  const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
  return token === undefined ? undefined : options.verify(token);
}

/** Names the mailbox even where a fault answered, cuts long bodies, hides the token. */
function mask(record: RecordedRequest, options: GraphOptions): RecordedRequest {
  const { authorization } = record.headers;
  const body = record.body.slice(0, RECORDED_BODY);
  if (authorization === undefined) return { ...record, body };
  const isPublic = options.publicValues.some((value) => authorization === `Bearer ${value}`);
  const mailbox = record.mailbox ?? callerOf(authorization, options)?.account.address;
  return {
    ...record,
    body,
    headers: { ...record.headers, authorization: isPublic ? authorization : '***' },
    ...(mailbox !== undefined && { mailbox }),
  };
}
