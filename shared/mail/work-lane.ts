import { randomUUID } from 'node:crypto';
import { SECOND } from '../clock.ts';
import type { Connection } from '../connections/connection.ts';
import { slotBefore } from '../connections/schedule.ts';
import type { Invocation } from '../log.ts';
import { StoreUnavailable } from '../storage/ports.ts';
import { type Properties, RowConflict } from '../storage/table.ts';
import type { MailDeps } from './deps.ts';
import { drain } from './drain.ts';
import { LaneHold } from './hold.ts';
import { isProbed, LANE_ROW, type Lane, leaseRemaining, PROBE_MS } from './lane.ts';
import { takeToken } from './pace.ts';
import { pauseAfter, pauseLane, tellWait } from './pause-lane.ts';
import type { MailContent } from './prepare.ts';
import { claimOperations, type SendContext } from './send-claimed.ts';
import { sendOwn } from './send-own.ts';
import { shutGate } from './shut-gate.ts';
import { isProbeDue, tendShutLane } from './tend-shut-lane.ts';
import { leaveTicket } from './tickets.ts';
import { withoutToken } from './transmit.ts';
import type { WaitingMail } from './waiting.ts';
import { wakeAt } from './wake.ts';

/** One delivery of a queue message, as far as lanes are concerned. */
export interface Delivery {
  readonly invocation: Invocation;
  /** Message id and dequeue count: no other delivery ever has it. */
  readonly owner: string;
  /** Delivered before: whoever had it may have died, and nothing that it noted can be relied on. */
  readonly redelivered: boolean;
  readonly isTicket: boolean;
}

/** The mail that this very delivery put into the lane, untouched since. */
export interface OwnMail {
  readonly mail: WaitingMail;
  readonly content: MailContent;
}

/** `no_lane`: the connection has no lane · `removed`: its lane ended. Everything else is taken care of. */
export type LaneResult = 'done' | 'no_lane' | 'removed';

/** How often a delivery begins anew when storage does not answer, before it leaves the rest to its redelivery. */
const TRIES = 4;

/**
 * Sees to it that the waiting mail of a lane is sent, by this delivery or by somebody who will come. The rule that every
 * path keeps: a waiting row is woken by its own undeleted message, or by `dirty` and the holder's undeleted message, or
 * by a ticket.
 * @param posted hashes of mail that this delivery posted before, see `SendContext`
 */
export async function workLane(
  deps: MailDeps,
  delivery: Delivery,
  connection: Connection,
  own?: OwnMail,
  posted = new Set<string>(),
): Promise<LaneResult> {
  let fresh = own;
  for (let failures = 0; ; ) {
    try {
      // Whoever had the message before may have died between an outcome and telling it.
      if (delivery.redelivered) await deps.outbox.flush(connection.connectionId);
      const step = await oneTry(deps, delivery, connection, fresh, posted);
      if (step !== 'again' && step !== 'again_without_own') return step;
      if (step === 'again_without_own') fresh = undefined;
    } catch (error) {
      failures += 1;
      // The write that got no answer may have been made: the lane's owner tells, when it is read again.
      if (!(error instanceof StoreUnavailable) || failures >= TRIES) throw error;
      fresh = undefined;
      await deps.clock.sleep(failures * SECOND);
    }
  }
}

type Step = LaneResult | 'again' | 'again_without_own';

async function oneTry(
  deps: MailDeps,
  delivery: Delivery,
  connection: Connection,
  own: OwnMail | undefined,
  posted: Set<string>,
): Promise<Step> {
  const { lane, readAt } = await deps.lanes.get(connection.connectionId);
  if (!lane) return 'no_lane';
  if (lane.gate === 'removed') return 'removed';
  const ours = lane.owner === delivery.owner;
  if (!ours) {
    const waited = await waitOutside(deps, delivery, connection, lane, readAt, own);
    if (waited) return waited;
  }
  const token = await deps.tokens.get(connection, delivery.invocation.log);
  if (token.kind !== 'token') return refuse(deps, delivery, lane, withoutToken(token), ours);
  const { log } = delivery.invocation;
  // Linked again since the cache saw it: without this, both versions would push each other's tokens out for a minute.
  if (token.connection.credentialVersion !== connection.credentialVersion) deps.cache.put(token.connection);
  const context = { connection: token.connection, accessToken: token.accessToken, log, posted };
  if (ours) {
    const hold = new LaneHold(deps, lane, { epoch: lane.epoch, owner: delivery.owner, etag: lane.etag });
    hold.markDirty();
    await drain(deps, hold, context);
    return 'done';
  }
  // A lane that was not released in order may hold claims of a dead invocation: it is taken alone, and drained.
  // So does mail that came too late: the drain ends it as expired.
  const claimOwn =
    own !== undefined && lane.owner === '' && Date.parse(own.mail.expiresAt) > deps.clock.now().getTime();
  return claimOwn ? takeWithOwn(deps, delivery, context, lane, own) : takeAlone(deps, delivery, context, lane);
}

