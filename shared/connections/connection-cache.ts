import { type Clock, SECOND } from '../clock.ts';
import type { Connection, ConnectionStore } from './connection.ts';

const KEEP_MS = 60 * SECOND;
const STOP_MS = 30 * SECOND;
const MAX_KEPT = 10_000;

/**
 * Connections as an instance saw them lately: spares a read per mail. What must be current (gates, claims) is never read
 * from here; whose connection it is and which credentials it has change rarely, and are read again before any verdict.
 */
export class ConnectionCache {
  private readonly store: ConnectionStore;
  private readonly clock: Clock;
  private readonly kept = new Map<string, { readonly connection: Connection; readonly until: number }>();
  private stop: { readonly on: boolean; readonly until: number } | undefined;

  constructor(store: ConnectionStore, clock: Clock) {
    this.store = store;
    this.clock = clock;
  }

  /** The customer's connection; undefined when there is none, or it is being removed. */
  async get(customerId: string, connectionId: string): Promise<Connection | undefined> {
    const key = `${customerId}|${connectionId}`;
    const now = this.clock.now().getTime();
    const known = this.kept.get(key);
    if (known && known.until > now) return known.connection;
    this.kept.delete(key);
    const connection = await this.store.get(customerId, connectionId);
    if (!connection || connection.status === 'removing') return undefined;
    this.put(connection);
    return connection;
  }

  put(connection: Connection): void {
    if (this.kept.size >= MAX_KEPT) this.kept.delete(this.kept.keys().next().value ?? '');
    const until = this.clock.now().getTime() + KEEP_MS;
    this.kept.set(`${connection.customerId}|${connection.connectionId}`, { connection, until });
  }

  /** Whether an operator has stopped all sending. Noticed within 30 seconds. */
  async stopped(): Promise<boolean> {
    const now = this.clock.now().getTime();
    if (!this.stop || this.stop.until <= now) this.stop = { on: await this.store.stopped(), until: now + STOP_MS };
    return this.stop.on;
  }
}
