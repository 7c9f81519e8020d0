import { type App, compose } from '../../shared/compose.ts';
import { type Config, loadConfig } from '../../shared/config.ts';
import { acceptCallback } from '../../shared/linking/callback.ts';
import { type ConfirmedLink, confirmLink } from '../../shared/linking/confirm-link.ts';
import { openLink } from '../../shared/linking/open-link.ts';
import type { StartLinkRequest } from '../../shared/linking/requests.ts';
import { startLink } from '../../shared/linking/start-link.ts';
import type { EventFields, Invocation, Log } from '../../shared/log.ts';
import { QUEUES } from '../../shared/storage-names.ts';
import { FakeApiTokens } from './api-tokens.ts';
import { FakeClock } from './clock.ts';
import { FakeGraph, FakeIdentity } from './microsoft.ts';
import { FakeBlobs, FakeQueues, FakeSecrets } from './stores.ts';
import { FakeTable } from './table.ts';

export const SERVICE_PROVIDER_CLIENT_ID = '5e41ce00-0000-4000-8000-000000000001';
export const CUSTOMER_CLIENT_ID = 'c0570e00-0000-4000-8000-000000000001';

/** Settings of a test: enough to start, all of them harmless. */
export const TEST_SETTINGS: Readonly<Record<string, string>> = {
  MailStorage: 'UseDevelopmentStorage=true',
  PUBLIC_BASE_URL: 'https://hire2retire.example',
  LINK_RETURN_URLS: '{"settings":"https://app.example/return"}',
  KEY_VAULT_URL: 'https://vault.example',
  SERVICE_PROVIDER_CLIENT_ID,
  SERVICE_PROVIDER_CREDENTIAL: 'federated',
};

/** What Hire2Retire reads of a CloudEvent. */
export interface ToldEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface LoggedEvent {
  readonly level: 'event' | 'warning' | 'failure';
  readonly name: string;
  readonly fields: EventFields | undefined;
}

/** Settings with which callers prove themselves by a token. */
export const ENTRA_SETTINGS: Readonly<Record<string, string>> = {
  API_AUTH: 'entra',
  API_ENTRA_TENANT: 'c0c0c0c0-3333-4333-8333-000000000003',
  API_ENTRA_AUDIENCE: 'a91a91a9-0000-4000-8000-000000000001',
};

/** The whole app over fakes, and the everyday steps of using it. */
export class FakeApp {
  readonly clock = new FakeClock();
  readonly links = new FakeTable(() => this.clock.now());
  readonly connections = new FakeTable(() => this.clock.now());
  readonly applications = new FakeTable(() => this.clock.now());
  readonly mails = new FakeTable(() => this.clock.now());
  readonly queues = new FakeQueues(() => this.clock.now());
  readonly blobs = new FakeBlobs();
  readonly secrets = new FakeSecrets();
  readonly identity = new FakeIdentity(() => this.clock.now());
  readonly graph = new FakeGraph();
  readonly apiTokens = new FakeApiTokens();
  readonly events: LoggedEvent[] = [];
  readonly config: Config;
  app: App;
  private invocations = 0;

  constructor(settings: Readonly<Record<string, string>> = {}) {
    this.config = loadConfig({ ...TEST_SETTINGS, ...settings });
    this.app = this.compose();
  }

  /** The same stores seen by another instance: nothing in memory is shared. */
  compose(): App {
    const { links, connections, applications, mails, queues, blobs, secrets, identity, graph, apiTokens } = this;
    const tables = { links, connections, applications, mails };
    const hosts = { reach: async () => {} };
    const adapters = { tables, queues, blobs, secrets, identity, graph, apiTokens, hosts };
    return compose(this.config, adapters, this.clock);
  }

  /** Rows of connections and of their index; not what is kept of removed ones until their records' time is over. */
  connectionRows() {
    return this.connections.all().filter(({ rowKey }) => !rowKey.startsWith('r|'));
  }

  /** The CloudEvents that went out, oldest first. */
  cloudEvents(): ToldEvent[] {
    return this.queues.of(QUEUES.events).map(({ text }) => JSON.parse(text) as ToldEvent);
  }

  invocation(): Invocation {
    this.invocations += 1;
    const keep = (level: LoggedEvent['level']) => (name: string, fields?: EventFields) => {
      this.events.push({ level, name, fields });
    };
    const log: Log = {
      event: keep('event'),
      warning: keep('warning'),
      failure: (name, _error, fields) => keep('failure')(name, fields),
    };
    return { id: `invocation-${this.invocations}`, correlationId: `correlation-${this.invocations}`, log };
  }

  start(request: Partial<StartLinkRequest> = {}) {
    return startLink(this.app.linking, linkRequest(request), this.invocation());
  }

  /** Goes through a whole link in one browser and returns what the return page of Hire2Retire gets. */
  async authorize(request: Partial<StartLinkRequest> = {}): Promise<{ linkId: string; confirmation: string }> {
    const started = await this.start(request);
    const ticket = new URL(started.linkUrl).searchParams.get('ticket') ?? '';
    const opened = await openLink(this.app.linking, ticket, () => undefined, this.invocation());
    if (opened.kind !== 'redirect') throw new Error(`not opened: ${opened.page}`);
    const query = this.identity.signIn(opened.location);
    const called = await acceptCallback(this.app.linking, query, () => opened.cookie.value, this.invocation());
    if (called.kind !== 'redirect') throw new Error(`not taken: ${called.page}`);
    const confirmation = new URL(called.location).searchParams.get('confirmation') ?? '';
    return { linkId: started.linkId, confirmation };
  }

  async link(request: Partial<StartLinkRequest> = {}): Promise<ConfirmedLink> {
    const { linkId, confirmation } = await this.authorize(request);
    const { customerId, startedBy } = linkRequest(request);
    return confirmLink(this.app.linking, linkId, { customerId, startedBy, confirmation }, this.invocation());
  }
}

/** A request to link through RoboMQ's application, by session `ada` of customer `acme`. */
export function linkRequest(request: Partial<StartLinkRequest> = {}): StartLinkRequest {
  return {
    customerId: 'acme',
    startedBy: 'ada',
    returnTo: 'settings',
    application: { kind: 'serviceProvider' },
    ...request,
  };
}
