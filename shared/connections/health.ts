import { type Clock, later } from '../clock.ts';
import type { Log } from '../log.ts';
import { type EventOutbox, type EventType, eventRow } from '../mail/events.ts';
import { isProbed, type LaneStore, PROBE_MS } from '../mail/lane.ts';
import type { ApplicationStore } from './application.ts';
import type { Connection, ConnectionStore } from './connection.ts';

export type Trouble = 'needs_relink' | 'no_mailbox' | 'blocked' | 'broken';

export interface HealthDeps {
  readonly clock: Clock;
  readonly connections: ConnectionStore;
  readonly applications: ApplicationStore;
  readonly lanes: LaneStore;
  readonly outbox: EventOutbox;
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
   * @returns whether it was shut, now or before
   */
  async shut(failed: Connection, trouble: Trouble, reason: string, log: Log): Promise<boolean> {
    const { customerId, connectionId, clientId, credentialVersion, secretName } = failed;
    const same = (current: Connection) =>
      current.credentialVersion === credentialVersion &&
      current.secretName === secretName &&
      current.status !== 'removing';
    const current = await this.deps.connections.change(customerId, connectionId, (row) =>
      same(row) && (row.status !== trouble || row.reason !== reason) ? { status: trouble, reason } : undefined,
    );
    if (!current || !same(current)) return false;
    if (trouble === 'broken') {
      await this.deps.applications.put(customerId, clientId, (application) =>
        application && !application.broken ? { broken: true } : undefined,
      );
    }
    const type: EventType = trouble === 'broken' ? 'application.broken' : `connection.${trouble}`;
    const data = {
      customerId,
      connectionId,
      clientId,
      reason,
      ...(current.alertAddress && { alertAddress: current.alertAddress }),
    };
    const moved = await this.deps.lanes.setGate(connectionId, {
      to: (gate) => (gate === trouble || gate === 'removed' ? undefined : trouble),
      ifCredentialVersion: credentialVersion,
      ...(isProbed(trouble) && { probeAt: later(this.deps.clock.now(), PROBE_MS) }),
      event: eventRow(
        `${trouble}-${credentialVersion}-${this.deps.clock.now().getTime()}`,
        type,
        data,
        this.deps.clock.now(),
      ),
    });
    if (moved) log.warning(type, { customerId, connectionId, clientId, reason });
    await this.deps.outbox.flush(connectionId);
    return true;
  }

  /** A mail went through a mailbox that Graph had refused: its gate opens again. Undone links and pauses are left alone. */
  async recover(connection: Connection, log: Log): Promise<void> {
    const { customerId, connectionId, credentialVersion } = connection;
    const probed = (status: string) => status === 'no_mailbox' || status === 'blocked';
    await this.deps.connections.change(customerId, connectionId, (current) =>
      probed(current.status) && current.credentialVersion === credentialVersion
        ? { status: 'connected', reason: '' }
        : undefined,
    );
    const now = this.deps.clock.now();
    const data = { customerId, connectionId, state: 'connected' };
    const moved = await this.deps.lanes.setGate(connectionId, {
      to: (gate) => (probed(gate) ? 'open' : undefined),
      event: eventRow(`recovered-${now.getTime()}`, 'connection.resumed', data, now),
    });
    if (moved) log.event('connection.recovered', { customerId, connectionId });
    await this.deps.outbox.flush(connectionId);
  }
}
