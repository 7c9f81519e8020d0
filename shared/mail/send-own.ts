import { SECOND } from '../clock.ts';
import type { Properties } from '../storage/table.ts';
import type { MailDeps } from './deps.ts';
import { drain } from './drain.ts';
import { LaneDirty, LaneHold, LaneLost } from './hold.ts';
import { LANE_ROW, type Lane } from './lane.ts';
import type { Pace } from './pace.ts';
import { pauseAfter, pauseLane } from './pause-lane.ts';
import type { MailContent } from './prepare.ts';
import { type SendContext, sendClaimed } from './send-claimed.ts';
import { leaveTicket } from './tickets.ts';
import { recordKey, type WaitingMail } from './waiting.ts';

/** A lane and a mail in it, taken in one transaction. */
export interface TakenWithOwn {
  /** As it was before it was taken. */
  readonly lane: Lane;
  readonly owner: string;
  readonly pace: Pace;
  /** As it was before it was claimed. */
  readonly mail: WaitingMail;
  readonly content: MailContent;
  /** ETags that the transaction gave. */
  readonly etags: ReadonlyMap<string, string>;
  readonly clientRequestId: string;
  /** Monotonic time at which the claim was sent. */
  readonly claimedAt: number;
}

/** Sends the mail with which a lane was taken, and lets the lane go: with the outcome, or after a drain. */
export async function sendOwn(deps: MailDeps, context: SendContext, taken: TakenWithOwn): Promise<void> {
  const { lane, etags, content, clientRequestId, claimedAt } = taken;
  const { connectionId } = lane;
  const epoch = lane.epoch + 1;
  const hold = new LaneHold(deps, lane, { epoch, owner: taken.owner, etag: etags.get(LANE_ROW) ?? '' });
  hold.pace = taken.pace;
  const mail = { ...taken.mail, attempts: taken.mail.attempts + 1, claimedBy: epoch };
  const recordEtag = etags.get(recordKey(mail.hash)) ?? '';
  const claimed = { mail, content, recordEtag, clientRequestId, claimedAt };
  const release = { owner: '', leaseUntil: '', dirty: false, ticketAt: lane.ticketAt, setbacks: 0 };
  let released: string | undefined;
  const { result, toldKey, shut } = await sendClaimed(deps, context, claimed, async (outcome, ended) => {
    // Only an ordinary end lets go in the same transaction; anything else is the drain's to judge.
    if (ended.kind !== 'accepted' && ended.kind !== 'rejected') return deps.mails.write(connectionId, outcome);
    try {
      released = (await hold.write(release, outcome, 'release')).get(LANE_ROW) ?? '';
    } catch (error) {
      if (!(error instanceof LaneDirty) && !(error instanceof LaneLost)) throw error;
      await deps.mails.write(connectionId, outcome);
    }
    return undefined;
  });
  if (toldKey !== undefined) await deps.outbox.forget(connectionId, toldKey);
  if (released !== undefined) {
    if (!hold.changedByOthers) deps.released.keep({ ...lane, ...taken.pace, ...release, epoch, etag: released });
    return;
  }
  if (hold.lost) return;
  if (result.kind === 'wait') {
    const paused = await pauseLane(deps, lane, pauseAfter(deps, result, hold.setbacks), context.log);
    return letGo(hold, { ...paused, setbacks: hold.setbacks + 1 });
  }
  if (shut) {
    // Whoever comes for the held lane looks after what expires in it.
    await leaveTicket(deps.queues, lane, SECOND);
    return letGo(hold, { ticketAt: '' });
  }
  hold.markDirty();
  await drain(deps, hold, context);
}

async function letGo(hold: LaneHold, properties: Properties): Promise<void> {
  try {
    await hold.write({ owner: '', leaseUntil: '', dirty: false, ...properties });
  } catch (error) {
    if (!(error instanceof LaneLost)) throw error;
  }
}
