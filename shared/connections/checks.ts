import { MINUTE, SECOND } from '../clock.ts';
import type { CustomersDeps } from '../customers/deps.ts';
import { sweepCustomer } from '../customers/sweep-customer.ts';
import { tidyLink } from '../linking/settle-link.ts';
import type { Invocation } from '../log.ts';
import { StoreUnavailable } from '../storage/ports.ts';
import { QUEUES } from '../storage-names.ts';
import { checkConnection } from './check-connection.ts';
import { type Check, checkSchema, queueCheck } from './check-message.ts';
import { tendRemains } from './tend-remains.ts';

export type ChecksDeps = CustomersDeps;

const PAGE = 200;
/** Checks queued per second at most: each may cost the vault a read, and it takes 4,000 per 10 s. */
const PER_SECOND = 50;
/** The host ends an execution after ten minutes. What is due and was not reached is found by the next scan. */
const BUDGET_MS = 8 * MINUTE;
/** With more checks than that on the queue, nobody works them off: more of the same would only come back as a stampede. */
const MAX_BACKLOG = 30_000;

/**
 * The hourly scan: queues a check for each connection, link and removal that is due. Reads only, so it may run twice, and
 * the next one goes on where this one ends: what was checked is not due any more. After an outage of days the backlog is
 * worked off at the same pace, 24,000 checks an hour.
 */
export async function scan(deps: ChecksDeps, invocation: Invocation): Promise<void> {
  const now = deps.clock.now();
  const started = deps.clock.monotonic();
  const counts = { connections: 0, links: 0 };
  const backlog = await deps.queues.depth(QUEUES.checks);
  if (backlog > MAX_BACKLOG) {
    invocation.log.warning('scan.skipped', { backlog });
    return;
  }
  const isOver = () => deps.clock.monotonic() - started > BUDGET_MS;
  const queue = async (check: Parameters<typeof queueCheck>[1]) => {
    await queueCheck(deps.queues, check);
    const ahead = ((counts.connections + counts.links) / PER_SECOND) * SECOND - (deps.clock.monotonic() - started);
    if (ahead > 0) await deps.clock.sleep(ahead);
  };
  // Links first: they are few, and a backlog of connections must not keep them waiting.
  for (let after: string | undefined, first = true; (first || after !== undefined) && !isOver(); first = false) {
    const page = await deps.linking.links.stale(PAGE, after);
    for (const linkId of page.linkIds) {
      counts.links += 1;
      await queue({ kind: 'link', linkId });
    }
    after = page.next;
  }
  for (let after: string | undefined, first = true; (first || after !== undefined) && !isOver(); first = false) {
    const page = await deps.connections.due(now, PAGE, after);
    for (const each of page.due) {
      counts.connections += 1;
      await queue(each);
    }
    after = page.next;
  }
  if (isOver()) invocation.log.warning('scan.cut', counts);
  invocation.log.event('scan.done', counts);
}

/**
 * Works off one check. What met an outage is left to the next scan, which finds it due again: a message that came back
 * every few minutes would end as poison. Nobody scans for what became of an application, so that message comes back.
 */
export async function runCheck(deps: ChecksDeps, body: unknown, invocation: Invocation): Promise<void> {
  const parsed = checkSchema.safeParse(body);
  if (!parsed.success) {
    invocation.log.warning('check.unreadable');
    return;
  }
  const check = parsed.data;
  try {
    await workOff(deps, check, invocation);
  } catch (error) {
    if (!(error instanceof StoreUnavailable) || check.kind === 'application') throw error;
    invocation.log.failure('check.postponed', error, { kind: check.kind });
  }
}

async function workOff(deps: ChecksDeps, check: Check, invocation: Invocation): Promise<void> {
  switch (check.kind) {
    case 'link':
      return tidyLink(deps.linking, check.linkId, invocation);
    case 'application':
      return deps.applicationHealth.align(check.customerId, check.clientId, invocation.log);
    case 'remains':
      return tendRemains(deps, check, invocation);
    case 'removal':
      return sweepCustomer(deps, check.customerId, invocation);
    case 'connection': {
      const connection = await deps.connections.get(check.customerId, check.connectionId);
      if (connection) await checkConnection(deps, connection, invocation);
    }
  }
}
