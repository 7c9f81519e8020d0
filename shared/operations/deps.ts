import type { Clock } from '../clock.ts';
import type { MicrosoftHosts } from '../microsoft/hosts.ts';
import type { Blobs, Queues, Secrets } from '../storage/ports.ts';
import type { Table } from '../storage/table.ts';
import type { FigureStore } from './figures.ts';

/** What operating the product needs from outside. */
export interface OperationsDeps {
  readonly clock: Clock;
  readonly queues: Queues;
  readonly blobs: Blobs;
  readonly secrets: Secrets;
  readonly hosts: MicrosoftHosts;
  /** Table `connections`. */
  readonly connections: Table;
  readonly figures: FigureStore;
}
