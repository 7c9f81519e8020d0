import { DAY, later, MINUTE, SECOND } from '../clock.ts';
import { queueCheck } from '../connections/check-message.ts';
import { removeUnusedApplication } from '../connections/remove-unused-application.ts';
import { deleteRemains } from '../connections/tend-remains.ts';
import { unlinkConnection } from '../connections/unlink.ts';
import { cleanUp, endLink } from '../linking/end-link.ts';
import { hasEnded, type Link } from '../linking/link.ts';
import type { Invocation } from '../log.ts';
import { eventRow } from '../mail/events.ts';
import { StoreUnavailable } from '../storage/ports.ts';
import { CONTAINERS } from '../storage-names.ts';
import type { CustomersDeps } from './deps.ts';
import { quietUntil, type Removal } from './removal.ts';

/** One sweep ends before the host would end it; another goes on. */
const BUDGET_MS = 4 * MINUTE;
const PAGE = 200;
const BLOBS = 1000;
const AT_ONCE = 16;
/** How long the answer is kept after the end: longer than a vault can be told to keep deleted secrets. */
const KEEP_DAYS = 90;
/** What a sweep's successor is given before the hourly scan sends another. */
const PATIENCE_MS = 30 * MINUTE;

/** What one sweep found and did. */
interface Sweep {
  readonly until: number;
  /** Connections, or links that had not ended: the customer was not quiet yet. */
  alive: boolean;
  recoverable: string;
}

/**
 * One sweep over everything of a customer that is being removed. Every step can be repeated, and none relies on another
 * sweep having come to its end; whoever dies is followed by the message that comes again, or by the hourly scan:
 *
 * gates shut → links ended → connections unlinked → applications with their secrets → content → (quiet for a while:)
 * links, records and what is left of connections → row `removed`
 *
 * The last look comes a quarter of an hour after anything was found alive: a link that was being confirmed, or a mail that
 * was being taken in while the removal began, has come to its end by then and is found.
 */
export async function sweepCustomer(deps: CustomersDeps, customerId: string, invocation: Invocation): Promise<void> {
  const removal = await deps.removals.get(customerId);
  if (!removal) return;
  if (removal.state === 'removed') {
    if (removal.nextCheckAt <= deps.clock.now().toISOString()) await deps.removals.forget(removal);
    return;
  }
  const sweep: Sweep = {
    until: deps.clock.monotonic() + BUDGET_MS,
    alive: false,
    recoverable: removal.secretsRecoverableUntil,
  };
  try {
    await work(deps, removal, sweep, invocation);
  } catch (error) {
    // Waited out here: a message that fails again and again ends as poison.
    if (!(error instanceof StoreUnavailable)) throw error;
    invocation.log.failure('customer.removal_postponed', error, { customerId });
    const seconds = (error.retryAfterSeconds ?? 60) * (1 + deps.random() / 2);
    await queueCheck(deps.queues, { kind: 'removal', customerId }, Math.ceil(seconds));
    await note(deps, removal, sweep, seconds * SECOND);
  }
}

async function work(deps: CustomersDeps, removal: Removal, sweep: Sweep, invocation: Invocation): Promise<void> {
  const { customerId } = removal;
  const inTime =
    (await shutGates(deps, customerId, sweep)) &&
    (await endLinks(deps, customerId, sweep, invocation)) &&
    (await unlinkAll(deps, customerId, sweep, invocation)) &&
    (await deleteContent(deps, customerId, sweep));
  if (inTime && !sweep.alive) {
    await removeApplications(deps, customerId, sweep);
    if (!sweep.alive && quietUntil(removal) <= deps.clock.now() && (await finish(deps, removal, sweep, invocation)))
      return;
  }
  const now = deps.clock.now();
  const quiet = quietUntil(removal).getTime() - now.getTime();
  const delayMs = inTime ? (sweep.alive ? MINUTE : Math.max(MINUTE, quiet)) : 0;
  // Message first: killed before the row is written, there is one sweep too many.
  await queueCheck(deps.queues, { kind: 'removal', customerId }, Math.ceil(delayMs / SECOND));
  await note(deps, removal, sweep, delayMs);
}

/** Whoever was faster wrote as much. */
async function note(deps: CustomersDeps, removal: Removal, sweep: Sweep, delayMs: number): Promise<void> {
  const now = deps.clock.now();
  await deps.removals.update(removal, {
    ...(sweep.alive && { quietSince: now.toISOString() }),
    secretsRecoverableUntil: sweep.recoverable,
    nextCheckAt: later(now, delayMs + PATIENCE_MS).toISOString(),
  });
}

function isOver(deps: CustomersDeps, sweep: Sweep): boolean {
  return deps.clock.monotonic() > sweep.until;
}

