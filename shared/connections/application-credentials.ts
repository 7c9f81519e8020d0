import { type Clock, HOUR } from '../clock.ts';
import type { Config } from '../config.ts';
import type { ApplicationCredential } from '../microsoft/identity-platform.ts';
import { SingleFlight } from '../single-flight.ts';
import type { Secrets, SecretTags } from '../storage/ports.ts';

/** How long a client secret read from the vault is used before it is read again. */
const KEEP_MS = 12 * HOUR;
const MAX_KEPT = 5_000;

interface Kept {
  readonly value: string;
  readonly until: number;
}

/** Turns an application into what proves it to the token endpoint. Secrets read from the vault are kept in memory. */
export class ApplicationCredentials {
  private readonly config: Config;
  private readonly secrets: Secrets;
  private readonly clock: Clock;
  private readonly kept = new Map<string, Kept>();
  private readonly reads = new SingleFlight<string | undefined>();

  constructor(config: Config, secrets: Secrets, clock: Clock) {
    this.config = config;
    this.secrets = secrets;
    this.clock = clock;
  }

  /**
   * RoboMQ's application.
   * @param fresh reads the secret again: Microsoft refused the one in memory
   * @returns undefined when the vault has no such secret
   */
  async serviceProvider(fresh = false): Promise<ApplicationCredential | undefined> {
    const { clientId, credential } = this.config.serviceProvider;
    if (credential.kind === 'federated') return { clientId, proof: { kind: 'federated' } };
    const tags = { kind: 'service-provider-client-secret', application: clientId } as const;
    return this.withSecret(clientId, credential.secretName, tags, fresh);
  }

  /** A customer's application, with the secret of that name. */
  async customerOwned(customerId: string, clientId: string, secretName: string, fresh = false) {
    const tags = { kind: 'client-secret', customer: customerId, application: clientId } as const;
    return this.withSecret(clientId, secretName, tags, fresh);
  }

  private async withSecret(
    clientId: string,
    name: string,
    tags: SecretTags,
    fresh: boolean,
  ): Promise<ApplicationCredential | undefined> {
    const now = this.clock.now().getTime();
    // The tags are part of the key: what was read for one owner must not be found by another.
    const key = JSON.stringify([name, tags]);
    const known = this.kept.get(key);
    const usable = known !== undefined && !fresh && known.until > now;
    // Of all that begin at once, after a start or when the time is over, one reads; who was refused reads for itself.
    const read = () => this.secrets.get(name, tags);
    const value = usable ? known.value : await (fresh ? read() : this.reads.run(key, read));
    if (value === undefined) return undefined;
    if (!usable) {
      // Oldest first: a Map keeps insertion order.
      if (this.kept.size >= MAX_KEPT) this.kept.delete(this.kept.keys().next().value ?? '');
      this.kept.set(key, { value, until: now + KEEP_MS });
    }
    return { clientId, proof: { kind: 'secret', value } };
  }
}
