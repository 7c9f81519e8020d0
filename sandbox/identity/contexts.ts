import { randomBytes } from 'node:crypto';

const LIFETIME_MS = 15 * 60_000;

/**
 * What a page knows of the request that brought it up. The form carries an opaque id only, so nothing of the request
 * can be altered between two pages.
 */
export class Contexts<T> {
  private readonly kept = new Map<string, { readonly value: T; readonly until: number }>();

  keep(value: T): string {
    const now = Date.now();
    for (const [id, { until }] of this.kept) {
      if (until > now) break;
      this.kept.delete(id);
    }
    const id = randomBytes(24).toString('base64url');
    this.kept.set(id, { value, until: now + LIFETIME_MS });
    return id;
  }

  find(id: string | null): T | undefined {
    const found = id === null ? undefined : this.kept.get(id);
    return found && found.until > Date.now() ? found.value : undefined;
  }
}
