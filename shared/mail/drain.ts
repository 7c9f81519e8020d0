import { randomUUID } from 'node:crypto';
import { later, MINUTE, SECOND } from '../clock.ts';
import { RowConflict, type StoredRow } from '../storage/table.ts';
import { withCurrentChoice } from './current-choice.ts';
import type { MailDeps } from './deps.ts';
import { GateShut, LaneDirty, type LaneHold, LaneLost } from './hold.ts';
import { takeToken } from './pace.ts';
import { type Pause, pauseAfter, pauseLane } from './pause-lane.ts';
import { claimOperations, type SendContext, sendClaimed } from './send-claimed.ts';
import { operations, type Settlement, settle, settleExpired, settleStale, tellExpired } from './settle.ts';
import { leaveTicket } from './tickets.ts';
import type { AttemptResult } from './transmit.ts';
import { DRAIN_ROWS, loadContent, type WaitingMail, waitingOf } from './waiting.ts';
import { wakeAt } from './wake.ts';

/** Graph takes four requests at a time per mailbox. */
const PARALLEL = 4;
const PAGE = 20;
/** A drain hands over to a ticket after so many mails or so long, so that lanes share an instance. */
const MAILS_PER_DRAIN = 30;
const DRAIN_MS = 4 * MINUTE;

/** Results that a mailbox gives which Graph does not refuse. */
const PROVES_MAILBOX: readonly AttemptResult['kind'][] = ['accepted', 'rejected'];

/** Why a drain ends before the lane is empty. */
type Stop =
  | { readonly kind: 'pause'; readonly pause: Pause }
  /** A row was left alone for now, or the budget is used up: soon again. */
  | { readonly kind: 'soon' }
  /** Nothing more is claimed. Whoever opens the gate leaves a ticket. */
  | { readonly kind: 'shut' }
  | { readonly kind: 'later'; readonly dueAt: Date };

/**
 * Works off a held lane, oldest mail first, and lets it go: a ticket first, then the release, so that no row waits
 * without somebody who will come for it.
 */
export async function drain(deps: MailDeps, hold: LaneHold, context: SendContext): Promise<void> {
  const run = new Drain(deps, hold, context);
  try {
    await run.toTheEnd();
  } catch (error) {
    // Somebody else holds the lane, and with it the duty.
    if (!(error instanceof LaneLost)) throw error;
  }
}

function isEvent(row: StoredRow): boolean {
  return row.rowKey.startsWith('3|');
}

class Drain {
  private readonly deps: MailDeps;
  private readonly hold: LaneHold;
  private readonly context: SendContext;
  private readonly endAt: number;
  private claimed = 0;
  private stop: Stop | undefined;

  constructor(deps: MailDeps, hold: LaneHold, context: SendContext) {
    this.deps = deps;
    this.hold = hold;
    this.context = context;
    this.endAt = deps.clock.monotonic() + DRAIN_MS;
  }

  async toTheEnd(): Promise<void> {
    for (;;) {
      // Cleared before the look: what is put down after it sets the flag again.
      if (this.hold.dirty) await this.hold.write({ dirty: false, ...this.hold.renewal() });
      const page = await this.deps.mails.query(this.hold.connectionId, { ...DRAIN_ROWS, limit: PAGE });
      const claimedBefore = this.claimed;
      await this.workOff([...page.rows]);
      if (this.hold.lost) return;
      if (this.stop && this.stop.kind !== 'later') return this.letGo(this.stop);
      if (this.stop === undefined && page.rows.length === PAGE) {
        // Claims renew the lease; a page of nothing but expired or stale mail does not.
        if (this.claimed === claimedBefore) await this.hold.write(this.hold.renewal());
        continue;
      }
      if (await this.letGoEmpty()) return;
    }
  }

  private async workOff(rows: StoredRow[]): Promise<void> {
    const worker = async () => {
      for (let row = rows.shift(); row !== undefined && !this.hold.lost; row = rows.shift()) {
        // Events are told even when mail has to wait.
        if (this.stop === undefined || isEvent(row)) await this.one(row);
      }
    };
    const results = await Promise.allSettled(Array.from({ length: PARALLEL }, worker));
    const failed = results.find((result) => result.status === 'rejected' && !(result.reason instanceof LaneLost));
    if (failed?.status === 'rejected') throw failed.reason;
  }

