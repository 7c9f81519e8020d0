import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';

/** A received message: hidden as long as it is kept, addressed by the newest of its receipts. */
export class MessageLease {
  private readonly queue: QueueClient;
  private readonly messageId: string;
  private readonly seconds: number;
  private receipt: string;
  private timer: NodeJS.Timeout | undefined;
  private renewal: Promise<void> = Promise.resolve();

  constructor(queue: QueueClient, message: DequeuedMessageItem, seconds: number) {
    this.queue = queue;
    this.messageId = message.messageId;
    this.receipt = message.popReceipt;
    this.seconds = seconds;
  }

  /** Renews the lease while the function runs; without it a long run would be delivered a second time. */
  keep(): void {
    this.timer = setInterval(
      () => {
        // One after the other: each renewal invalidates the receipt before it.
        this.renewal = this.renewal.then(() => this.renew());
      },
      (this.seconds * 1000) / 2,
    );
  }

  /** Ends the renewals. To be awaited before `delete` or `release`. */
  async settle(): Promise<void> {
    clearInterval(this.timer);
    await this.renewal;
  }

  async delete(): Promise<void> {
    await this.queue.deleteMessage(this.messageId, this.receipt);
  }

  /** Shows the message again after `seconds`. */
  async release(seconds: number): Promise<void> {
    await this.queue.updateMessage(this.messageId, this.receipt, undefined, Math.ceil(seconds));
  }

  /** A renewal that fails is tried again at the next turn; a lost message then shows when it is deleted. */
  private async renew(): Promise<void> {
    try {
      const answer = await this.queue.updateMessage(this.messageId, this.receipt, undefined, this.seconds);
      this.receipt = answer.popReceipt ?? this.receipt;
    } catch {}
  }
}
