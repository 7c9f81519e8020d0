import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { AccessTokens } from '../connections/access-tokens.ts';
import type { ConnectionStore } from '../connections/connection.ts';
import type { ConnectionCache } from '../connections/connection-cache.ts';
import type { ConnectionHealth } from '../connections/health.ts';
import type { Blobs, Queues } from '../storage/ports.ts';
import type { Table } from '../storage/table.ts';
import type { EventOutbox } from './events.ts';
import type { GraphMail } from './graph-answer.ts';
import type { LaneStore } from './lane.ts';
import type { ReleasedLanes } from './released-lanes.ts';

/** What the mail part needs from outside. */
export interface MailDeps {
  readonly config: Config;
  readonly clock: Clock;
  /** Between 0 and 1; for jitter. */
  readonly random: () => number;
  readonly mails: Table;
  readonly queues: Queues;
  readonly blobs: Blobs;
  readonly connections: ConnectionStore;
  readonly cache: ConnectionCache;
  readonly health: ConnectionHealth;
  readonly lanes: LaneStore;
  readonly released: ReleasedLanes;
  readonly outbox: EventOutbox;
  readonly tokens: AccessTokens;
  readonly graph: GraphMail;
}
