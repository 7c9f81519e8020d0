import type { MicrosoftHosts } from '../microsoft/hosts.ts';

/** `MicrosoftHosts` by one HEAD request without a credential. */
export class FetchedHosts implements MicrosoftHosts {
  private readonly urls: Readonly<Record<'login' | 'graph', string>>;

  constructor(urls: Readonly<Record<'login' | 'graph', string>>) {
    this.urls = urls;
  }

  async reach(host: 'login' | 'graph', timeoutMs: number): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(this.urls[host], { method: 'HEAD', redirect: 'manual', signal });
    await response.body?.cancel();
  }
}
