import { createHash } from 'node:crypto';
import type { Blobs, Queues, ReceivedMessage, Secrets, SecretTags, StoredBlob } from '../../shared/storage/ports.ts';

export interface FakeMessage {
  readonly queue: string;
  readonly text: string;
  readonly visibleInSeconds: number;
  readonly sentAt: Date;
}

/** Queues that remember what was sent. */
export class FakeQueues implements Queues {
  readonly sent: FakeMessage[] = [];
  before: () => void | Promise<void> = () => {};
  /** Called when a message is on its queue and nobody was told yet. */
  after: () => void = () => {};
  private readonly now: () => Date;
  private readonly received = new Map<FakeMessage, { readonly messageId: string; readonly dequeueCount: number }>();

  constructor(now: () => Date = () => new Date()) {
    this.now = now;
  }

  async send(queue: string, text: string, visibleInSeconds = 0): Promise<void> {
    await this.before();
    this.sent.push({ queue, text, visibleInSeconds, sentAt: this.now() });
    this.after();
  }

  async depth(queue: string): Promise<number> {
    return this.of(queue).length;
  }

  async oldest(queue: string): Promise<Date | undefined> {
    return this.of(queue).find(({ visibleInSeconds }) => visibleInSeconds === 0)?.sentAt;
  }

  async receive(queue: string, hiddenSeconds: number): Promise<readonly ReceivedMessage[]> {
    await this.before();
    const now = this.now().getTime();
    const visible = this.of(queue).filter(({ visibleInSeconds, sentAt }) => {
      return sentAt.getTime() + visibleInSeconds * 1000 <= now;
    });
    return visible.slice(0, 32).map((message) => {
      const received = this.received.get(message) ?? { messageId: `msg-${this.received.size + 1}`, dequeueCount: 0 };
      const next = { ...received, dequeueCount: received.dequeueCount + 1 };
      const hidden = { ...message, visibleInSeconds: (now - message.sentAt.getTime()) / 1000 + hiddenSeconds };
      this.sent[this.sent.indexOf(message)] = hidden;
      this.received.delete(message);
      this.received.set(hidden, next);
      return { ...next, popReceipt: String(next.dequeueCount), text: message.text };
    });
  }

  async remove(queue: string, { messageId, popReceipt }: ReceivedMessage): Promise<void> {
    await this.before();
    for (const message of this.of(queue)) {
      const received = this.received.get(message);
      if (received?.messageId !== messageId || String(received.dequeueCount) !== popReceipt) continue;
      this.sent.splice(this.sent.indexOf(message), 1);
    }
    this.after();
  }

  of(queue: string): FakeMessage[] {
    return this.sent.filter((message) => message.queue === queue);
  }
}

/** Blobs in memory; the ETag is the content's hash and a counter. */
export class FakeBlobs implements Blobs {
  readonly kept = new Map<string, StoredBlob & { readonly metadata: Readonly<Record<string, string>> }>();
  /** Called before a deletion; a test throws here to simulate a crash or an outage. */
  before: () => void | Promise<void> = () => {};
  /** Called when a deletion took effect and nobody was told yet. */
  after: () => void = () => {};
  private writes = 0;

  async put(container: string, name: string, content: Buffer, metadata: Readonly<Record<string, string>> = {}) {
    this.writes += 1;
    const etag = `"${createHash('sha256').update(content).digest('hex').slice(0, 8)}-${this.writes}"`;
    this.kept.set(`${container}/${name}`, { content, etag, metadata });
    return etag;
  }

  async get(container: string, name: string, maxBytes: number, etag?: string) {
    const blob = this.kept.get(`${container}/${name}`);
    if (!blob || (etag !== undefined && blob.etag !== etag)) return undefined;
    return blob.content.length > maxBytes ? ('tooLarge' as const) : { content: blob.content, etag: blob.etag };
  }

  async remove(container: string, name: string): Promise<void> {
    await this.before();
    this.kept.delete(`${container}/${name}`);
    this.after();
  }

  async list(container: string, prefix: string, limit: number): Promise<readonly string[]> {
    const from = `${container}/`;
    const names = [...this.kept.keys()].filter((key) => key.startsWith(from)).map((key) => key.slice(from.length));
    return names
      .filter((name) => name.startsWith(prefix))
      .sort()
      .slice(0, limit);
  }
}

export interface FakeSecret {
  readonly value: string;
  readonly tags: SecretTags;
  readonly expiresOn: Date | undefined;
  readonly versions: number;
}

/** A vault in memory. A deleted name stays taken, as with soft delete. */
export class FakeSecrets implements Secrets {
  readonly kept = new Map<string, FakeSecret>();
  readonly deleted = new Map<string, SecretTags>();
  reads = 0;
  writes = 0;
  before: (call: 'set' | 'get' | 'remove', name: string) => void | Promise<void> = () => {};
  /** Called when a write took effect and nobody was told yet. */
  after: (call: 'set' | 'remove', name: string) => void = () => {};

  async set(name: string, value: string, tags: SecretTags, expiresOn?: Date): Promise<void> {
    await this.before('set', name);
    if (this.deleted.has(name)) throw new Error(`the name ${name} is taken by a deleted secret`);
    this.writes += 1;
    this.kept.set(name, { value, tags, expiresOn, versions: (this.kept.get(name)?.versions ?? 0) + 1 });
    this.after('set', name);
  }

  async get(name: string, tags: SecretTags): Promise<string | undefined> {
    await this.before('get', name);
    this.reads += 1;
    return this.isOf(name, tags) ? this.kept.get(name)?.value : undefined;
  }

  private isOf(name: string, tags: Partial<SecretTags> = {}): boolean {
    return hasTags(this.kept.get(name)?.tags, tags);
  }

  async remove(name: string, tags: SecretTags): Promise<Date | undefined> {
    await this.before('remove', name);
    const kept = this.kept.get(name);
    if (kept && this.isOf(name, tags)) {
      this.kept.delete(name);
      this.deleted.set(name, kept.tags);
    }
    this.after('remove', name);
    const deleted = this.deleted.get(name);
    return deleted && hasTags(deleted, tags) ? new Date('2027-02-21T00:00:00Z') : undefined;
  }
}

function hasTags(tags: SecretTags | undefined, expected: Partial<SecretTags>): boolean {
  return Object.entries(expected).every(([key, value]) => tags?.[key as keyof SecretTags] === value);
}