/** All gates first: nothing of the customer is sent any more while the rest takes its time. */
async function shutGates(deps: CustomersDeps, customerId: string, sweep: Sweep): Promise<boolean> {
  let after: string | undefined;
  do {
    const page = await deps.connections.list(customerId, PAGE, after);
    for (const { connectionId, clientId } of page.connections) {
      sweep.alive = true;
      if (isOver(deps, sweep)) return false;
      const { lane } = await deps.lanes.get(connectionId);
      if (!lane || lane.gate === 'removed') continue;
      const waiting = await deps.lanes.countWaiting(connectionId);
      const data = { customerId, connectionId, clientId, waiting };
      await deps.lanes.setGate(connectionId, {
        to: (gate) => (gate === 'removed' ? undefined : 'removed'),
        event: eventRow('removed', 'connection.removed', data, deps.clock.now()),
      });
    }
    after = page.next;
  } while (after !== undefined);
  return true;
}

/** Rows of links stay until the end: one that was being confirmed may store its secret a moment after it was ended. */
async function endLinks(deps: CustomersDeps, customerId: string, sweep: Sweep, invocation: Invocation) {
  const { linking } = deps;
  for await (const link of linksOf(deps, customerId)) {
    if (isOver(deps, sweep)) return false;
    if (hasEnded(link)) continue;
    sweep.alive = true;
    await endLink(linking, link, { state: 'failed', error: 'interrupted' }, invocation);
  }
  return true;
}

async function* linksOf(deps: CustomersDeps, customerId: string): AsyncGenerator<Link> {
  let after: string | undefined;
  do {
    const page = await deps.linking.links.ofCustomer(customerId, PAGE, after);
    yield* page.links;
    after = page.next;
  } while (after !== undefined);
}

async function unlinkAll(deps: CustomersDeps, customerId: string, sweep: Sweep, invocation: Invocation) {
  let after: string | undefined;
  do {
    const page = await deps.connections.list(customerId, PAGE, after);
    for (const { connectionId } of page.connections) {
      if (isOver(deps, sweep)) return false;
      const unlinked = await unlinkConnection(deps, customerId, connectionId, invocation);
      remember(sweep, unlinked.secretsRecoverableUntil);
    }
    after = page.next;
  } while (after !== undefined);
  return true;
}

function remember(sweep: Sweep, recoverable: string | undefined): void {
  if (recoverable !== undefined && recoverable > sweep.recoverable) sweep.recoverable = recoverable;
}

/**
 * Those that a link left behind which never got to its connection; the last connection took the others along. One that
 * is in use after all, or gets a new secret at this moment, is looked at by the next sweep.
 */
async function removeApplications(deps: CustomersDeps, customerId: string, sweep: Sweep): Promise<void> {
  await deps.applicationOutbox.flush(customerId);
  for (const { clientId } of await deps.applications.list(customerId)) {
    const { recoverableUntil } = await removeUnusedApplication(deps, customerId, clientId);
    remember(sweep, recoverableUntil?.toISOString());
    if (await deps.applications.get(customerId, clientId)) sweep.alive = true;
  }
}

/** Content of mail, and what producers left for mail that never came. */
async function deleteContent(deps: CustomersDeps, customerId: string, sweep: Sweep): Promise<boolean> {
  for (const container of [CONTAINERS.content, CONTAINERS.drop]) {
    for (;;) {
      // The slash belongs to the prefix: `acme` is not `acme-2`.
      const names = await deps.blobs.list(container, `${customerId}/`, BLOBS);
      if (names.length === 0) break;
      for (let from = 0; from < names.length; from += AT_ONCE) {
        if (isOver(deps, sweep)) return false;
        const some = names.slice(from, from + AT_ONCE);
        await Promise.all(some.map((name) => deps.blobs.remove(container, name)));
      }
    }
  }
  return true;
}

/** @returns false when something was found after all, or the time is over */
async function finish(deps: CustomersDeps, removal: Removal, sweep: Sweep, invocation: Invocation): Promise<boolean> {
  const { customerId } = removal;
  const { linking, connections, removals } = deps;
  for await (const link of linksOf(deps, customerId)) {
    if (isOver(deps, sweep)) return false;
    if (!hasEnded(link)) return false;
    if (link.state !== 'connected') await cleanUp(linking, link);
    await linking.links.remove(link);
  }
  await linking.openLinks.forget(customerId);
  for (;;) {
    const left = await connections.listRemains(customerId, PAGE);
    if (left.length === 0) break;
    for (const connectionId of left) {
      // Unlinked before the customer left, or by a sweep that died before it could say so.
      remember(sweep, (await connections.remains(customerId, connectionId))?.secretsRecoverableUntil);
      if (isOver(deps, sweep) || !(await deleteRemains(deps, { customerId, connectionId }))) return false;
    }
  }
  const now = deps.clock.now();
  const kept = later(now, KEEP_DAYS * DAY).toISOString();
  const done = await removals.update(removal, {
    state: 'removed',
    secretsRecoverableUntil: sweep.recoverable,
    nextCheckAt: [sweep.recoverable, kept].sort().at(-1) ?? kept,
  });
  if (done) invocation.log.event('customer.removed', { customerId });
  return true;
}
