/** Microsoft's hosts that the product talks to. */
export interface MicrosoftHosts {
  /** Resolves when the host answers anything at all; rejects when it cannot be reached within the time. */
  reach(host: 'login' | 'graph', timeoutMs: number): Promise<void>;
}
