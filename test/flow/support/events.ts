import type { QueueClient } from '@azure/storage-queue';
import { until } from './until.ts';

/** A CloudEvent of `outlook-events`. */
export interface Event {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Reads `outlook-events` as Hire2Retire would, and remembers what it read. */
export class Events {
  /** Texts of the messages, oldest first. */
  readonly texts: string[] = [];
  private readonly queue: QueueClient;

  constructor(queue: QueueClient) {
    this.queue = queue;
  }

  async all(): Promise<readonly Event[]> {
    for (;;) {
      const { receivedMessageItems } = await this.queue.receiveMessages({ numberOfMessages: 32 });
      for (const { messageId, popReceipt, messageText } of receivedMessageItems) {
        this.texts.push(messageText);
        await this.queue.deleteMessage(messageId, popReceipt);
      }
      if (receivedMessageItems.length === 0) return this.texts.map((text) => JSON.parse(text) as Event);
    }
  }

  /** Waits for an event with this type and these data. */
  tells(type: string, data: Readonly<Record<string, string>>): Promise<Event> {
    const matches = (event: Event) =>
      event.type === type && Object.entries(data).every(([name, value]) => event.data[name] === value);
    return until(`event ${type} ${JSON.stringify(data)}`, async () => (await this.all()).find(matches));
  }
}
