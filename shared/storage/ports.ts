/** Queues of the data storage account. */
export interface Queues {
  /**
   * Puts a message on a queue. It never expires.
   * @param visibleInSeconds how long it stays hidden; 7 days when it is more
   */
  send(queue: string, text: string, visibleInSeconds?: number): Promise<void>;
  /** Approximate number of messages, hidden ones included. */
  depth(queue: string): Promise<number>;
  /**
   * When the oldest of the messages at the front of a queue was sent; undefined when none can be seen. Hidden messages are
   * not seen, and nothing is taken from the queue. Storage shows 32 messages, roughly the oldest.
   */
  oldest(queue: string): Promise<Date | undefined>;
  /**
   * Takes up to 32 messages off the front of a queue, for this long: then whoever asks next gets them again.
   * @param hiddenSeconds 1 to 604,800
   */
  receive(queue: string, hiddenSeconds: number): Promise<readonly ReceivedMessage[]>;
  /** Deletes a received message; one that another reader has received since, or deleted, is fine. */
  remove(queue: string, message: ReceivedMessage): Promise<void>;
}

/** A message as {@link Queues.receive} gives it. */
export interface ReceivedMessage {
  readonly messageId: string;
  /** Proves to storage that the message was received last by whoever deletes it. */
  readonly popReceipt: string;
  readonly text: string;
  /** How often it was received, this time included. */
  readonly dequeueCount: number;
}

export interface StoredBlob {
  readonly content: Buffer;
  readonly etag: string;
}

/** Blob containers of the data storage account. */
export interface Blobs {
  /** Writes a blob, replacing what is there. Returns its ETag. */
  put(container: string, name: string, content: Buffer, metadata?: Readonly<Record<string, string>>): Promise<string>;
  /**
   * Reads a blob of at most `maxBytes`.
   * @returns undefined when it is missing, or changed since `etag`; `tooLarge` when over the limit
   */
  get(container: string, name: string, maxBytes: number, etag?: string): Promise<StoredBlob | 'tooLarge' | undefined>;
  /** Deletes a blob; a missing one is fine. */
  remove(container: string, name: string): Promise<void>;
  /** Names of at most `limit` blobs (5,000 are one request) that begin with `prefix`, in order. */
  list(container: string, prefix: string, limit: number): Promise<readonly string[]>;
}

export interface SecretTags {
  readonly kind: 'client-secret' | 'refresh-token' | 'service-provider-client-secret';
  readonly customer?: string;
  readonly application?: string;
  readonly connection?: string;
}

/** Secrets of the Key Vault. */
export interface Secrets {
  /** Stores a secret, or a new version of it. `expiresOn` is shown in the portal. */
  set(name: string, value: string, tags: SecretTags, expiresOn?: Date): Promise<void>;
  /**
   * Reads a secret, and only if its tags equal the expected ones: a row edited to point at another's secret is useless.
   * @returns undefined when it is missing or its tags differ
   */
  get(name: string, tags: SecretTags): Promise<string | undefined>;
  /**
   * Deletes a secret; a missing or deleted one is fine. Does not wait until the deletion has completed.
   * @param tags whose it must be: a row edited to point at another's secret must not delete it either
   * @returns until when the vault can recover it, also when it was deleted before; undefined when there is nothing
   */
  remove(name: string, tags: SecretTags): Promise<Date | undefined>;
}

/** The store behind a port did not answer, or asked to wait. Safe to repeat. */
export class StoreUnavailable extends Error {
  readonly retryAfterSeconds: number | undefined;

  constructor(store: string, retryAfterSeconds?: number, cause?: unknown) {
    super(`${store} is unavailable`, { cause });
    this.name = 'StoreUnavailable';
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
