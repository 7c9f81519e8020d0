import { DAY, HOUR, later } from '../clock.ts';
import { explain } from '../connection-reasons.ts';
import type { Invocation, Log } from '../log.ts';
import { type Blame, shutGate } from '../mail/shut-gate.ts';
import { leaveTicket } from '../mail/tickets.ts';
import { StoreUnavailable } from '../storage/ports.ts';
import type { Connection } from './connection.ts';
import type { ConnectionsDeps } from './deps.ts';
import { REFRESH_TOKEN_DAYS, troubleAt } from './lifetimes.ts';
import { reconcile } from './reconcile.ts';
import { nextCheckAfter } from './schedule.ts';
import { tidyConnection } from './tidy-connection.ts';
import { finishUnlink, unlinkConnection } from './unlink.ts';
import { warnOfExpiry } from './warn-of-expiry.ts';

/** How long a check has its connection for itself. If it dies, the first scan after that sends another. */
const LEASE_MS = HOUR;
/** When a check is repeated that met an outage. A link that is dead is then found late by hours, not by a day. */
const RETRY_MS = 3 * HOUR;

/** Whether a step came to its end; `later`: what it needed was not available. */
type Step = () => Promise<'done' | 'later'>;

/**
 * Looks after one connection, where that is due: wakes its mail at `wakeAt`, and once a day proves its token, brings
 * status and gate together, warns of what is about to expire, and tidies up.
 */
export async function checkConnection(
  deps: ConnectionsDeps,
  connection: Connection,
  invocation: Invocation,
): Promise<void> {
  if (connection.status === 'removing') {
    await finishUnlink(deps, connection, invocation);
    return;
  }
  if (await finishKilledUnlink(deps, connection, invocation)) return;
  const now = deps.clock.now();
  const woken = connection.wakeAt !== '' && connection.wakeAt <= now.toISOString();
  const due = connection.nextCheckAt <= now.toISOString();
  if (!woken && !due) return;
  // Ticket first: killed before the row is written, the next scan leaves another.
  if (woken || (await deps.lanes.hasWaiting(connection.connectionId))) await leaveTicket(deps.queues, connection);
  // Leased before the work: of two checks for one day, one finds it taken.
  const slot = connection.checkSlot || connection.nextCheckAt;
  const leased = later(now, LEASE_MS).toISOString();
  const moved = await deps.connections.update(connection, {
    ...(due && { nextCheckAt: leased, checkSlot: slot }),
    ...(woken && { wakeAt: '' }),
  });
  if (!moved) return;
  await deps.outbox.flush(connection.connectionId);
  if (due) await dailyCheck(deps, moved, new Date(slot), invocation);
}

/** An unlink shuts the gate first. Killed before the row said so, it is found by the gate. */
async function finishKilledUnlink(
  deps: ConnectionsDeps,
  connection: Connection,
  invocation: Invocation,
): Promise<boolean> {
  const { lane } = await deps.lanes.get(connection.connectionId);
  if (lane?.gate !== 'removed') return false;
  await unlinkConnection(deps, connection.customerId, connection.connectionId, invocation);
  return true;
}

/** Every step may be repeated, and none needs another: what is not available today does not keep the rest from its day. */
async function dailyCheck(deps: ConnectionsDeps, leased: Connection, slot: Date, invocation: Invocation) {
  const { customerId, connectionId } = leased;
  const current = async () => (await deps.connections.get(customerId, connectionId)) ?? leased;
  const steps: Readonly<Record<string, Step>> = {
    prove: () => prove(deps, leased, invocation),
    reconcile: async () => done(reconcile(deps, await current(), invocation)),
    warn: async () => done(warn(deps, leased, invocation)),
    tidy: async () => done(tidyConnection(deps, await current())),
  };
  let complete = true;
  for (const [step, run] of Object.entries(steps)) {
    try {
      if ((await run()) === 'later') complete = false;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      invocation.log.failure('check.step_postponed', error, { customerId, connectionId, step });
      complete = false;
    }
  }
  const now = deps.clock.now();
  const nextCheckAt = complete ? nextCheckAfter(slot, now) : later(now, RETRY_MS);
  const application = await applicationOf(deps, leased);
  const checked = await deps.connections.change(customerId, connectionId, (row) =>
    row.status === 'removing' || row.nextCheckAt !== leased.nextCheckAt
      ? undefined
      : {
          nextCheckAt: nextCheckAt.toISOString(),
          checkSlot: complete ? '' : slot.toISOString(),
          troubleAt: troubleAt(row, application).toISOString(),
        },
  );
  const status = checked?.status ?? 'removed';
  invocation.log.event('connection.checked', { customerId, connectionId, status, complete });
}

async function done(work: Promise<unknown>): Promise<'done'> {
  await work;
  return 'done';
}

async function applicationOf(deps: ConnectionsDeps, { kind, customerId, clientId }: Connection) {
  return kind === 'customerOwned' ? deps.applications.get(customerId, clientId) : undefined;
}

/** Asks Microsoft for a token, writes it back by the rule, and says what that means for the connection. */
async function prove(deps: ConnectionsDeps, connection: Connection, invocation: Invocation): Promise<'done' | 'later'> {
  if (!isWorthTrying(connection, deps.clock.now())) return 'done';
  const { log } = invocation;
  const result = await deps.tokens.prove(connection, log);
  if (result.kind === 'removed') return 'done';
  if (result.kind === 'wait') {
    if (connection.status === 'needs_relink') return 'done';
    const { tenantRefusal: reason } = result;
    if (reason === undefined || !(await deps.tenantRefusals.isTenants(connection, log))) return 'later';
    return shut(deps, connection, { gate: 'needs_relink', reason, connection }, log);
  }
  if (result.kind === 'token') {
    if (connection.status === 'needs_relink' && (await deps.health.revive(result.connection, log)))
      await leaveTicket(deps.queues, connection);
    return 'done';
  }
  const { kind: gate, ...blame } = result;
  return shut(deps, connection, { gate, ...blame }, log);
}

async function shut(deps: ConnectionsDeps, { status, ...lane }: Connection, blame: Blame, log: Log): Promise<'done'> {
  // Somebody has to come for what expires behind the gate.
  if ((await shutGate(deps, blame, log)) && status !== blame.gate) await leaveTicket(deps.queues, lane);
  return 'done';
}

/**
 * A connection that waits for a new link is tried once a day where its trouble may pass by itself: an administrator
 * enables the account again, and nobody has to link. Not where the grant itself is gone, and not once it is too old.
 * Microsoft throttles a client that repeats a refused request within minutes (AADSTS50196); once a day is far from that.
 */
function isWorthTrying({ status, reason, refreshTokenStoredAt }: Connection, now: Date): boolean {
  if (status !== 'needs_relink') return true;
  const age = now.getTime() - Date.parse(refreshTokenStoredAt);
  return explain(status, reason)?.mayPass === true && age < REFRESH_TOKEN_DAYS * DAY;
}

async function warn(deps: ConnectionsDeps, connection: Connection, { log }: Invocation): Promise<void> {
  const application = await applicationOf(deps, connection);
  if (application) await warnOfExpiry(deps, application, connection.alertAddress, log);
}
