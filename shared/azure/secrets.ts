import type { SecretClient } from '@azure/keyvault-secrets';
import { type Secrets, type SecretTags, StoreUnavailable } from '../storage/ports.ts';

/** `Secrets` on `@azure/keyvault-secrets`. */
export class KeyVaultSecrets implements Secrets {
  private readonly client: SecretClient;

  constructor(client: SecretClient) {
    this.client = client;
  }

  async set(name: string, value: string, tags: SecretTags, expiresOn?: Date): Promise<void> {
    await this.call(() => this.client.setSecret(name, value, { tags: { ...tags }, ...(expiresOn && { expiresOn }) }));
  }

  async get(name: string, tags: SecretTags): Promise<string | undefined> {
    const secret = await this.call(() => this.client.getSecret(name), 404);
    if (!secret) return undefined;
    const kept = secret.properties.tags ?? {};
    const expected = Object.entries(tags);
    const same = expected.every(([key, value]) => kept[key] === value);
    return same ? secret.value : undefined;
  }

  async remove(name: string, tags: SecretTags): Promise<Date | undefined> {
    if ((await this.get(name, tags)) === undefined) return undefined;
    // The first answer already means "deleted"; polling until the deletion has settled would only cost requests.
    const poller = await this.call(() => this.client.beginDeleteSecret(name, { intervalInMs: 60_000 }), 404);
    return poller?.getOperationState().result?.properties.scheduledPurgeDate;
  }

  /** Runs a call; undefined when it ends with the status that the caller expects. */
  private async call<T>(action: () => Promise<T>, expected?: number): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      const { statusCode, response } = error as {
        statusCode?: number;
        response?: { headers?: { get(name: string): string | undefined } };
      };
      if (expected !== undefined && statusCode === expected) return undefined;
      throw new StoreUnavailable('key vault', Number(response?.headers?.get('retry-after')) || undefined, error);
    }
  }
}
