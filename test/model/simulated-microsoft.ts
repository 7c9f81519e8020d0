import type { GraphAnswer, GraphMail } from '../../shared/mail/graph-answer.ts';
import { MAIL_ID_HEADER } from '../../shared/mail/graph-request.ts';
import {
  type IdentityPlatform,
  MicrosoftError,
  type RefreshRequest,
} from '../../shared/microsoft/identity-platform.ts';
import type { Dice } from './dice.ts';
import type { Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';

/** What may become of one POST. */
export type Fate =
  | 'accepted'
  | 'throttled'
  | 'throttledWithoutHint'
  | 'busy'
  | 'gatewayTimeout'
  | 'reset'
  | 'notSent'
  | 'unauthorized'
  | 'rejected'
  | 'noMailbox';

export interface GraphBehaviour {
  readonly fates: Readonly<Partial<Record<Fate, number>>>;
  /** Share of requests that take up to `longestMs`; what takes longer than the client waits ends without an answer. */
  readonly slow: number;
  readonly longestMs: number;
}

/** One POST as Graph saw it. */
export interface Post {
  readonly connectionId: string;
  readonly mailId: string;
  readonly at: number;
  readonly fate: Fate;
  readonly taken: boolean;
  /** Whether what was posted is what was put down: each mail of a run begins with its own id. */
  readonly rightContent: boolean;
  ended: boolean;
}

/** Graph and the token endpoint: what they were asked, by whom, and how much at once. */
export class SimulatedMicrosoft {
  readonly posts: Post[] = [];
  maxInFlight = 0;
  /** Told of each POST that arrives. */
  arrived: (post: Post) => void = () => {};
  /** Mails that Graph refuses whenever it gets them. */
  readonly refused = new Set<string>();
  /** Connections whose mailbox is missing just now. */
  readonly withoutMailbox = new Set<string>();
  private readonly inFlight = new Map<string, number>();
  private readonly revoked = new Set<string>();
  private readonly scheduler: Scheduler;
  private readonly dice: Dice;
  private readonly behaviour: () => GraphBehaviour;
  private readonly tokensFail: () => boolean;
  private tokens = 0;

  constructor(scheduler: Scheduler, dice: Dice, behaviour: () => GraphBehaviour, tokensFail: () => boolean) {
    this.scheduler = scheduler;
    this.dice = dice;
    this.behaviour = behaviour;
    this.tokensFail = tokensFail;
  }

  /** Whether a POST of this mail is being worked on at this moment. */
  isInFlight(mailId: string): boolean {
    return this.posts.some((post) => post.mailId === mailId && !post.ended);
  }

  graphOf(process: Process): GraphMail {
    return {
      send: (accessToken, body, _id, timeoutMs) =>
        new Promise((resolve) => {
          const calledAt = this.scheduler.now;
          process.after(process.latency(), () => {
            // A process that stalled here aborts before a byte leaves.
            if (this.scheduler.now - calledAt >= timeoutMs) resolve({ kind: 'noAnswer', cause: 'TimeoutError' });
            else this.receive(process, accessToken, body, calledAt + timeoutMs, resolve);
          });
        }),
    };
  }

  identityOf(process: Process): IdentityPlatform {
    const refresh = (request: RefreshRequest) =>
      process.call(async () => {
        if (this.tokensFail()) throw new MicrosoftError({ error: 'server_error', status: 503 });
        this.tokens += 1;
        const connectionId = request.refreshToken.split(' ').at(-1) ?? '';
        return {
          accessToken: `${connectionId} ${this.tokens}`,
          refreshToken: request.refreshToken,
          expiresAt: new Date(process.now().getTime() + 3_600_000),
        };
      });
    const unused = () => Promise.reject(new Error('no part of the model'));
    return {
      refresh,
      ready: unused,
      authorizeUrl: unused,
      redeem: unused,
      proveApplication: unused,
      resolveTenant: unused,
    };
  }

  private receive(
    process: Process,
    accessToken: string,
    body: string,
    abortedAt: number,
    answer: (answer: GraphAnswer) => void,
  ): void {
    const connectionId = accessToken.split(' ')[0] ?? '';
    const { mailId, content } = partsOf(body);
    const fate = this.fateOf(accessToken, connectionId, mailId);
    if (fate === 'notSent') {
      answer({ kind: 'notSent', cause: 'ECONNREFUSED' });
      return;
    }
    const duration = this.duration();
    const cut = this.scheduler.now + duration >= abortedAt;
    const ends = Math.min(duration, abortedAt - this.scheduler.now);
    const taken = fate === 'accepted' || ((fate === 'gatewayTimeout' || fate === 'reset') && this.dice.chance(0.5));
    const post: Post = {
      connectionId,
      mailId,
      at: this.scheduler.now,
      fate,
      taken,
      rightContent: content.split(' ')[0] === mailId,
      ended: false,
    };
    this.posts.push(post);
    this.arrived(post);
    const count = (this.inFlight.get(connectionId) ?? 0) + 1;
    this.inFlight.set(connectionId, count);
    this.maxInFlight = Math.max(this.maxInFlight, count);
    // The end at Graph is nobody's to prevent; the answer reaches only who still lives.
    this.scheduler.after(ends, () => {
      post.ended = true;
      this.inFlight.set(connectionId, (this.inFlight.get(connectionId) ?? 0) - 1);
    });
    process.after(ends + 1, () => answer(cut ? { kind: 'noAnswer', cause: 'TimeoutError' } : this.answerOf(fate)));
  }

  private fateOf(accessToken: string, connectionId: string, mailId: string): Fate {
    if (this.revoked.has(accessToken)) return 'unauthorized';
    const fate = this.dice.weighted<Fate>(this.behaviour().fates);
    if (fate === 'unauthorized') this.revoked.add(accessToken);
    if (fate !== 'accepted') return fate;
    if (this.withoutMailbox.has(connectionId)) return 'noMailbox';
    return this.refused.has(mailId) ? 'rejected' : 'accepted';
  }

  private duration(): number {
    if (this.dice.chance(this.behaviour().slow)) return this.dice.between(5_000, this.behaviour().longestMs);
    return this.dice.between(50, 900);
  }

  private answerOf(fate: Fate): GraphAnswer {
    const status = (code: number, more: { code?: string; retryAfter?: string } = {}) =>
      ({ kind: 'answer', status: code, ...more }) as const;
    switch (fate) {
      case 'accepted':
        return status(202);
      case 'throttled':
        return status(429, { code: 'ApplicationThrottled', retryAfter: String(this.dice.between(1, 120)) });
      case 'throttledWithoutHint':
        return status(429, { code: 'TooManyRequests' });
      case 'busy':
        return status(503, { code: 'ErrorServerBusy' });
      case 'gatewayTimeout':
        return status(504);
      case 'unauthorized':
        return status(401, { code: 'InvalidAuthenticationToken' });
      case 'rejected':
        return status(400, { code: 'ErrorInvalidRecipients' });
      case 'noMailbox':
        return status(404, { code: 'MailboxNotEnabledForRESTAPI' });
      case 'reset':
        return { kind: 'noAnswer', cause: 'ECONNRESET' };
      case 'notSent':
        return { kind: 'notSent', cause: 'ECONNREFUSED' };
    }
  }
}

function partsOf(request: string): { mailId: string; content: string } {
  const { message } = JSON.parse(request) as {
    message: { body: { content: string }; internetMessageHeaders: { name: string; value: string }[] };
  };
  const mailId = message.internetMessageHeaders.find(({ name }) => name === MAIL_ID_HEADER)?.value ?? '';
  return { mailId, content: message.body.content };
}