/** Reasons not to take the lane. Returns undefined when it may be taken. */
async function waitOutside(
  deps: MailDeps,
  delivery: Delivery,
  connection: Connection,
  lane: Lane,
  readAt: Date,
  own: OwnMail | undefined,
): Promise<Step | undefined> {
  const now = deps.clock.now();
  // Whoever opens the gate leaves a ticket. Until then somebody must come for what expires.
  if (lane.gate !== 'open') {
    if (own)
      return comeBack(
        deps,
        delivery,
        connection,
        lane,
        firstOf(own.mail.expiresAt, isProbed(lane.gate) ? lane.probeAt : ''),
      );
    if (!delivery.isTicket || !isProbeDue(lane, now)) {
      if (delivery.redelivered || delivery.isTicket)
        await tendShutLane(deps, connection, lane, delivery.invocation.log);
      return 'done';
    }
  }
  if (await deps.cache.stopped())
    return comeBack(deps, delivery, connection, lane, new Date(now.getTime() + 60 * SECOND), 'sending_stopped');
  if (lane.pausedUntil > now.toISOString())
    return comeBack(deps, delivery, connection, lane, new Date(lane.pausedUntil));
  if (own && Date.parse(own.mail.dueAt) > now.getTime())
    return comeBack(deps, delivery, connection, lane, new Date(own.mail.dueAt));
  const remaining = leaseRemaining(lane, readAt, deps.config.laneLeaseSeconds * 1000);
  if (remaining === 0) return undefined;
  if (delivery.redelivered || delivery.isTicket) {
    // A holder who lives is told to look again, so that what the ticket came for does not wait for the end of the lease.
    if (!delivery.redelivered && !lane.dirty && !(await writeLane(deps, lane, { dirty: true }))) return 'again';
    // The holder may be dead, and so may be whoever set `dirty`: only a ticket of our own is certain.
    await leaveTicket(deps.queues, connection, remaining + SECOND);
    return 'done';
  }
  if (lane.dirty) return 'done';
  return (await writeLane(deps, lane, { dirty: true })) ? 'done' : 'again';
}

/** The earlier of two ISO times; '' stands for none. */
function firstOf(one: string, other: string): Date {
  return new Date(other !== '' && other < one ? other : one);
}

/**
 * Leaves a wake-up unless an early enough one is noted. What a redelivered message noted cannot be relied on.
 * @param reason why mail waits, where nobody has told it yet
 */
async function comeBack(
  deps: MailDeps,
  delivery: Delivery,
  connection: Connection,
  lane: Lane,
  at: Date,
  reason?: string,
): Promise<Step> {
  const wanted = at.toISOString();
  const noted = lane.ticketAt > deps.clock.now().toISOString() && lane.ticketAt <= wanted;
  if (noted && !delivery.redelivered && !delivery.isTicket) return 'done';
  const ticketAt = await wakeAt(deps, connection, at);
  if (reason !== undefined)
    tellWait(delivery.invocation.log, connection, { reason, waitMs: at.getTime() - deps.clock.now().getTime() });
  // Not noted, because the lane changed: the next mail leaves a ticket too many, and nothing worse.
  if (ticketAt !== '') await writeLane(deps, lane, { ticketAt });
  return 'done';
}

async function writeLane(deps: MailDeps, lane: Lane, properties: Properties): Promise<boolean> {
  try {
    await deps.mails.write(lane.connectionId, [{ kind: 'merge', rowKey: LANE_ROW, properties, etag: lane.etag }]);
    return true;
  } catch (error) {
    if (error instanceof RowConflict) return false;
    throw error;
  }
}

