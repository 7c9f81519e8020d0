import type { QueueClient, QueueServiceClient } from '@azure/storage-queue';
import { type Queues, type ReceivedMessage, StoreUnavailable } from '../storage/ports.ts';

/** Storage refuses to hide a message for longer than 7 days. */
const LONGEST_SECONDS = 7 * 24 * 3_600;
/** The most that storage gives out, or shows, in one request. */
const MOST_MESSAGES = 32;

/** `Queues` on `@azure/storage-queue`. Text goes as it is: host.json says `messageEncoding: none`. */
export class AzureQueues implements Queues {
  private readonly service: QueueServiceClient;
  private readonly clients = new Map<string, QueueClient>();

  constructor(service: QueueServiceClient) {
    this.service = service;
  }

  async send(queue: string, text: string, visibleInSeconds = 0): Promise<void> {
    try {
      await this.client(queue).sendMessage(text, {
        messageTimeToLive: -1,
        ...(visibleInSeconds > 0 && { visibilityTimeout: Math.min(Math.ceil(visibleInSeconds), LONGEST_SECONDS) }),
      });
    } catch (error) {
      throw new StoreUnavailable('queue storage', undefined, error);
    }
  }

  async depth(queue: string): Promise<number> {
    try {
      return (await this.client(queue).getProperties()).approximateMessagesCount ?? 0;
    } catch (error) {
      throw new StoreUnavailable('queue storage', undefined, error);
    }
  }

  async oldest(queue: string): Promise<Date | undefined> {
    try {
      const { peekedMessageItems } = await this.client(queue).peekMessages({ numberOfMessages: MOST_MESSAGES });
      const times = peekedMessageItems.map(({ insertedOn }) => insertedOn.getTime());
      return times.length === 0 ? undefined : new Date(Math.min(...times));
    } catch (error) {
      throw new StoreUnavailable('queue storage', undefined, error);
    }
  }

  async receive(queue: string, hiddenSeconds: number): Promise<readonly ReceivedMessage[]> {
    try {
      const { receivedMessageItems } = await this.client(queue).receiveMessages({
        numberOfMessages: MOST_MESSAGES,
        visibilityTimeout: hiddenSeconds,
      });
      return receivedMessageItems.map(({ messageId, popReceipt, messageText, dequeueCount }) => ({
        messageId,
        popReceipt,
        text: withCarriageReturns(messageText),
        dequeueCount,
      }));
    } catch (error) {
      throw new StoreUnavailable('queue storage', undefined, error);
    }
  }

  async remove(queue: string, { messageId, popReceipt }: ReceivedMessage): Promise<void> {
    try {
      await this.client(queue).deleteMessage(messageId, popReceipt);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'MessageNotFound' && code !== 'PopReceiptMismatch')
        throw new StoreUnavailable('queue storage', undefined, error);
    }
  }

  private client(queue: string): QueueClient {
    const client = this.clients.get(queue) ?? this.service.getQueueClient(queue);
    this.clients.set(queue, client);
    return client;
  }
}

/**
 * Storage writes a carriage return as a character reference into its XML, which this SDK, unlike .NET's, leaves there. A
 * text that is JSON as it is means what it says.
 */
function withCarriageReturns(text: string): string {
  if (!/&#xD;/i.test(text)) return text;
  try {
    JSON.parse(text);
    return text;
  } catch {
    return text.replace(/&#xD;/gi, '\r');
  }
}
