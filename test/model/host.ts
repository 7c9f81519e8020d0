import type { Dice } from './dice.ts';
import type { Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import type { Message, SimulatedQueues } from './simulated-queues.ts';

/** What the host does with a message; throws or rejects to have it delivered again. */
export type Handle = (process: Process, message: Message, dequeueCount: number) => Promise<void>;

/** Which processes read a queue, and with what. */
export interface Reader {
  readonly processes: () => readonly Process[];
  readonly handle: Handle;
  /** Takes what failed too often. */
  readonly poisoned: (message: Message) => void;
}

interface Delivery {
  readonly message: Message;
  readonly receipt: number;
  readonly process: Process;
  running: boolean;
}

const MINUTE = 60_000;
/** What `host.json` says. */
const HOST = { visibilityTimeout: 5 * MINUTE, maxDequeueCount: 15, functionTimeout: 10 * MINUTE, inFlight: 24 };
/** A message whose host died comes back when the visibility that it last renewed runs out. */
const LONGEST_ABSENCE = 10 * MINUTE;

/** The Functions host over storage queues: at least once, in any order, again after a failure or a death. */
export class Host {
  /** Whether the deletion of a finished message is lost. */
  deleteLost: () => boolean = () => false;
  /** A process ran longer than the host allows. */
  timedOut: (process: Process) => void = () => {};
  /** Code that failed with what it does not expect. */
  readonly surprises: unknown[] = [];
  expected: (error: unknown) => boolean = () => false;
  deliveries = 0;
  redeliveries = 0;
  private readonly scheduler: Scheduler;
  private readonly dice: Dice;
  private readonly readers: ReadonlyMap<string, Reader>;
  private readonly running = new Map<Process, Set<Delivery>>();

  constructor(scheduler: Scheduler, dice: Dice, queues: SimulatedQueues, readers: ReadonlyMap<string, Reader>) {
    this.scheduler = scheduler;
    this.dice = dice;
    this.readers = readers;
    queues.appears = (message, delayMs) => this.offer(message, delayMs);
  }

  /** A process is gone: what it worked on comes back by and by. */
  died(process: Process): void {
    for (const delivery of this.running.get(process) ?? []) {
      delivery.running = false;
      this.comeBack(delivery, this.dice.between(0, LONGEST_ABSENCE));
    }
    this.running.delete(process);
  }

  /** A process stands still. So does its renewal of messages: after a while they are delivered to somebody else too. */
  froze(process: Process, milliseconds: number): void {
    if (milliseconds < LONGEST_ABSENCE) return;
    for (const delivery of this.running.get(process) ?? []) this.comeBack(delivery, LONGEST_ABSENCE);
  }

  private offer(message: Message, delayMs: number): void {
    const reader = this.readers.get(message.queue);
    if (reader) this.scheduler.after(delayMs + this.dice.between(0, 400), () => this.deliver(reader, message));
  }

  private comeBack(delivery: Delivery, delayMs: number): void {
    this.scheduler.after(delayMs, () => {
      if (!delivery.message.deleted && delivery.message.receipt === delivery.receipt) this.offer(delivery.message, 0);
    });
  }

  private deliver(reader: Reader, message: Message): void {
    if (message.deleted) return;
    const free = reader.processes().filter((each) => each.alive && this.load(each) < HOST.inFlight);
    if (free.length === 0) {
      this.offer(message, 500);
      return;
    }
    const process = this.dice.pick(free);
    message.dequeueCount += 1;
    message.receipt += 1;
    if (message.dequeueCount > HOST.maxDequeueCount) {
      this.poison(reader, message);
      return;
    }
    this.deliveries += 1;
    if (message.dequeueCount > 1) this.redeliveries += 1;
    const delivery = { message, receipt: message.receipt, process, running: true };
    const set = this.running.get(process) ?? new Set<Delivery>();
    this.running.set(process, set.add(delivery));
    process.after(0, () => {
      reader.handle(process, message, message.dequeueCount).then(
        () => this.finish(delivery),
        (error: unknown) => this.fail(reader, delivery, error),
      );
    });
    process.after(HOST.functionTimeout, () => {
      if (delivery.running) this.timedOut(process);
    });
  }

  private load(process: Process): number {
    return this.running.get(process)?.size ?? 0;
  }

  private end(delivery: Delivery): boolean {
    if (!delivery.running) return false;
    delivery.running = false;
    this.running.get(delivery.process)?.delete(delivery);
    return true;
  }

  private finish(delivery: Delivery): void {
    if (!this.end(delivery)) return;
    const { message, receipt, process } = delivery;
    if (this.deleteLost()) {
      this.comeBack(delivery, LONGEST_ABSENCE);
      return;
    }
    // The deletion is a request of its own; whoever dies before it has worked for a message that comes back.
    const gone = { done: false };
    process.after(this.dice.between(0, 15), () => {
      gone.done = true;
      if (message.receipt === receipt) message.deleted = true;
    });
    this.scheduler.after(LONGEST_ABSENCE, () => {
      if (!gone.done && !process.alive && message.receipt === receipt) this.offer(message, 0);
    });
  }

  private fail(reader: Reader, delivery: Delivery, error: unknown): void {
    if (!this.expected(error)) this.surprises.push(error);
    if (!this.end(delivery)) return;
    const { message } = delivery;
    if (message.receipt !== delivery.receipt) return;
    if (message.dequeueCount >= HOST.maxDequeueCount) this.poison(reader, message);
    else this.comeBack(delivery, HOST.visibilityTimeout);
  }

  private poison(reader: Reader, message: Message): void {
    message.deleted = true;
    reader.poisoned(message);
  }
}
