import type { Adapters } from '../../shared/azure/adapters.ts';
import { type App, compose } from '../../shared/compose.ts';
import { type SecretTags, StoreUnavailable } from '../../shared/storage/ports.ts';
import { FakeApp } from '../fakes/app.ts';
import { FakeSecrets } from '../fakes/stores.ts';
import { Entra } from './microsoft.ts';
import type { Mutation } from './mutations.ts';

/** A vault that may be down, and counts the most versions that any secret had. */
export class Vault extends FakeSecrets {
  down = false;
  maxVersions = 0;

  override async set(name: string, value: string, tags: SecretTags, expiresOn?: Date): Promise<void> {
    this.answer();
    await super.set(name, value, tags, expiresOn);
    this.maxVersions = Math.max(this.maxVersions, this.kept.get(name)?.versions ?? 0);
  }

  override async get(name: string, tags: SecretTags): Promise<string | undefined> {
    this.answer();
    return super.get(name, tags);
  }

  override async remove(name: string, tags: SecretTags): Promise<Date | undefined> {
    this.answer();
    return super.remove(name, tags);
  }

  private answer(): void {
    if (this.down) throw new StoreUnavailable('key vault', 10);
  }
}

/** The real code over a Microsoft and a vault that have a life of their own. */
export class LifeApp extends FakeApp {
  override readonly identity: Entra = new Entra(() => this.clock.now());
  override readonly secrets: Vault = new Vault();
  private readonly mutation: Mutation;

  constructor(settings: Readonly<Record<string, string>>, mutation: Mutation = {}) {
    super(settings);
    this.mutation = mutation;
    this.app = this.compose();
  }

  override compose(): App {
    const { links, connections, applications, mails, queues, blobs, secrets, identity, graph } = this;
    const tables = { links, connections, applications, mails };
    const adapters: Adapters = { tables, queues, blobs, secrets, identity, graph, hosts: { reach: async () => {} } };
    const app = compose(this.config, this.mutation?.adapters?.(adapters) ?? adapters, this.clock);
    return this.mutation?.app?.(app) ?? app;
  }
}
