import type { KeyVaultSecret, SecretClient } from '@azure/keyvault-secrets';
import { type Secrets, type SecretTags, StoreUnavailable } from '../storage/ports.ts';

/** The vault's own word for it. The 404 of a gateway, or of an address that is no vault's, says nothing of a secret. */
const NOT_FOUND = 'SecretNotFound';

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
    const secret = await this.call(() => this.client.getSecret(name), NOT_FOUND);
    if (!secret) return undefined;
    return isOf(secret, tags) ? secret.value : undefined;
  }

  async remove(name: string, tags: SecretTags): Promise<Date | undefined> {
    if ((await this.get(name, tags)) === undefined) {
      const deleted = await this.call(() => this.client.getDeletedSecret(name), NOT_FOUND);
      return deleted && isOf(deleted, tags) ? deleted.properties.scheduledPurgeDate : undefined;
    }
    // The first answer already means "deleted"; polling until the deletion has settled would only cost requests.
    const poller = await this.call(() => this.client.beginDeleteSecret(name, { intervalInMs: 60_000 }), NOT_FOUND);
    return poller?.getOperationState().result?.properties.scheduledPurgeDate;
  }

  /** Runs a call; undefined when it ends with the error code that the caller expects. */
  private async call<T>(action: () => Promise<T>, expected?: string): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      const { code, response } = error as {
        code?: string;
        response?: { headers?: { get(name: string): string | undefined } };
      };
      if (expected !== undefined && code === expected) return undefined;
      throw new StoreUnavailable('key vault', Number(response?.headers?.get('retry-after')) || undefined, error);
    }
  }
}

function isOf({ properties }: Pick<KeyVaultSecret, 'properties'>, expected: SecretTags): boolean {
  return Object.entries(expected).every(([key, value]) => properties.tags?.[key] === value);
}
