/** The two queues, with the types of what lies on them. Needs `@azure/storage-queue`, and `@azure/identity` on Azure. */
import type { QueueClient } from '@azure/storage-queue';
import type { Mail } from './api.generated.ts';

/** Message on `outlook-mail`, version 1. */
export type QueueMessage = Mail & {
  readonly version: 1;
  readonly customerId: string;
  readonly connectionId: string;
};

/** CloudEvent on `outlook-events`. docs/integration.md says what to do for each type. */
export interface OutlookEvent {
  readonly specversion: '1.0';
  /** Comes at least once: remember it. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly subject: string;
  readonly datacontenttype: 'application/json';
  readonly data: {
    readonly customerId: string;
    readonly connectionId?: string;
    readonly clientId?: string;
    readonly mailId?: string;
    readonly state?: string;
    readonly reason?: string;
    readonly waiting?: number;
    readonly alertAddress?: string;
    /** Of `application.secret_expiring`: ISO date, whole days until it, and whether nobody gave the date. */
    readonly expiresOn?: string;
    readonly daysLeft?: number;
    readonly assumed?: true;
  };
}

/** Puts a mail on the queue, as plain JSON. Returns when it lies there. */
export async function putMail(queue: QueueClient, message: QueueMessage): Promise<void> {
  await queue.sendMessage(JSON.stringify(message));
}

/**
 * Hands over the events that are there, oldest first, and deletes each when `act` is done with it. An event whose `act`
 * fails comes again; so does one that takes longer than two minutes.
 */
export async function readEvents(queue: QueueClient, act: (event: OutlookEvent) => Promise<void>): Promise<void> {
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32, visibilityTimeout: 120 });
    if (receivedMessageItems.length === 0) return;
    for (const { messageId, popReceipt, messageText } of receivedMessageItems) {
      await act(JSON.parse(messageText) as OutlookEvent);
      await queue.deleteMessage(messageId, popReceipt);
    }
  }
}
