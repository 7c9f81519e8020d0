import type { Adapters } from '../../shared/azure/adapters.ts';
import { type App, compose } from '../../shared/compose.ts';
import type { Invocation } from '../../shared/log.ts';
import { FakeApp } from '../fakes/app.ts';
import { Entra } from './microsoft.ts';
import type { Mutation } from './mutations.ts';
import type { Checked } from './rounds.ts';
import { Vault } from './vault.ts';

/** The real code over a Microsoft and a vault that have a life of their own. */
export class LifeApp extends FakeApp {
  override readonly identity: Entra = new Entra(() => this.clock.now());
  override readonly secrets: Vault = new Vault();
  /** Checks that came to their end. */
  readonly checked: Checked[] = [];
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

  override invocation(): Invocation {
    const { log, ...rest } = super.invocation();
    return {
      ...rest,
      log: {
        ...log,
        event: (name, fields) => {
          log.event(name, fields);
          if (name === 'connection.checked' && fields?.['complete'] === true)
            this.checked.push({ connectionId: String(fields['connectionId']), at: this.clock.now().getTime() });
        },
      },
    };
  }
}
