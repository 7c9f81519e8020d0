/**
 * The part of the Outlook sender API that Hire2Retire's pages use. Runs on the server only: what proves it must never
 * reach a browser. Nothing here depends on the sandbox; copy it.
 */
import type { CallerProof } from './caller-proof.ts';

export interface LinkRequest {
  readonly customerId: string;
  /** Opaque id of the signed-in session. The confirm must come from the same one. */
  readonly startedBy: string;
  /** A name out of LINK_RETURN_URLS, never an address. */
  readonly returnTo: string;
  readonly displayName: string;
  /** The mailbox that must sign in; any mailbox may when it is left out. */
  readonly expectedMailbox?: string;
  /** Fills in the address on Microsoft's page. */
  readonly loginHint?: string;
  /** Only to link this connection again: the same mailbox, through the same application. */
  readonly connectionId?: string;
  readonly application:
    | { readonly kind: 'serviceProvider' }
    | {
        readonly kind: 'customerOwned';
        readonly clientId: string;
        readonly clientSecret: string;
        readonly tenant?: string;
      };
}

export interface StartedLink {
  readonly linkId: string;
  /** Where the person's browser goes next. */
  readonly linkUrl: string;
  readonly expiresAt: string;
  readonly warnings: readonly string[];
}

/** Why a link failed, in words for the person and for who has to act. */
export interface LinkFailure {
  readonly code: string;
  readonly person: string;
  readonly whoActs: 'user' | 'customerAdmin' | 'robomq' | 'nobody';
  /** What to click. */
  readonly action?: string;
  /** Where an administrator approves the application. */
  readonly adminConsentUrl?: string;
  /** Ready to be forwarded to the customer's IT. */
  readonly textForIt?: string;
  readonly microsoft?: { readonly correlationId?: string; readonly traceId?: string };
}

export interface LinkState {
  readonly linkId: string;
  readonly state: 'started' | 'opened' | 'authorized' | 'connected' | 'failed' | 'expired';
  readonly connectionId?: string;
  readonly error?: LinkFailure;
}

export type ConnectionStatus = 'connected' | 'paused' | 'needs_relink' | 'no_mailbox' | 'blocked' | 'broken';

export interface Connection {
  readonly connectionId: string;
  readonly customerId: string;
  readonly displayName: string;
  readonly status: ConnectionStatus;
  readonly reason?: string;
  readonly trouble?: { readonly meaning: string; readonly action: string };
  readonly mailbox: { readonly signInName: string };
  readonly application: {
    readonly kind: 'serviceProvider' | 'customerOwned';
    readonly clientId: string;
    readonly secretExpiresOn?: string;
    readonly secretExpiryAssumed?: boolean;
  };
  /** Whom the customer wants told of trouble. */
  readonly alertAddress?: string;
  readonly linkedAt: string;
  readonly lastProvenAt?: string;
  readonly daysToTrouble?: number;
}

export interface Mail {
  readonly mailId: string;
  readonly state: string;
  readonly reason?: string;
  readonly queuedAt: string;
  readonly acceptedAt?: string;
}

export interface OutgoingMail {
  /** Drawn by the caller: a repeated request with the same id sends one mail, not two. */
  readonly mailId: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly body: { readonly contentType: 'text' | 'html'; readonly content: string };
}

/** An answer that is not 2xx: a problem document (RFC 9457). */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  /** Each wrong field, by JSON pointer into the request. */
  readonly fields: readonly { readonly pointer: string; readonly detail: string }[];
  /** Present when the problem is why a link failed. */
  readonly linkFailure: LinkFailure | undefined;
  /** Present when the same request may be repeated, after so long. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, body: ProblemBody, retryAfterSeconds?: number) {
    super(body.detail ?? body.title ?? `The mail service answered ${status}.`);
    this.name = 'ApiProblem';
    this.status = status;
    this.code = body.code ?? 'unknown';
    this.fields = body.errors ?? [];
    this.retryAfterSeconds = retryAfterSeconds;
    this.linkFailure = body.error ?? (body.person === undefined ? undefined : (body as LinkFailure));
  }
}

/** No answer at all. Whether the request had its effect is unknown. */
export class ApiUnreachable extends Error {
  constructor(cause: unknown) {
    super('The mail service does not answer right now. Try again in a minute.', { cause });
    this.name = 'ApiUnreachable';
  }
}

