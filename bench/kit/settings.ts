/** How long the other side takes, in milliseconds. */
export interface Latencies {
  readonly graphMs: number;
  readonly tokenMs: number;
  readonly vaultReadMs: number;
  readonly vaultWriteMs: number;
  /** Of each request to a queue or table. */
  readonly storageMs: number;
}

export const NO_LATENCY: Latencies = { graphMs: 0, tokenMs: 0, vaultReadMs: 0, vaultWriteMs: 0, storageMs: 0 };

/** What was seen between an app and its services in one region of Azure; see README.md. */
export const REAL: Latencies = { graphMs: 150, tokenMs: 107, vaultReadMs: 20, vaultWriteMs: 32, storageMs: 7 };

/** New versions of secrets that a vault takes in ten seconds. */
export const VAULT_LIMIT = 300;
