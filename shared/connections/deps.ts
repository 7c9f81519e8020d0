import type { MailDeps } from '../mail/deps.ts';
import type { Secrets } from '../storage/ports.ts';
import type { ApplicationStore } from './application.ts';

/** What looking after connections needs from outside. */
export interface ConnectionsDeps extends MailDeps {
  readonly applications: ApplicationStore;
  readonly secrets: Secrets;
}
