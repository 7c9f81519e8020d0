/**
 * Reads the queue `outlook-events`: what Hire2Retire's worker does all the time. Nothing here depends on the sandbox; copy
 * it. On Azure the client has an identity that holds Storage Queue Data Message Processor on the queue.
 */
import type { QueueClient } from '@azure/storage-queue';

/** CloudEvents 1.0. docs/integration.md says what to do for each type. */
export interface OutlookEvent {
  /** Comes at least once: remember it. */
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly subject: string;
  readonly data: {
    readonly customerId: string;
    readonly connectionId?: string;
    readonly clientId?: string;
    readonly mailId?: string;
    readonly reason?: string;
    readonly waiting?: number;
    readonly alertAddress?: string;
  };
}

/** Long enough to act on 32 events. What is not deleted by then is there again. */
const HIDDEN_SECONDS = 120;

/**
 * Takes what is there, oldest first. Act, then delete: whoever dies between the two acts once more, and nothing is lost.
 * @param act is given each event at least once, and has to know those that it has seen by their `id`
 */
export async function readEvents(queue: QueueClient, act: (event: OutlookEvent) => Promise<void>): Promise<void> {
  for (;;) {
    const { receivedMessageItems: messages } = await queue.receiveMessages({
      numberOfMessages: 32,
      visibilityTimeout: HIDDEN_SECONDS,
    });
    if (messages.length === 0) return;
    for (const { messageId, popReceipt, messageText } of messages) {
      await act(JSON.parse(messageText) as OutlookEvent);
      await queue.deleteMessage(messageId, popReceipt);
    }
  }
}
