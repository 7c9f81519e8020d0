import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { ApplicationStore } from '../connections/application.ts';
import type { ApplicationCredentials } from '../connections/application-credentials.ts';
import type { ApplicationHealth } from '../connections/application-health.ts';
import type { Connection, ConnectionStore } from '../connections/connection.ts';
import type { Invocation } from '../log.ts';
import type { EventOutbox } from '../mail/events.ts';
import type { LaneStore } from '../mail/lane.ts';
import type { IdentityPlatform } from '../microsoft/identity-platform.ts';
import type { Queues, Secrets } from '../storage/ports.ts';
import type { LinkStore } from './link.ts';
import type { OpenLinks } from './open-links.ts';

/** What linking needs from outside. */
export interface LinkingDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly links: LinkStore;
  readonly openLinks: OpenLinks;
  readonly connections: ConnectionStore;
  readonly applications: ApplicationStore;
  readonly applicationHealth: ApplicationHealth;
  readonly credentials: ApplicationCredentials;
  readonly lanes: LaneStore;
  readonly outbox: EventOutbox;
  readonly queues: Queues;
  readonly secrets: Secrets;
  readonly identity: IdentityPlatform;
  /** Goes on with an unlink that was begun; whoever began it may have died. */
  readonly unlink: (connection: Connection, invocation: Invocation) => Promise<unknown>;
}
