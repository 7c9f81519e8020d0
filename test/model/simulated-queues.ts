/** A message of a storage queue. */
export interface Message {
  readonly id: string;
  readonly queue: string;
  readonly text: string;
  dequeueCount: number;
  /** Changes with each delivery: only the latest delivery can delete the message. */
  receipt: number;
  deleted: boolean;
}

/** Told when a message appears, now or after `delayMs`. */
export type Appears = (message: Message, delayMs: number) => void;

/** Storage queues: who gets a message, and when it comes back, is the host's part. */
export class SimulatedQueues {
  readonly messages: Message[] = [];
  appears: Appears = () => {};
  /** Requests of ours so far, by queue. */
  readonly puts = new Map<string, number>();

  put(queue: string, text: string, delayMs = 0): Message {
    const id = `message-${this.messages.length + 1}`;
    const message = { id, queue, text, dequeueCount: 0, receipt: 0, deleted: false };
    this.messages.push(message);
    this.puts.set(queue, (this.puts.get(queue) ?? 0) + 1);
    this.appears(message, delayMs);
    return message;
  }

  waiting(queue: string): number {
    return this.of(queue).filter(({ deleted }) => !deleted).length;
  }

  /** Every message that was ever on a queue. */
  of(queue: string): Message[] {
    return this.messages.filter((message) => message.queue === queue);
  }
}
