import type { Clock } from '../clock.ts';
import { wireReason } from '../connection-reasons.ts';
import type { Log } from '../log.ts';
import { type EventOutbox, eventRow } from '../mail/events.ts';
import type { LaneStore } from '../mail/lane.ts';
import { leaveTicket } from '../mail/tickets.ts';
import type { Queues } from '../storage/ports.ts';
import { type Application, type ApplicationStore, applicationEvent } from './application.ts';
import { queueCheck } from './check-message.ts';
import type { Connection, ConnectionStore } from './connection.ts';

export interface ApplicationHealthDeps {
  readonly clock: Clock;
  readonly connections: ConnectionStore;
  readonly applications: ApplicationStore;
  readonly lanes: LaneStore;
  readonly outbox: EventOutbox;
  /** Tells the events of table `applications`. */
  readonly applicationOutbox: EventOutbox;
  readonly queues: Queues;
}

/** When the follow-up that was queued before a write comes, at the latest: whoever writes is done by then, or dead. */
const FOLLOW_UP_SECONDS = 30;
const PAGE = 200;

/**
 * Whether Microsoft takes a customer-owned application, and what that means for its connections. The application's row
 * is the truth; the statuses and gates of its connections follow it, by a message on `outlook-work-checks` that is
 * queued before the row is written and again after it. Whoever dies in between leaves a message that finds the row.
 */
export class ApplicationHealth {
  private readonly deps: ApplicationHealthDeps;

  constructor(deps: ApplicationHealthDeps) {
    this.deps = deps;
  }

  /**
   * Microsoft refused an application with the secrets that `refused` names. Nothing happens if it has others by now.
   * @param alertAddress of the connection that met it; without one, another of the application's connections has it told
   * @returns whether the application is refused, now or before, with these very secrets
   */
  async refuse(refused: Application, reason: string, alertAddress: string, log: Log): Promise<boolean> {
    const { customerId, clientId, secretName, previousSecretName } = refused;
    const { applications, clock } = this.deps;
    const same = (row: Application | undefined) =>
      row?.secretName === secretName && row.previousSecretName === previousSecretName;
    const current = await applications.get(customerId, clientId);
    if (!same(current)) return false;
    if (current?.broken) return true;
    const now = clock.now();
    const told = wireReason('broken', reason);
    const address = alertAddress || (await this.deps.connections.anyAlertAddress(customerId, clientId));
    const data = { customerId, clientId, reason: told, ...(address && { alertAddress: address }) };
    // With its time: refused again after it had recovered, the same secret is told of again.
    const key = `broken-${clientId}-${secretName}-${now.getTime()}`;
    const event = applicationEvent(eventRow(key, 'application.broken', data, now));
    const moved = await this.follow(customerId, clientId, async () => {
      const written = await applications.put(
        customerId,
        clientId,
        (row) => (row && same(row) && !row.broken ? { broken: true, brokenReason: reason } : undefined),
        event,
      );
      // Sends in parallel meet the same refusal: the one that wrote the row tells of it, before others look after it.
      if (written) await this.deps.applicationOutbox.tell(customerId, event);
      return written;
    });
    if (moved) log.warning('application.broken', { customerId, clientId, reason });
    const after = moved ?? (await applications.get(customerId, clientId));
    return same(after) && after?.broken === true;
  }

  /** A token was had with the application as its row names it: Microsoft takes it again, and its connections work. */
  async recover(proven: Application, log: Log): Promise<void> {
    const { customerId, clientId, secretName } = proven;
    const moved = await this.follow(customerId, clientId, () =>
      this.deps.applications.put(customerId, clientId, (row) =>
        row?.broken && row.secretName === secretName ? { broken: false, brokenReason: '' } : undefined,
      ),
    );
    if (moved) log.event('application.recovered', { customerId, clientId });
  }

  /** Writes an application's row with `write`, and has its connections follow, whatever dies in between. */
  async follow<T>(customerId: string, clientId: string, write: () => Promise<T>): Promise<T> {
    const check = { kind: 'application', customerId, clientId } as const;
    await queueCheck(this.deps.queues, check, FOLLOW_UP_SECONDS);
    const written = await write();
    await queueCheck(this.deps.queues, check);
    return written;
  }

  /** Brings every connection of an application into line with the application's row. */
  async align(customerId: string, clientId: string, log: Log): Promise<void> {
    const { applications, applicationOutbox, connections } = this.deps;
    await applicationOutbox.flush(customerId);
    for (;;) {
      const application = await applications.get(customerId, clientId);
      if (!application) return;
      for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
        const page = await connections.list(customerId, PAGE, after);
        for (const connection of page.connections) await this.alignOne(connection, application, log);
        after = page.next;
      }
      // Somebody who wrote the row meanwhile may have been here before us.
      const current = await applications.get(customerId, clientId);
      if (current?.broken === application.broken && current.secretName === application.secretName) return;
    }
  }

  /** Brings one connection into line with its application's row. Each step may be repeated. */
  async alignOne(connection: Connection, application: Application, log: Log): Promise<void> {
    const uses = connection.kind === 'customerOwned' && connection.clientId === application.clientId;
    if (!uses || connection.status === 'removing') return;
    if (application.broken) await this.shut(connection, application.brokenReason);
    else if (connection.status === 'broken') await this.open(connection, log);
  }

  /** Trouble of the connection's own stays: a new secret of the application would not end it. */
  private async shut({ customerId, connectionId }: Connection, reason: string): Promise<void> {
    const shut = await this.deps.connections.change(customerId, connectionId, (current) =>
      current.status === 'connected' || current.status === 'paused' ? { status: 'broken', reason } : undefined,
    );
    if (shut?.status !== 'broken') return;
    await this.deps.lanes.setGate(connectionId, {
      to: (gate) => (gate === 'open' || gate === 'paused' ? 'broken' : undefined),
    });
    // Somebody has to come for what expires behind the gate.
    await leaveTicket(this.deps.queues, shut);
  }

  /** The status is written last: until then, whoever repeats this opens the gate and leaves the ticket again. */
  private async open(connection: Connection, log: Log): Promise<void> {
    const { customerId, connectionId, clientId, paused, credentialVersion } = connection;
    const { connections, lanes, outbox, queues, clock } = this.deps;
    const state = paused ? 'paused' : 'connected';
    const now = clock.now();
    const event = eventRow(
      `reopened-${credentialVersion}-${now.getTime()}`,
      'connection.resumed',
      { customerId, connectionId, clientId, state },
      now,
    );
    const moved = await lanes.setGate(connectionId, {
      to: (gate) => (gate === 'broken' ? (paused ? 'paused' : 'open') : undefined),
      ...(!paused && { event }),
    });
    if (moved && !paused) await outbox.tell(connectionId, event);
    await leaveTicket(queues, connection);
    await connections.change(customerId, connectionId, (current) =>
      current.status === 'broken' ? { status: current.paused ? 'paused' : 'connected', reason: '' } : undefined,
    );
    if (moved) log.event('connection.reopened', { customerId, connectionId, clientId });
  }
}
