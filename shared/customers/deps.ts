import type { ConnectionsDeps } from '../connections/deps.ts';
import type { LinkingDeps } from '../linking/deps.ts';
import type { RemovalStore } from './removal.ts';

/** What the life of a whole customer needs from outside. */
export interface CustomersDeps extends ConnectionsDeps {
  readonly linking: LinkingDeps;
  readonly removals: RemovalStore;
}
