import type { LinkStore } from '../linking/link.ts';
import type { MailDeps } from '../mail/deps.ts';
import type { EventOutbox } from '../mail/events.ts';
import type { IdentityPlatform } from '../microsoft/identity-platform.ts';
import type { Secrets } from '../storage/ports.ts';
import type { ApplicationStore } from './application.ts';
import type { ApplicationHealth } from './application-health.ts';
import type { TenantRefusals } from './tenant-refusals.ts';

/** What looking after connections needs from outside. */
export interface ConnectionsDeps extends MailDeps {
  readonly applications: ApplicationStore;
  readonly applicationHealth: ApplicationHealth;
  readonly tenantRefusals: TenantRefusals;
  /** Tells the events of table `applications`. */
  readonly applicationOutbox: EventOutbox;
  /** Whether a link that holds an application is still being finished. */
  readonly links: Pick<LinkStore, 'get'>;
  readonly secrets: Secrets;
  readonly identity: IdentityPlatform;
}
