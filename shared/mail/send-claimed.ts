import type { Connection } from '../connections/connection.ts';
import type { Log } from '../log.ts';
import type { RowOperation } from '../storage/table.ts';
import { withCurrentChoice } from './current-choice.ts';
import type { MailDeps } from './deps.ts';
import { graphRequest } from './graph-request.ts';
import type { MailContent } from './prepare.ts';
import { recordOutcome } from './record-outcome.ts';
import { settle } from './settle.ts';
import { shutGate } from './shut-gate.ts';
import { leaveTicket } from './tickets.ts';
import { type AttemptResult, transmit } from './transmit.ts';
import { recordKey, type WaitingMail } from './waiting.ts';

/** What a delivery sends with. */
export interface SendContext {
  readonly connection: Connection;
  readonly accessToken: string;
  readonly log: Log;
  /**
   * Hashes of mail that this delivery posted and whose outcome is not written. When storage fails and the delivery looks
   * at its lane again, a claim of its own that is not in here was never posted.
   */
  readonly posted: Set<string>;
}

/** A mail claimed under the lane's epoch. */
export interface Claimed {
  /** With `attempts` counting this one. */
  readonly mail: WaitingMail;
  readonly content: MailContent;
  readonly recordEtag: string;
  readonly clientRequestId: string;
  /** Monotonic time at which the claim was sent. */
  readonly claimedAt: number;
}

/** What became of a claimed mail, beyond its rows. */
export interface Sent {
  readonly result: AttemptResult;
  /** Row of the event that was told; it is to be deleted. */
  readonly toldKey: string | undefined;
  /** Whether the result shut the lane's gate. */
  readonly shut: boolean;
}

/** What a claim writes beside the lane row. Fails when anybody touched the waiting row since it was read. */
export function claimOperations(mail: WaitingMail, epoch: number, clientRequestId: string): RowOperation[] {
  const attempts = mail.attempts + 1;
  return [
    { kind: 'merge', rowKey: mail.rowKey, properties: { claimedBy: epoch, attempts }, etag: mail.etag },
    { kind: 'merge', rowKey: recordKey(mail.hash), properties: { state: 'sending', attempts, clientRequestId } },
  ];
}

/**
 * Posts a claimed mail, records the outcome with `write`, and does what follows from it: the event, the content's end,
 * the connection's status.
 * @param write the transaction that records the outcome; may add the lane's row
 */
export async function sendClaimed(
  deps: MailDeps,
  context: SendContext,
  claimed: Claimed,
  write: (outcome: readonly RowOperation[], result: AttemptResult) => Promise<unknown>,
): Promise<Sent> {
  const { connection, accessToken, log, posted } = context;
  const { mail, content, clientRequestId, claimedAt, recordEtag } = claimed;
  const body = graphRequest(content, mail.mailId);
  posted.add(mail.hash);
  const { result, evidence } = await transmit(deps, { connection, accessToken, body, clientRequestId, claimedAt }, log);
  const settlement = settle(mail, result, evidence, {
    connection: result.kind === 'uncertain' ? await withCurrentChoice(deps, connection, mail, log) : connection,
    acceptedEvents: deps.config.acceptedEvents,
    now: deps.clock.now(),
  });
  const leaseMs = deps.config.laneLeaseSeconds * 1000;
  const patienceMs = Math.max(leaseMs / 5, leaseMs - (deps.clock.monotonic() - claimedAt));
  const ended = { mail, settlement, recordEtag, clientRequestId };
  const recorded = await recordOutcome(deps, ended, patienceMs, (outcome) => write(outcome, result));
  posted.delete(mail.hash);
  // Whoever held the lane meanwhile saw the mail as ended, and nobody comes for it.
  if (recorded === 'waits_again') await leaveTicket(deps.queues, connection);
  const toldKey = recorded === 'written' ? settlement.event?.rowKey : undefined;
  log.event('mail.attempt', {
    connectionId: mail.connectionId,
    customerId: connection.customerId,
    mailId: mail.mailId,
    outcome: result.kind,
    reason: 'reason' in result ? result.reason : undefined,
    attempt: mail.attempts,
    requestId: evidence.requestId,
    clientRequestId,
    status: evidence.status,
  });
  if (settlement.contentDone && mail.blob) {
    await deps.blobs.remove(mail.blob.container, mail.blob.name).catch((error: unknown) => {
      // The container's lifecycle rule is the backstop.
      log.failure('mail.content_not_deleted', error, { mailId: mail.mailId });
    });
  }
  if (recorded === 'written' && settlement.event) await deps.outbox.sendWritten(mail.connectionId, settlement.event);
  else if (settlement.event) await deps.outbox.flush(mail.connectionId);
  const blame = result.kind === 'gate' ? { ...result, connection } : result.kind === 'shut' ? result : undefined;
  const shut = blame ? await shutGate(deps, blame, log) : false;
  return { result, toldKey, shut };
}