interface ProblemBody {
  readonly title?: string;
  readonly detail?: string;
  readonly code?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  readonly error?: LinkFailure;
  readonly person?: string;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** Above the 30 seconds that a test mail may take. */
const TIMEOUT_MS = 45_000;

export class OutlookApi {
  private readonly url: string;
  private readonly proof: CallerProof;

  /** @param url ends in `/api` */
  constructor(url: string, proof: CallerProof) {
    this.url = url;
    this.proof = proof;
  }

  startLink(request: LinkRequest): Promise<StartedLink> {
    return this.call('POST', '/auth/link/Outlook', request);
  }

  linkState(linkId: string, customerId: string): Promise<LinkState> {
    return this.call('GET', `/auth/link/Outlook/${encode(linkId)}?customerId=${encode(customerId)}`);
  }

  /** May be repeated: an already confirmed link answers with the same connection. */
  confirmLink(
    linkId: string,
    proof: { readonly customerId: string; readonly startedBy: string; readonly confirmation: string },
  ): Promise<Connection> {
    return this.call('POST', `/auth/link/Outlook/${encode(linkId)}/confirm`, proof);
  }

  /** All connections of a customer, page by page. */
  async connections(customerId: string): Promise<readonly Connection[]> {
    const found: Connection[] = [];
    let after = '';
    do {
      const query = after && `&after=${encode(after)}`;
      const page = await this.call<Page<Connection>>('GET', `${connections(customerId)}?limit=200${query}`);
      found.push(...page.items);
      after = page.next ?? '';
    } while (after);
    return found;
  }

  connection(customerId: string, connectionId: string): Promise<Connection> {
    return this.call('GET', connections(customerId, connectionId));
  }

  async mails(customerId: string, connectionId: string, limit: number): Promise<readonly Mail[]> {
    const path = `${connections(customerId, connectionId)}/mails?limit=${limit}`;
    return (await this.call<Page<Mail>>('GET', path)).items;
  }

  mail(customerId: string, connectionId: string, mailId: string): Promise<Mail> {
    return this.call('GET', `${connections(customerId, connectionId)}/mails/${encode(mailId)}`);
  }

  sendMail(customerId: string, connectionId: string, mail: OutgoingMail): Promise<Mail> {
    return this.call('POST', `${connections(customerId, connectionId)}/mails`, mail);
  }

  testConnection(customerId: string, connectionId: string, to: string): Promise<Mail> {
    return this.call('POST', `${connections(customerId, connectionId)}/test`, { to });
  }

  /** An empty `alertAddress` takes it away. */
  changeConnection(
    customerId: string,
    connectionId: string,
    changes: { readonly displayName?: string; readonly alertAddress?: string },
  ): Promise<Connection> {
    return this.call('PATCH', connections(customerId, connectionId), changes);
  }

  /** A new client secret of a customer's application, for all its connections. Nobody links again. */
  setSecret(
    customerId: string,
    clientId: string,
    secret: { readonly clientSecret: string; readonly clientSecretExpiresOn?: string },
  ): Promise<unknown> {
    return this.call('PUT', `/customers/${encode(customerId)}/applications/${encode(clientId)}/secret`, secret);
  }

  removeConnection(customerId: string, connectionId: string): Promise<unknown> {
    return this.call('DELETE', connections(customerId, connectionId));
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    let response: Response;
    try {
      response = await fetch(`${this.url}${path}`, {
        method,
        headers: {
          ...(await this.proof()),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      throw new ApiUnreachable(error);
    }
    // The Functions host itself answers 401 and 404 without a body.
    const answer: unknown = await response.json().catch(() => undefined);
    const retryAfter = Number(response.headers.get('retry-after')) || undefined;
    if (!response.ok) throw new ApiProblem(response.status, (answer ?? {}) as ProblemBody, retryAfter);
    return answer as T;
  }
}

const encode = encodeURIComponent;

function connections(customerId: string, connectionId?: string): string {
  const all = `/customers/${encode(customerId)}/connections`;
  return connectionId === undefined ? all : `${all}/${encode(connectionId)}`;
}
