import type { Adapters } from '../../shared/azure/adapters.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Delivery } from '../../shared/mail/work-lane.ts';
import type { ReceivedMessage } from '../../shared/storage/ports.ts';
import type { RowOperation, Table } from '../../shared/storage/table.ts';
import { QUEUES } from '../../shared/storage-names.ts';
import type { Process } from './process.ts';

/** A safeguard taken away from outside: the code under test stays what it is. */
export interface Mutation {
  readonly adapters?: (adapters: Adapters) => Adapters;
  readonly delivery?: (delivery: Delivery) => Delivery;
  readonly clock?: (process: Process) => Clock;
}

/** What the lanes would be without one of their safeguards each. A model that finds nothing wrong with these finds nothing. */
export const MUTATIONS = {
  /** A claim does not notice that somebody else touched the mail. */
  claimsIgnoreTheMail: { adapters: writing((operation) => withoutEtag(operation, '2|')) },
  /** The lane is taken, kept and released whoever has it. */
  lanesIgnoreEachOther: { adapters: writing((operation) => withoutEtag(operation, '0')) },
  /** An outcome overwrites whatever the record says. */
  outcomesIgnoreTheRecord: { adapters: writing((operation) => withoutEtag(operation, '1|')) },
  /** Every lease has run out. */
  leasesLastNoTime: {
    adapters: reading(async (get, partition, key) => {
      const { row, readAt } = await get(partition, key);
      return { row, readAt: new Date(readAt.getTime() + 3_600_000) };
    }),
  },
  /** Nobody notices that mail was put down while the lane was held. */
  dirtIsNotSeen: {
    adapters: writing((operation) =>
      operation.kind === 'merge' && operation.properties['dirty'] === true
        ? { ...operation, properties: { ...operation.properties, dirty: false } }
        : operation,
    ),
  },
  /** A message that comes back is taken for a new one. */
  redeliveriesLookNew: { delivery: (delivery: Delivery) => ({ ...delivery, redelivered: false }) },
  /** Tickets are thrown away. */
  ticketsAreLost: {
    adapters: (adapters: Adapters) => ({
      ...adapters,
      queues: {
        depth: (queue: string) => adapters.queues.depth(queue),
        oldest: (queue: string) => adapters.queues.oldest(queue),
        receive: (queue: string, seconds: number) => adapters.queues.receive(queue, seconds),
        remove: (queue: string, message: ReceivedMessage) => adapters.queues.remove(queue, message),
        send: async (queue: string, text: string, seconds?: number) => {
          if (queue !== QUEUES.lanes) await adapters.queues.send(queue, text, seconds);
        },
      },
    }),
  },
  /** Events are told from memory alone. */
  eventsHaveNoRows: {
    adapters: writing((operation) => (operation.rowKey.startsWith('3|') ? undefined : operation)),
  },
  /** A claim counts however old it is when the mail is posted. */
  claimsDoNotAge: {
    clock: (process: Process): Clock => ({
      now: () => process.now(),
      monotonic: () => 0,
      sleep: (milliseconds) => process.sleep(milliseconds),
    }),
  },
  /** The HTTP client repeats what got no answer. */
  postsAreRepeated: {
    adapters: (adapters: Adapters) => ({
      ...adapters,
      graph: {
        send: async (...post: Parameters<Adapters['graph']['send']>) => {
          const answer = await adapters.graph.send(...post);
          return answer.kind === 'noAnswer' ? adapters.graph.send(...post) : answer;
        },
      },
    }),
  },
  /** Deliveries cannot tell their own lane from another's. */
  everybodyHasOneName: { delivery: (delivery: Delivery) => ({ ...delivery, owner: 'somebody' }) },
} as const satisfies Readonly<Record<string, Mutation>>;

export type MutationName = keyof typeof MUTATIONS;

function withoutEtag(operation: RowOperation, rows: string): RowOperation {
  if (operation.kind !== 'merge' || !operation.rowKey.startsWith(rows)) return operation;
  const { etag: _, ...unconditional } = operation;
  return unconditional;
}

/** Changes or drops operations on their way to the mails. */
function writing(change: (operation: RowOperation) => RowOperation | undefined) {
  return onMails((mails) => ({
    get: (...row) => mails.get(...row),
    query: (...range) => mails.query(...range),
    scan: (...range) => mails.scan(...range),
    write: async (partition, operations) => {
      const changed = operations.map(change).filter((operation) => operation !== undefined);
      return changed.length === 0 ? new Map<string, string>() : mails.write(partition, changed);
    },
  }));
}

function reading(read: (get: Table['get'], partition: string, key: string) => ReturnType<Table['get']>) {
  return onMails((mails) => ({
    get: (partition, key) => read((...row) => mails.get(...row), partition, key),
    query: (...range) => mails.query(...range),
    scan: (...range) => mails.scan(...range),
    write: (...write) => mails.write(...write),
  }));
}

function onMails(wrap: (mails: Table) => Table) {
  return (adapters: Adapters): Adapters => ({
    ...adapters,
    tables: { ...adapters.tables, mails: wrap(adapters.tables.mails) },
  });
}