/** No token: the lane waits for all instances, or its gate is shut. `ours`: the lane is held by this delivery. */
async function refuse(
  deps: MailDeps,
  delivery: Delivery,
  lane: Lane,
  result: ReturnType<typeof withoutToken>,
  ours: boolean,
): Promise<Step> {
  const { log } = delivery.invocation;
  const release: Properties = ours ? { owner: '', leaseUntil: '', dirty: false } : {};
  if (result.kind === 'unclaimed') return 'removed';
  if (result.kind === 'shut') {
    await shutGate(deps, result, log);
    // Linked again meanwhile, mail flows with what it has now; otherwise somebody looks after what expires.
    await leaveTicket(deps.queues, lane, SECOND);
    if (ours) await writeLane(deps, lane, release);
    return 'done';
  }
  if (result.reason === 'service_provider_credential_refused')
    log.warning(result.reason, { connectionId: lane.connectionId });
  if (result.tenantRefusal !== undefined) await checkSoon(deps, lane);
  if (delivery.isTicket && !ours) {
    const idle = await restIdle(deps, lane);
    if (idle) return idle;
  }
  const pause = pauseAfter(deps, result, lane.setbacks);
  const paused = await pauseLane(deps, lane, pause, log);
  await writeLane(deps, lane, { ...release, ...paused, setbacks: lane.setbacks + 1 });
  return 'done';
}

/**
 * A lane without mail needs nobody to come back through an outage. The noted ticket is the one that brought us: it is
 * struck out first, so that whoever brings mail after the second look leaves one.
 * @returns undefined when mail waits
 */
async function restIdle(deps: MailDeps, lane: Lane): Promise<'done' | 'again' | undefined> {
  if (await deps.lanes.hasWaiting(lane.connectionId)) return undefined;
  if (!(await writeLane(deps, lane, { ticketAt: '' }))) return 'again';
  return (await deps.lanes.hasWaiting(lane.connectionId)) ? 'again' : 'done';
}

/** Whether it is the tenant that refuses is found out by the connection's check, which need not wait for its day. */
async function checkSoon({ connections, clock }: MailDeps, { customerId, connectionId }: Lane): Promise<void> {
  const now = clock.now().toISOString();
  await connections.change(customerId, connectionId, ({ nextCheckAt, checkSlot }) =>
    checkSlot === '' && nextCheckAt > now ? { nextCheckAt: now, checkSlot: slotBefore(nextCheckAt) } : undefined,
  );
}

/** What taking a lane writes into its row. */
export function heldBy(deps: MailDeps, delivery: Delivery, lane: Lane): Properties {
  const leaseUntil = new Date(deps.clock.now().getTime() + deps.config.laneLeaseSeconds * 1000).toISOString();
  return { epoch: lane.epoch + 1, owner: delivery.owner, leaseUntil, dirty: false };
}

async function takeAlone(deps: MailDeps, delivery: Delivery, context: SendContext, lane: Lane): Promise<Step> {
  // The ticket that is noted may be the one that brought us: from now on nobody may count on it.
  const probing = isProbed(lane.gate);
  const probeAt = new Date(deps.clock.now().getTime() + PROBE_MS).toISOString();
  const properties = { ...heldBy(deps, delivery, lane), ticketAt: '', ...(probing && { probeAt }) };
  const merge = { kind: 'merge', rowKey: LANE_ROW, properties, etag: lane.etag } as const;
  let etag: string;
  try {
    etag = (await deps.mails.write(lane.connectionId, [merge])).get(LANE_ROW) ?? '';
  } catch (error) {
    if (error instanceof RowConflict) return 'again';
    throw error;
  }
  const hold = new LaneHold(deps, lane, { epoch: lane.epoch + 1, owner: delivery.owner, etag });
  hold.probing = probing;
  await drain(deps, hold, context);
  return 'done';
}

/** The everyday path: one transaction takes the lane and claims the own mail, another records its end and lets go. */
async function takeWithOwn(
  deps: MailDeps,
  delivery: Delivery,
  context: SendContext,
  lane: Lane,
  own: OwnMail,
): Promise<Step> {
  const limits = { perMinute: deps.config.mailsPerMinute, recipientsPerDay: deps.config.recipientsPerDay };
  const permission = takeToken(lane, own.mail.recipients, limits, deps.clock.now());
  if (permission.kind === 'wait') {
    await writeLane(deps, lane, await pauseLane(deps, lane, permission, delivery.invocation.log));
    return 'done';
  }
  const clientRequestId = randomUUID();
  const claimedAt = deps.clock.monotonic();
  const taken = { ...heldBy(deps, delivery, lane), ...permission.pace };
  let etags: ReadonlyMap<string, string>;
  try {
    const take = { kind: 'merge', rowKey: LANE_ROW, properties: taken, etag: lane.etag } as const;
    etags = await deps.mails.write(lane.connectionId, [
      take,
      ...claimOperations(own.mail, lane.epoch + 1, clientRequestId),
    ]);
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
    return error.rowKey === LANE_ROW ? 'again' : 'again_without_own';
  }
  const { pace } = permission;
  await sendOwn(deps, context, { lane, owner: delivery.owner, pace, ...own, etags, clientRequestId, claimedAt });
  return 'done';
}
