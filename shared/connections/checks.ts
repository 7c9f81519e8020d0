import { DAY, SECOND } from '../clock.ts';
import type { LinkingDeps } from '../linking/deps.ts';
import { tidyLink } from '../linking/settle-link.ts';
import type { Invocation } from '../log.ts';
import { leaveTicket } from '../mail/tickets.ts';
import { checkSchema, queueCheck } from './check-message.ts';
import type { Connection } from './connection.ts';
import type { ConnectionsDeps } from './deps.ts';
import { tendRemains } from './tend-remains.ts';
import { tidyConnection } from './tidy-connection.ts';
import { finishUnlink, unlinkConnection } from './unlink.ts';

export interface ChecksDeps extends ConnectionsDeps {
  readonly linking: LinkingDeps;
}

const PAGE = 200;
/** Checks queued per second at most: each may cost the vault a read, and it takes 4,000 per 10 s. */
const PER_SECOND = 50;

/** The hourly scan: queues a check for each connection and each link that is due. Reads only; it may run twice. */
export async function scan(deps: ChecksDeps, invocation: Invocation): Promise<void> {
  const now = deps.clock.now();
  let connections = 0;
  let links = 0;
  const started = deps.clock.monotonic();
  const queue = async (check: Parameters<typeof queueCheck>[1]) => {
    await queueCheck(deps.queues, check);
    const ahead = ((connections + links) / PER_SECOND) * SECOND - (deps.clock.monotonic() - started);
    if (ahead > 0) await deps.clock.sleep(ahead);
  };
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const page = await deps.connections.due(now, PAGE, after);
    for (const each of page.due) {
      connections += 1;
      await queue(each);
    }
    after = page.next;
  }
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const page = await deps.linking.links.stale(PAGE, after);
    for (const linkId of page.linkIds) {
      links += 1;
      await queue({ kind: 'link', linkId });
    }
    after = page.next;
  }
  invocation.log.event('scan.done', { connections, links });
}

/** Works off one check. */
export async function runCheck(deps: ChecksDeps, body: unknown, invocation: Invocation): Promise<void> {
  const check = checkSchema.safeParse(body);
  if (!check.success) {
    invocation.log.warning('check.unreadable');
    return;
  }
  if (check.data.kind === 'link') return tidyLink(deps.linking, check.data.linkId, invocation);
  if (check.data.kind === 'application')
    return deps.applicationHealth.align(check.data.customerId, check.data.clientId, invocation.log);
  if (check.data.kind === 'remains') return tendRemains(deps, check.data, invocation);
  const connection = await deps.connections.get(check.data.customerId, check.data.connectionId);
  if (connection) await checkConnection(deps, connection, invocation);
}

async function checkConnection(deps: ChecksDeps, connection: Connection, invocation: Invocation): Promise<void> {
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
  await leaveTicket(deps.queues, connection);
  // Moved before the work: of two checks for one day, one finds it moved. The time of day stays, or all would drift together.
  const nextCheckAt = new Date(
    Math.max(Date.parse(connection.nextCheckAt) + DAY, now.getTime() + DAY / 2),
  ).toISOString();
  const moved = await deps.connections.update(connection, {
    ...(due && { nextCheckAt }),
    ...(woken && { wakeAt: '' }),
  });
  if (!moved) return;
  await deps.outbox.flush(connection.connectionId);
  if (due) await reconcile(deps, moved, invocation);
  if (due) await tidyConnection(deps, moved);
  invocation.log.event('connection.checked', {
    customerId: connection.customerId,
    connectionId: connection.connectionId,
    status: connection.status,
  });
}

/** Whoever moves a status or a gate may die between the two; an application's connections follow its row. */
async function reconcile(deps: ChecksDeps, connection: Connection, { log }: Invocation): Promise<void> {
  const { customerId, clientId, kind } = connection;
  const application = kind === 'customerOwned' ? await deps.applications.get(customerId, clientId) : undefined;
  if (application) {
    await deps.applicationOutbox.flush(customerId);
    await deps.applicationHealth.alignOne(connection, application, log);
  }
}

/** An unlink shuts the gate first. Killed before the row said so, it is found by the gate. */
async function finishKilledUnlink(deps: ChecksDeps, connection: Connection, invocation: Invocation): Promise<boolean> {
  const { lane } = await deps.lanes.get(connection.connectionId);
  if (lane?.gate !== 'removed') return false;
  await unlinkConnection(deps, connection.customerId, connection.connectionId, invocation);
  return true;
}