  private async one(row: StoredRow): Promise<void> {
    if (isEvent(row)) return this.publish(row);
    const mail = waitingOf(row);
    const now = this.deps.clock.now();
    // Its outcome could not be written. Left to the next epoch, which calls it uncertain.
    if (this.context.posted.has(mail.hash)) return this.end({ kind: 'soon' });
    // Only a newer epoch may call a claim stale; one newer than ours means that the lane is not ours any more.
    if (mail.claimedBy > this.hold.epoch) return this.hold.markLost();
    if (mail.claimedBy !== 0 && mail.claimedBy !== this.hold.epoch) return this.declareStale(mail);
    if (mail.claimedBy === 0 && Date.parse(mail.expiresAt) <= now.getTime()) return this.expire(mail);
    if (Date.parse(mail.dueAt) > now.getTime()) return this.end({ kind: 'later', dueAt: new Date(mail.dueAt) });
    if (this.claimed >= MAILS_PER_DRAIN || this.deps.clock.monotonic() > this.endAt) return this.end({ kind: 'soon' });
    return this.send(mail);
  }

  private async send(mail: WaitingMail): Promise<void> {
    const { deps, hold, context } = this;
    const content = await loadContent(deps.blobs, mail);
    if (content === undefined) return this.refuseChanged(mail);
    const limits = { perMinute: deps.config.mailsPerMinute, recipientsPerDay: deps.config.recipientsPerDay };
    const permission = takeToken(hold.pace, mail.recipients, limits, deps.clock.now());
    if (permission.kind === 'wait') return this.end({ kind: 'pause', pause: permission });
    if (hold.probing && this.claimed > 0) return this.end({ kind: 'shut' });
    // Counted before the write: four workers share the bucket.
    hold.pace = permission.pace;
    this.claimed += 1;
    const clientRequestId = randomUUID();
    const claimedAt = deps.clock.monotonic();
    let etags: ReadonlyMap<string, string>;
    try {
      const claim = claimOperations(mail, hold.epoch, clientRequestId);
      etags = await hold.write({ ...hold.renewal(), ...hold.pace }, claim, 'claim');
    } catch (error) {
      if (error instanceof GateShut) return this.end({ kind: 'shut' });
      // Cancelled, expired or settled by somebody since it was read.
      if (error instanceof RowConflict) return this.end({ kind: 'soon' });
      throw error;
    }
    const counted = { ...mail, attempts: mail.attempts + 1, claimedBy: hold.epoch };
    const recordEtag = etags.get(`1|${mail.hash}`) ?? '';
    const claimed = { mail: counted, content, recordEtag, clientRequestId, claimedAt };
    const { result, toldKey, shut } = await sendClaimed(deps, context, claimed, (outcome) =>
      deps.mails.write(hold.connectionId, outcome),
    );
    if (toldKey !== undefined) this.hold.published.push(toldKey);
    if (hold.probing && PROVES_MAILBOX.includes(result.kind)) await this.openAgain();
    this.follow(result, shut);
  }

  /** The probe went through: the gate opens, and the rest of the lane follows by the ticket that is left then. */
  private async openAgain(): Promise<void> {
    const { deps, hold, context } = this;
    await deps.health.recover(context.connection, context.log);
    hold.probing = false;
    this.end({ kind: 'soon' });
  }

  /** What a result means for the rest of the lane. */
  private follow(result: AttemptResult, shut: boolean): void {
    if (result.kind === 'accepted') this.hold.setbacks = 0;
    // It may be one that is sent once more: then it waits behind the page that was read.
    if (result.kind === 'uncertain') this.hold.markDirty();
    if (result.kind === 'wait') {
      this.end({ kind: 'pause', pause: pauseAfter(this.deps, result, this.hold.setbacks) });
      this.hold.setbacks += 1;
    }
    if (result.kind === 'gate' || result.kind === 'shut') this.end({ kind: shut ? 'shut' : 'soon' });
    if (result.kind === 'unclaimed') this.end({ kind: 'soon' });
  }

