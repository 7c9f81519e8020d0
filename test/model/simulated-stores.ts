import type { Blobs, Queues, ReceivedMessage, Secrets, SecretTags } from '../../shared/storage/ports.ts';
import type { RowOperation, RowRange, Table } from '../../shared/storage/table.ts';
import type { FakeTable } from '../fakes/table.ts';
import type { CallFaults, Process } from './process.ts';
import type { SimulatedQueues } from './simulated-queues.ts';

/** Told of each write that was applied, at the moment it was. */
export type WriteObserver = (partitionKey: string, operations: readonly RowOperation[]) => void;

const NONE: CallFaults = { fails: 0, lost: 0 };

/** A table as one process sees it: each request is a step, and may fail before or after its effect. */
export class SimulatedTable implements Table {
  private readonly table: FakeTable;
  private readonly process: Process;
  private readonly faults: () => CallFaults;
  private readonly observe: WriteObserver;

  constructor(table: FakeTable, process: Process, faults: () => CallFaults, observe: WriteObserver = () => {}) {
    this.table = table;
    this.process = process;
    this.faults = faults;
    this.observe = observe;
  }

  async get(partitionKey: string, rowKey: string) {
    const { row, readAt } = await this.process.call(() => this.table.get(partitionKey, rowKey), this.reading());
    // The Date header has whole seconds.
    return { row, readAt: new Date(Math.floor(readAt.getTime() / 1000) * 1000) };
  }

  write(partitionKey: string, operations: readonly RowOperation[]) {
    return this.process.call(async () => {
      const etags = await this.table.write(partitionKey, operations);
      this.observe(partitionKey, operations);
      return etags;
    }, this.faults());
  }

  query(partitionKey: string, range: RowRange) {
    return this.process.call(() => this.table.query(partitionKey, range), this.reading());
  }

  scan(...scan: Parameters<Table['scan']>) {
    return this.process.call(() => this.table.scan(...scan), this.reading());
  }

  private reading(): CallFaults {
    return { ...NONE, fails: this.faults().fails };
  }
}

/** The queues as one process writes to them. */
export class QueuesOfProcess implements Queues {
  private readonly queues: SimulatedQueues;
  private readonly process: Process;
  private readonly faults: () => CallFaults;

  constructor(queues: SimulatedQueues, process: Process, faults: () => CallFaults) {
    this.queues = queues;
    this.process = process;
    this.faults = faults;
  }

  send(queue: string, text: string, visibleInSeconds = 0): Promise<void> {
    if (!Number.isInteger(visibleInSeconds) || visibleInSeconds < 0 || visibleInSeconds > 7 * 86_400)
      throw new Error(`storage refuses a visibility of ${visibleInSeconds} s`);
    return this.process.call(async () => {
      this.queues.put(queue, text, visibleInSeconds * 1000);
    }, this.faults());
  }

  depth(queue: string): Promise<number> {
    return this.process.call(async () => this.queues.waiting(queue));
  }

  oldest(): Promise<Date | undefined> {
    return this.process.call(async () => undefined);
  }

  /** The model's host delivers poisoned messages itself. */
  receive(): Promise<readonly ReceivedMessage[]> {
    return this.process.call(async () => []);
  }

  remove(): Promise<void> {
    return this.process.call(async () => {});
  }
}

/** The blobs as one process reads and writes them. */
export class BlobsOfProcess implements Blobs {
  private readonly blobs: Blobs;
  private readonly process: Process;
  private readonly faults: () => CallFaults;

  constructor(blobs: Blobs, process: Process, faults: () => CallFaults) {
    this.blobs = blobs;
    this.process = process;
    this.faults = faults;
  }

  put(...put: Parameters<Blobs['put']>) {
    return this.process.call(() => this.blobs.put(...put), this.faults());
  }

  get(...get: Parameters<Blobs['get']>) {
    return this.process.call(() => this.blobs.get(...get), { ...NONE, fails: this.faults().fails });
  }

  remove(...remove: Parameters<Blobs['remove']>) {
    return this.process.call(() => this.blobs.remove(...remove), this.faults());
  }

  list(...list: Parameters<Blobs['list']>) {
    return this.process.call(() => this.blobs.list(...list), { ...NONE, fails: this.faults().fails });
  }
}

/** A vault that knows one refresh token per connection. */
export class SimulatedSecrets implements Secrets {
  private readonly process: Process;
  private readonly faults: () => CallFaults;

  constructor(process: Process, faults: () => CallFaults) {
    this.process = process;
    this.faults = faults;
  }

  set(): Promise<void> {
    return this.process.call(async () => {}, this.faults());
  }

  get(_name: string, tags: SecretTags): Promise<string | undefined> {
    return this.process.call(async () => `refresh-token of ${tags.connection}`, this.faults());
  }

  remove(): Promise<Date | undefined> {
    return this.process.call(async () => undefined, this.faults());
  }
}
