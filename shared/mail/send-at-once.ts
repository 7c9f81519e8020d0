import { randomUUID } from 'node:crypto';
import type { Connection } from '../connections/connection.ts';
import { StoreUnavailable } from '../storage/ports.ts';
import { RowConflict } from '../storage/table.ts';
import type { MailDeps } from './deps.ts';
import { claimedMail, type ReadBlob } from './insert-mail.ts';
import { LANE_ROW, type Lane } from './lane.ts';
import { takeToken } from './pace.ts';
import type { PreparedMail } from './prepare.ts';
import { sendOwn } from './send-own.ts';
import { type Delivery, heldBy } from './work-lane.ts';

/**
 * The everyday path of a busy mailbox: this instance let the lane go a moment ago and knows its row. One transaction
 * takes the mail in, already claimed, and the lane with it; a second one records the outcome and lets go. Every rule is
 * the ordinary one, because the claim is conditioned on the very row that the ordinary path would have read.
 * @param posted hashes of mail that this delivery posted, see `SendContext`
 * @returns false when nothing came of it: the ordinary path takes over, also after a claim whose answer was lost
 */
export async function sendAtOnce(
  deps: MailDeps,
  delivery: Delivery,
  connection: Connection,
  mail: PreparedMail,
  blob: ReadBlob | undefined,
  posted: Set<string>,
): Promise<boolean> {
  const now = deps.clock.now();
  // A redelivered message may be in the lane already, and has duties there.
  if (delivery.redelivered || mail.dueAt > now || mail.expiresAt <= now) return false;
  const lane = deps.released.take(connection.connectionId);
  if (!lane || lane.pausedUntil > now.toISOString() || (await deps.cache.stopped())) return false;
  const limits = { perMinute: deps.config.mailsPerMinute, recipientsPerDay: deps.config.recipientsPerDay };
  const permission = takeToken(lane, mail.recipients, limits, now);
  if (permission.kind === 'wait') return false;
  const token = await deps.tokens.get(connection, delivery.invocation.log);
  if (token.kind !== 'token') return false;
  const context = {
    connection: token.connection,
    accessToken: token.accessToken,
    log: delivery.invocation.log,
    posted,
  };
  try {
    const claim = await claimWithLane(deps, delivery, connection, lane, permission.pace, mail, blob);
    if (!claim) return false;
    await sendOwn(deps, context, { ...claim, lane, owner: delivery.owner, pace: permission.pace });
    return true;
  } catch (error) {
    // The write that got no answer may have been made: the ordinary path finds out whose the lane is.
    if (error instanceof StoreUnavailable) return false;
    throw error;
  }
}

/** @returns undefined when the lane was changed by somebody, or the mail is known */
async function claimWithLane(
  deps: MailDeps,
  delivery: Delivery,
  connection: Connection,
  lane: Lane,
  pace: { readonly tokens: number; readonly refilledAt: string; readonly recipients: string },
  mail: PreparedMail,
  blob: ReadBlob | undefined,
) {
  const clientRequestId = randomUUID();
  const claimed = claimedMail(deps, connection, mail, blob, lane.epoch + 1, clientRequestId);
  // Content that needs a blob of its own is written before: that is the ordinary path's.
  if (!claimed) return undefined;
  const properties = { ...heldBy(deps, delivery, lane), ...pace };
  const take = { kind: 'merge', rowKey: LANE_ROW, properties, etag: lane.etag } as const;
  const claimedAt = deps.clock.monotonic();
  try {
    const etags = await deps.mails.write(lane.connectionId, [take, ...claimed.operations]);
    return { ...claimed.own, etags, clientRequestId, claimedAt };
  } catch (error) {
    if (error instanceof RowConflict) return undefined;
    throw error;
  }
}