  /** The longest wait wins; any stop ends the claiming. */
  private end(stop: Stop): void {
    const rank = (each: Stop) => ({ later: 0, soon: 1, pause: 2, shut: 3 })[each.kind];
    const longer =
      this.stop?.kind === 'pause' && stop.kind === 'pause'
        ? stop.pause.waitMs > this.stop.pause.waitMs
        : this.stop && rank(stop) > rank(this.stop);
    if (this.stop === undefined || longer) this.stop = stop;
  }

  private async declareStale(mail: WaitingMail): Promise<void> {
    const { deps, context } = this;
    const connection = await withCurrentChoice(deps, context.connection, mail, context.log);
    const settlement = settleStale(mail, { ...this.settleOptions(), connection });
    await this.settleUntouched(mail, settlement);
    // Sent once more: it waits behind the page that was read.
    if (settlement.record['state'] === 'waiting') this.hold.markDirty();
    this.context.log.warning('mail.stale_claim', { connectionId: mail.connectionId, mailId: mail.mailId });
  }

  private async expire(mail: WaitingMail): Promise<void> {
    if (await this.settleUntouched(mail, settleExpired(mail, this.settleOptions())))
      tellExpired(this.context.log, this.context.connection, mail);
  }

  private async refuseChanged(mail: WaitingMail): Promise<void> {
    const evidence = { clientRequestId: '', requestId: '', status: 0 };
    const result = { kind: 'rejected', reason: 'content_changed' } as const;
    await this.settleUntouched(mail, settle(mail, result, evidence, this.settleOptions()));
  }

  private settleOptions() {
    return {
      connection: this.context.connection,
      acceptedEvents: this.deps.config.acceptedEvents,
      now: this.deps.clock.now(),
    };
  }

  /**
   * Settles a mail that is not being sent, unless somebody touched it since it was read.
   * @returns whether it was settled
   */
  private async settleUntouched(mail: WaitingMail, settlement: Settlement): Promise<boolean> {
    const { deps, hold } = this;
    try {
      await deps.mails.write(mail.connectionId, operations(mail, settlement, { waiting: mail.etag }));
    } catch (error) {
      if (!(error instanceof RowConflict)) throw error;
      this.end({ kind: 'soon' });
      return false;
    }
    if (!settlement.event) return true;
    await deps.outbox.sendWritten(mail.connectionId, settlement.event);
    hold.published.push(settlement.event.rowKey);
    return true;
  }

  /** Puts an event that somebody left behind on the queue; its row is deleted with the lane's next write. */
  private async publish(row: StoredRow): Promise<void> {
    if (this.hold.published.includes(row.rowKey)) return;
    await this.deps.outbox.sendRow(row);
    this.hold.published.push(row.rowKey);
  }

  /**
   * Releases a lane in which nothing is left to do now. Mail that is due later gets its wake-up first.
   * @returns false when mail was put down meanwhile: look again
   */
  private async letGoEmpty(): Promise<boolean> {
    const { deps, hold, context, stop } = this;
    const ticketAt = stop?.kind === 'later' ? await wakeAt(deps, context.connection, stop.dueAt, true) : '';
    try {
      await hold.release({ dirty: false, pausedUntil: '', setbacks: hold.setbacks, ticketAt });
      return true;
    } catch (error) {
      if (!(error instanceof LaneDirty)) throw error;
      this.stop = undefined;
      return false;
    }
  }

  /**
   * Ticket first, then release: killed in between, there is a ticket too many and a lease that runs out. Mail that was
   * put down meanwhile is covered by the ticket. Behind a shut gate, it looks after what expires.
   */
  private async letGo(stop: Exclude<Stop, { kind: 'later' }>): Promise<void> {
    const { deps, hold, context } = this;
    const released = { owner: '', leaseUntil: '', dirty: false, setbacks: hold.setbacks };
    if (stop.kind === 'pause') {
      await hold.write({ ...released, ...(await pauseLane(deps, hold, stop.pause, context.log)) });
      return;
    }
    // A ticket that came before the release would find the lane held, and wait for the end of the lease.
    await leaveTicket(deps.queues, hold, SECOND);
    const ticketAt = stop.kind === 'shut' ? '' : later(deps.clock.now(), SECOND).toISOString();
    await hold.write({ ...released, ticketAt, pausedUntil: '' });
  }
}
