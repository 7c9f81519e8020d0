import { setTimeout as delay } from 'node:timers/promises';
import type { DequeuedMessageItem, QueueClient, QueueServiceClient } from '@azure/storage-queue';
import type { TypedData } from './functions-core.ts';
import type { QueueSettings } from './host-settings.ts';
import { MessageLease } from './message-lease.ts';

export interface QueuePollerOptions {
  readonly service: QueueServiceClient;
  readonly queueName: string;
  readonly settings: QueueSettings;
  /** Replaces both Azure's ten minutes and host.json's visibilityTimeout. */
  readonly redeliverySeconds: number | undefined;
  /** Rejects when the function failed. */
  readonly invoke: (data: TypedData, triggerMetadata: Readonly<Record<string, TypedData>>) => Promise<unknown>;
  readonly write: (line: string) => void;
}

/** How long a message stays hidden after its host died, unless renewed. Azure's own value. */
const LEASE_SECONDS = 600;
const POISON_SECONDS = 7 * 24 * 60 * 60;
const FIRST_WAIT_MS = 100;
const MAX_BATCH = 32;

/** Polls one queue and runs its function, with the concurrency, redelivery and poison rules of the real host. */
export class QueuePoller {
  private readonly options: QueuePollerOptions;
  private readonly queue: QueueClient;
  private readonly inFlight = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private lastTrouble: string | undefined;
  private loop: Promise<void> | undefined;

  constructor(options: QueuePollerOptions) {
    this.options = options;
    this.queue = options.service.getQueueClient(options.queueName);
  }

  start(): void {
    this.loop = this.poll();
  }

  /** Takes no further message; resolves when the invocations now running have ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
    await Promise.allSettled(this.inFlight);
  }

  private get leaseSeconds(): number {
    return Math.max(1, Math.ceil(this.options.redeliverySeconds ?? LEASE_SECONDS));
  }

  private async poll(): Promise<void> {
    const { settings } = this.options;
    const { signal } = this.stopping;
    let wait = FIRST_WAIT_MS;
    while (!signal.aborted) {
      if (this.inFlight.size > settings.newBatchThreshold) {
        await Promise.race(this.inFlight);
        continue;
      }
      const messages = await this.receive();
      if (messages.length === 0) {
        await delay(wait, undefined, { signal }).catch(() => {});
        wait = Math.min(wait * 2, Math.max(FIRST_WAIT_MS, settings.maxPollingIntervalMs));
        continue;
      }
      wait = FIRST_WAIT_MS;
      for (const message of messages) this.track(signal.aborted ? this.giveBack(message) : this.process(message));
    }
  }

  private track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.trouble(error))
      .finally(() => {
        this.inFlight.delete(tracked);
      });
    this.inFlight.add(tracked);
  }

  private async receive(): Promise<readonly DequeuedMessageItem[]> {
    try {
      const numberOfMessages = Math.min(this.options.settings.batchSize, MAX_BATCH);
      const answer = await this.queue.receiveMessages({ numberOfMessages, visibilityTimeout: this.leaseSeconds });
      this.lastTrouble = undefined;
      return answer.receivedMessageItems;
    } catch (error) {
      // A queue that does not exist yet is an empty one.
      if (!isMissing(error)) this.trouble(error);
      return [];
    }
  }

  private async process(message: DequeuedMessageItem): Promise<void> {
    const { settings, invoke } = this.options;
    const lease = new MessageLease(this.queue, message, this.leaseSeconds);
    if (message.dequeueCount > settings.maxDequeueCount) return this.poison(message, lease);
    const text = decode(withCarriageReturns(message.messageText), settings);
    if (text === undefined) return this.poison(message, lease, 'Message decoding has failed.');
    lease.keep();
    const succeeded = await invoke({ string: text }, triggerMetadata(message, text)).then(
      () => true,
      () => false,
    );
    await lease.settle();
    if (succeeded) await lease.delete();
    else if (message.dequeueCount >= settings.maxDequeueCount) await this.poison(message, lease);
    else await lease.release(this.options.redeliverySeconds ?? settings.visibilityTimeoutMs / 1000);
  }

  /** Copy first: dying in between leaves the message twice, never not at all. */
  private async poison(message: DequeuedMessageItem, lease: MessageLease, reason?: string): Promise<void> {
    const { queueName, redeliverySeconds, service, settings, write } = this.options;
    if (queueName.endsWith('-poison')) {
      // The real host makes no poison queue for a poison queue: the message stays, and is not run again.
      await lease.release(redeliverySeconds ?? settings.visibilityTimeoutMs / 1000);
      return;
    }
    const poisonName = `${queueName}-poison`;
    const why = reason ?? `Message has reached MaxDequeueCount of ${settings.maxDequeueCount}.`;
    write(`${why} Moving message to queue '${poisonName}'. (Id=${message.messageId})`);
    const poison = service.getQueueClient(poisonName);
    const copy = () => poison.sendMessage(message.messageText, { messageTimeToLive: POISON_SECONDS });
    await copy().catch(async (error: unknown) => {
      if (!isMissing(error)) throw error;
      await poison.createIfNotExists();
      await copy();
    });
    await lease.delete();
  }

  private async giveBack(message: DequeuedMessageItem): Promise<void> {
    await new MessageLease(this.queue, message, this.leaseSeconds).release(0);
  }

  /** The same trouble at every poll is one line. */
  private trouble(error: unknown): void {
    const text = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    if (text === this.lastTrouble || this.stopping.signal.aborted) return;
    this.lastTrouble = text;
    this.options.write(`Queue '${this.options.queueName}': ${text}`);
  }
}

/** What the real host tells about a message; dates are JSON, numbers are integers. */
export function triggerMetadata(message: DequeuedMessageItem, text: string): Record<string, TypedData> {
  return {
    QueueTrigger: { string: text },
    DequeueCount: { int: message.dequeueCount },
    Id: { string: message.messageId },
    PopReceipt: { string: message.popReceipt },
    InsertionTime: { json: JSON.stringify(message.insertedOn) },
    ExpirationTime: { json: JSON.stringify(message.expiresOn) },
    NextVisibleTime: { json: JSON.stringify(message.nextVisibleOn) },
  };
}

/**
 * Storage writes a carriage return as a character reference into its XML, which this SDK, unlike .NET's, leaves there.
 * A text that is JSON as it is means what it says.
 */
function withCarriageReturns(text: string): string {
  if (!/&#xD;/i.test(text) || isJson(text)) return text;
  return text.replace(/&#xD;/gi, '\r');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Undefined when the text is not what `messageEncoding` says. */
function decode(text: string, { messageEncoding }: QueueSettings): string | undefined {
  if (messageEncoding === 'none') return text;
  const compact = text.replace(/\s/g, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return undefined;
  return Buffer.from(compact, 'base64').toString('utf8');
}

function isMissing(error: unknown): boolean {
  return (error as { statusCode?: unknown } | undefined)?.statusCode === 404;
}
