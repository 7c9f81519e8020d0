import { setTimeout as delay } from 'node:timers/promises';
import { QueueClient, QueueSASPermissions } from '@azure/storage-queue';
import { QUEUES } from '../../shared/storage-names.ts';
import { CUSTOMER } from './connections.ts';
import type { Stage } from './stage.ts';

/** Mails on the queue at once: Azurite's queue gets slower with its length. */
const DEPTH = 100;
const AT_ONCE = 16;
const LOOK_EVERY_MS = 20;
/** Asking costs the worker time that is counted as the app's. */
const ASK_FOR_FAILED_EVERY_MS = 1_000;

/** Puts mail on the queue as fast as it is sent, to each connection in turn. The SDK would cost more than the rest. */
export class Feeder {
  private readonly stage: Stage;
  private readonly url: Promise<string>;
  private stopped = false;
  private fed = 0;
  private running: Promise<unknown> = Promise.resolve();

  constructor(stage: Stage) {
    this.stage = stage;
    this.url = signedUrl(stage.connectionString);
  }

  /** Mails accepted by Graph so far. */
  accepted(): Promise<number> {
    return this.stage.microsoft.call<number>('accepted');
  }

  /** Feeds until it has fed `total` mails in all, or until `stop`. May be called again, with more, when `done`. */
  start(total = Number.POSITIVE_INFINITY): void {
    this.running = this.feed(total);
  }

  /** Resolves when Graph has accepted so many. */
  async until(accepted: number): Promise<void> {
    while ((await this.accepted()) < accepted) await delay(LOOK_EVERY_MS);
  }

  /** Resolves when the function has ended for so many, and the host has deleted their messages. */
  async untilDone(mails: number): Promise<void> {
    await this.until(mails);
    const deleted = async () => (await this.stage.counts()).storage.queue[`DELETE /${QUEUES.mail}`] ?? 0;
    while ((await deleted()) < mails) await delay(LOOK_EVERY_MS);
  }

  /** Resolves when all the mails that were asked for are on the queue. */
  async done(): Promise<void> {
    await this.running;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private async feed(total: number): Promise<void> {
    let [failed, askedAt] = [0, performance.now()];
    while (!this.stopped && this.fed < total) {
      // What failed is hidden for minutes, and producers go on.
      if (performance.now() - askedAt > ASK_FOR_FAILED_EVERY_MS)
        [failed, askedAt] = [await this.stage.failed(), performance.now()];
      const worked = (await this.accepted()) + failed;
      const room = Math.min(DEPTH - (this.fed - worked), total - this.fed);
      for (let left = room; left > 0 && !this.stopped; left -= AT_ONCE)
        await Promise.all(Array.from({ length: Math.min(AT_ONCE, left) }, () => this.put(this.fed++)));
      await delay(LOOK_EVERY_MS);
    }
  }

  private async put(n: number): Promise<void> {
    const { connectionIds } = this.stage;
    const message = {
      version: 1,
      mailId: `bench-${n}`,
      customerId: CUSTOMER,
      connectionId: connectionIds[n % connectionIds.length],
      to: ['ada@example.com'],
      subject: `Mail ${n}`,
      body: { contentType: 'text', content: 'The quick brown fox jumps over the lazy dog. '.repeat(20) },
    };
    const text = JSON.stringify(message).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    const body = `<QueueMessage><MessageText>${text}</MessageText></QueueMessage>`;
    const response = await fetch(await this.url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/xml' },
    });
    await response.arrayBuffer();
    if (response.status !== 201) throw new Error(`The queue answered ${response.status}`);
  }
}

async function signedUrl(connectionString: string): Promise<string> {
  const queue = new QueueClient(connectionString, QUEUES.mail);
  const permissions = QueueSASPermissions.parse('a');
  const url = new URL(await queue.generateSasUrl({ permissions, expiresOn: new Date(Date.now() + 24 * 3_600_000) }));
  url.pathname += '/messages';
  url.searchParams.set('messagettl', '-1');
  return url.href;
}
