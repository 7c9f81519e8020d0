import type { Adapters } from '../../shared/azure/adapters.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Delivery } from '../../shared/mail/work-lane.ts';
import type { Process } from './process.ts';

/** A safeguard taken away from outside: the code under test stays what it is. */
export interface Mutation {
  readonly adapters?: (adapters: Adapters) => Adapters;
  readonly delivery?: (delivery: Delivery) => Delivery;
  readonly clock?: (process: Process) => Clock;
}
