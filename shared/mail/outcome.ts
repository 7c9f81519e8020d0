import { HOUR, MINUTE, SECOND } from '../clock.ts';
import type { GraphAnswer } from './graph-answer.ts';

/** What one answer of Graph means for the mail and its lane. */
export type Verdict =
  /** Graph took the mail. The end of our knowledge: there is no message id and no bounce. */
  | { readonly kind: 'accepted' }
  /** Nothing was taken; the lane waits for all instances. `waitMs` is Graph's wish; without it, back-off decides. */
  | { readonly kind: 'wait'; readonly reason: string; readonly waitMs?: number }
  /** The mail may have gone out. */
  | { readonly kind: 'uncertain'; readonly reason: 'no_answer' | 'server_error_after_send' }
  /** Graph refuses this message; sending it again would change nothing. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** Graph refuses the mailbox; the message waits. */
  | { readonly kind: 'gate'; readonly gate: 'no_mailbox' | 'blocked'; readonly reason: string }
  /** The access token was refused. `claims`: a policy demands a new sign-in. */
  | { readonly kind: 'unauthorized'; readonly claims: boolean };

/** Longest wait that we take from Graph at a time; it will say so again if it means more. */
export const MAX_WAIT_MS = HOUR;

/**
 * Codes under which Graph throttles with 503 and 509, seen in its documentation and answers. `serviceNotAvailable` is
 * none of them: it stands for maintenance as well, and says nothing of what became of the request.
 */
const THROTTLING = new Set([
  'TooManyRequests',
  'ApplicationThrottled',
  'MailboxConcurrency',
  'ErrorServerBusy',
  'ErrorExceededConnectionCount',
  'CommandConcurrencyLimitReached',
  'RateLimitExceeded',
  'activityLimitReached',
]);

/** Codes that say "this account has no mailbox that Graph can reach". The same user has been seen with each of them. */
const NO_MAILBOX = new Set([
  'MailboxNotEnabledForRESTAPI',
  'MailboxNotSupportedForRESTAPI',
  'ErrorMailboxNotEnabledForRESTAPI',
  'ResourceNotFound',
  'ErrorNonExistentMailbox',
  'ErrorInvalidUser',
]);

/** Speaks of this message's sender, not of the mailbox: https://learn.microsoft.com/graph/outlook-send-mail-from-other-user */
const SEND_AS_DENIED = new Set(['ErrorSendAsDenied']);

/** Decides by status and Graph's codes alone, outer or inner, never by text. */
export function judge(answer: GraphAnswer, now: Date): Verdict {
  if (answer.kind === 'notSent') return { kind: 'wait', reason: `not_sent_${answer.cause.toLowerCase()}` };
  if (answer.kind === 'noAnswer') return { kind: 'uncertain', reason: 'no_answer' };
  const { status } = answer;
  const codes = [answer.code, answer.innerCode].filter((code) => code !== undefined);
  const known = (set: ReadonlySet<string>) => codes.find((code) => set.has(code));
  if (status === 202) return { kind: 'accepted' };
  if (status === 429 || ((status === 503 || status === 509) && known(THROTTLING))) {
    const waitMs = retryAfterMs(answer.retryAfter, now);
    return { kind: 'wait', reason: 'throttled', ...(waitMs !== undefined && { waitMs }) };
  }
  if (status === 401) return { kind: 'unauthorized', claims: answer.challengeError === 'insufficient_claims' };
  const refused = status >= 400 && status < 500 && status !== 408;
  // 2xx other than 202, 3xx, 408, 5xx: the body had left, and nobody says what became of it.
  if (!refused) return { kind: 'uncertain', reason: 'server_error_after_send' };
  const noMailbox = known(NO_MAILBOX);
  if (noMailbox) return { kind: 'gate', gate: 'no_mailbox', reason: noMailbox };
  const denied = known(SEND_AS_DENIED);
  if (status === 403 && !denied) return { kind: 'gate', gate: 'blocked', reason: codes[0] ?? 'forbidden' };
  return { kind: 'rejected', reason: denied ?? codes[0] ?? `http_${status}` };
}

/**
 * Retry-After in milliseconds: seconds or a date, capped at an hour.
 * @returns undefined when it is absent or makes no sense
 */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  const trimmed = header.trim();
  if (/^\d+$/.test(trimmed)) return clampWait(Number(trimmed) * SECOND);
  const at = /[A-Za-z]{3},? /.test(trimmed) ? Date.parse(trimmed) : Number.NaN;
  return Number.isNaN(at) ? undefined : clampWait(at - now.getTime());
}

function clampWait(ms: number): number {
  return Math.min(MAX_WAIT_MS, Math.max(SECOND, ms));
}

/**
 * Exponential back-off with full jitter over the upper half: between 50 % and 100 % of 5 s, 10 s, 20 s … up to `cap`.
 * @param setbacks how many waits in a row came before
 * @param random between 0 and 1
 */
export function backOffMs(setbacks: number, random: number, cap = 10 * MINUTE): number {
  const ceiling = Math.min(cap, 5 * SECOND * 2 ** Math.min(setbacks, 20));
  return Math.round(ceiling * (0.5 + random / 2));
}
