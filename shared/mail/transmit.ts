import type { TokenResult } from '../connections/access-tokens.ts';
import type { Connection } from '../connections/connection.ts';
import type { Log } from '../log.ts';
import type { MailDeps } from './deps.ts';
import type { GraphAnswer } from './graph-answer.ts';
import { judge, type Verdict } from './outcome.ts';
import type { Blame } from './shut-gate.ts';

/** Evidence of an attempt, for the record. */
export interface Evidence {
  readonly clientRequestId: string;
  readonly requestId: string;
  readonly status: number;
}

/** What became of an attempt: Graph's verdict, or what the credentials say of a refused token. */
export type AttemptResult =
  | Exclude<Verdict, { kind: 'unauthorized' }>
  | (Blame & { readonly kind: 'shut' })
  /** Too late to post safely under this claim; nothing left. */
  | { readonly kind: 'unclaimed' };

export interface Attempt {
  readonly connection: Connection;
  readonly accessToken: string;
  readonly body: string;
  readonly clientRequestId: string;
  /** Monotonic time at which the claim was sent. */
  readonly claimedAt: number;
}

/** Shares of the lease: a post begins within 40 of its 150 seconds and is cut off after 100, so it ends inside. */
const POST_WITHIN = 40 / 150;
const POST_LIMIT = 100 / 150;

/**
 * Posts a claimed mail to Graph: once, or twice when the first access token was refused (a 401 takes nothing).
 * Never throws for what Graph or the token endpoint do.
 */
export async function transmit(
  deps: MailDeps,
  attempt: Attempt,
  log: Log,
): Promise<{ readonly result: AttemptResult; readonly evidence: Evidence }> {
  const first = await post(deps, attempt, attempt.accessToken);
  if (first === undefined) return unclaimed(attempt);
  if (first.verdict.kind !== 'unauthorized') return { result: first.verdict, evidence: first.evidence };
  const renewed = await deps.tokens.get(attempt.connection, log, attempt.accessToken);
  if (renewed.kind !== 'token') return { result: withoutToken(renewed), evidence: first.evidence };
  const second = await post(deps, attempt, renewed.accessToken);
  if (second === undefined) return unclaimed(attempt);
  if (second.verdict.kind !== 'unauthorized') return { result: second.verdict, evidence: second.evidence };
  if (second.verdict.claims) {
    const { connection } = renewed;
    return {
      result: { kind: 'shut', gate: 'needs_relink', reason: 'insufficient_claims', connection },
      evidence: second.evidence,
    };
  }
  log.warning('graph_refuses_fresh_tokens', { connectionId: attempt.connection.connectionId });
  return { result: { kind: 'wait', reason: 'graph_refuses_fresh_tokens' }, evidence: second.evidence };
}

/** What no token means for a mail under way. */
export function withoutToken(
  result: Exclude<TokenResult, { kind: 'token' }>,
): Extract<AttemptResult, { kind: 'shut' | 'unclaimed' }> | Extract<TokenResult, { kind: 'wait' }> {
  if (result.kind === 'wait') return result;
  if (result.kind === 'removed') return { kind: 'unclaimed' };
  const { kind: gate, ...blame } = result;
  return { kind: 'shut', gate, ...blame };
}

function unclaimed(attempt: Attempt): { result: AttemptResult; evidence: Evidence } {
  return {
    result: { kind: 'unclaimed' },
    evidence: { clientRequestId: attempt.clientRequestId, requestId: '', status: 0 },
  };
}

async function post(deps: MailDeps, attempt: Attempt, accessToken: string) {
  const leaseMs = deps.config.laneLeaseSeconds * 1000;
  if (deps.clock.monotonic() - attempt.claimedAt > leaseMs * POST_WITHIN) return undefined;
  const answer: GraphAnswer = await deps.graph.send(
    accessToken,
    attempt.body,
    attempt.clientRequestId,
    leaseMs * POST_LIMIT,
  );
  const told =
    answer.kind === 'answer'
      ? { requestId: answer.requestId ?? '', status: answer.status }
      : { requestId: '', status: 0 };
  return { verdict: judge(answer, deps.clock.now()), evidence: { clientRequestId: attempt.clientRequestId, ...told } };
}
