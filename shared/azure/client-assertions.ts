import type { TokenCredential } from '@azure/identity';
import { type Clock, MINUTE } from '../clock.ts';
import { StoreUnavailable } from '../storage/ports.ts';

/** Renewed this long before it expires. Entra checks the time, and a request may be on its way for a while. */
const RENEW_BEFORE_MS = 5 * MINUTE;
/** When renewing fails while the assertion at hand is still good, it is not tried again before this. */
const RETRY_MS = MINUTE;

interface Kept {
  readonly value: string;
  readonly expiresAt: number;
  renewAt: number;
}

/**
 * Tokens of the managed identity that prove RoboMQ's application in place of a secret. Kept here, whatever the SDK's own
 * cache does: one request to the identity endpoint per lifetime, also when many ask at once.
 */
export class ClientAssertions {
  private readonly credential: TokenCredential;
  private readonly scope: string;
  private readonly clock: Clock;
  private kept: Kept | undefined;
  private underWay: Promise<Kept> | undefined;

  constructor(credential: TokenCredential, scope: string, clock: Clock) {
    this.credential = credential;
    this.scope = scope;
    this.clock = clock;
  }

  /** @throws {StoreUnavailable} when the identity endpoint gives none, and the one at hand has expired */
  async get(): Promise<string> {
    const now = this.clock.now().getTime();
    if (this.kept && now < this.kept.renewAt) return this.kept.value;
    this.underWay ??= this.fetch().finally(() => {
      this.underWay = undefined;
    });
    try {
      return (await this.underWay).value;
    } catch (error) {
      // The SDK's errors speak of OAuth errors too. None of them may be taken for Microsoft's judgement of a grant.
      if (!this.kept || this.kept.expiresAt <= now) throw new StoreUnavailable('managed identity', undefined, error);
      this.kept.renewAt = now + RETRY_MS;
      return this.kept.value;
    }
  }

  private async fetch(): Promise<Kept> {
    const token = await this.credential.getToken(this.scope);
    if (!token?.token) throw new Error('the managed identity has no token');
    const expiresAt = token.expiresOnTimestamp;
    // One that comes with less left than that is used to its end, or every request would ask anew.
    const renewAt = Math.max(expiresAt - RENEW_BEFORE_MS, Math.min(expiresAt, this.clock.now().getTime() + RETRY_MS));
    this.kept = { value: token.token, expiresAt, renewAt };
    return this.kept;
  }
}
