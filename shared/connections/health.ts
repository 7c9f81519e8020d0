import { type Clock, later } from '../clock.ts';
import { wireReason } from '../connection-reasons.ts';
import type { Log } from '../log.ts';
import { type EventOutbox, type EventType, eventRow } from '../mail/events.ts';
import { isProbed, type LaneStore, PROBE_MS } from '../mail/lane.ts';
import type { Application, ApplicationStore } from './application.ts';
import type { ApplicationHealth } from './application-health.ts';
import type { Connection, ConnectionStore } from './connection.ts';

export type Trouble = 'needs_relink' | 'no_mailbox' | 'blocked' | 'broken';

export interface HealthDeps {
  readonly clock: Clock;
  readonly connections: ConnectionStore;
  readonly applications: ApplicationStore;
  readonly applicationHealth: ApplicationHealth;
  readonly lanes: LaneStore;
  readonly outbox: EventOutbox;
}

/** A refused application is no reason to forget what else a connection suffers from: a new secret would not end that. */
function isOfItsOwn({ status }: Connection, trouble: Trouble): boolean {
  return trouble === 'broken' && (status === 'needs_relink' || status === 'no_mailbox' || status === 'blocked');
}

/** Writes what became of a connection: its status first, then its gate with the event. */
export class ConnectionHealth {
  private readonly deps: HealthDeps;

  constructor(deps: HealthDeps) {
    this.deps = deps;
  }

  /**
   * Shuts a connection's gate because of what its credentials or its mailbox met. A link made since then is never
   * overwritten: the row is read again, and its credentials must be the ones that failed.
   * @param refused the application as it was refused, where that is the trouble: its other connections follow
   * @returns whether it was shut, now or before
   */
  async shut(failed: Connection, trouble: Trouble, reason: string, log: Log, refused?: Application): Promise<boolean> {
    const { applicationHealth, connections, lanes, outbox, clock } = this.deps;
    const { customerId, connectionId, clientId, credentialVersion, secretName } = failed;
    const { alertAddress } = failed;
    if (refused && !(await applicationHealth.refuse(refused, reason, alertAddress, log))) return false;
    const same = (current: Connection) =>
      current.credentialVersion === credentialVersion &&
      current.secretName === secretName &&
      current.status !== 'removing';
    let changedCause = false;
    const current = await connections.change(customerId, connectionId, (row) => {
      if (!same(row) || (row.status === trouble && row.reason === reason) || isOfItsOwn(row, trouble)) return undefined;
      changedCause = row.status === trouble && wireReason(trouble, row.reason) !== wireReason(trouble, reason);
      return { status: trouble, reason, paused: row.paused };
    });
    if (!current || !same(current)) return false;
    const type: EventType = trouble === 'broken' ? 'application.broken' : `connection.${trouble}`;
    const waiting = await lanes.countWaiting(connectionId);
    const told = wireReason(trouble, reason);
    const data = { customerId, connectionId, clientId, reason: told, waiting, ...(alertAddress && { alertAddress }) };
    const now = clock.now();
    // A refused application is told of once, with its own row.
    const event = refused ? undefined : eventRow(`${trouble}-${credentialVersion}-${now.getTime()}`, type, data, now);
    const moved = await lanes.setGate(connectionId, {
      to: (gate) => {
        if (gate === 'removed' || (refused && gate !== 'open' && gate !== 'paused')) return undefined;
        return gate !== trouble || changedCause ? trouble : undefined;
      },
      ifCredentialVersion: credentialVersion,
      ...(isProbed(trouble) && { probeAt: later(now, PROBE_MS) }),
      ...(event && { event }),
    });
    // Sends in parallel meet the same trouble: the one that moved the gate tells of it.
    if (moved && event) {
      log.warning(type, { customerId, connectionId, clientId, reason });
      await outbox.tell(connectionId, event);
    }
    return refused === undefined || (await this.isStillRefused(current, log));
  }

  /** A new secret may have come between the application's row and ours: then whoever opens gates was here too early. */
  private async isStillRefused(connection: Connection, log: Log): Promise<boolean> {
    const { applications, applicationHealth } = this.deps;
    const application = await applications.get(connection.customerId, connection.clientId);
    if (!application || application.broken) return true;
    await applicationHealth.alignOne(connection, application, log);
    return false;
  }

  /** A mail went through a mailbox that Graph had refused: its gate opens again. Undone links and pauses are left alone. */
  async recover(connection: Connection, log: Log): Promise<void> {
    await this.reopen(connection, (state) => state === 'no_mailbox' || state === 'blocked', 'recovered', log);
  }

  /**
   * Microsoft gives tokens again for a link that it had refused, an account that was enabled again for example.
   * @returns whether this call opened the gate
   */
  async revive(connection: Connection, log: Log): Promise<boolean> {
    return this.reopen(connection, (state) => state === 'needs_relink', 'revived', log);
  }

  private async reopen(connection: Connection, from: (state: string) => boolean, what: string, log: Log) {
    const { connections, lanes, outbox, clock } = this.deps;
    const { customerId, connectionId, credentialVersion } = connection;
    const current = await connections.change(customerId, connectionId, (row) =>
      from(row.status) && row.credentialVersion === credentialVersion
        ? { status: row.paused ? 'paused' : 'connected', reason: '' }
        : undefined,
    );
    const paused = current?.paused ?? false;
    const now = clock.now();
    const waiting = await lanes.countWaiting(connectionId);
    const data = { customerId, connectionId, state: paused ? 'paused' : 'connected', waiting };
    const event = paused ? undefined : eventRow(`${what}-${now.getTime()}`, 'connection.resumed', data, now);
    const moved = await lanes.setGate(connectionId, {
      to: (gate) => (from(gate) ? (paused ? 'paused' : 'open') : undefined),
      ifCredentialVersion: credentialVersion,
      ...(event && { event }),
    });
    if (moved) log.event(`connection.${what}`, { customerId, connectionId });
    if (moved && event) await outbox.tell(connectionId, event);
    return moved;
  }
}
