import type { ApiAccess } from './access/api-access.ts';
import { type Adapters, azureAdapters } from './azure/adapters.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { AccessTokens } from './connections/access-tokens.ts';
import { APPLICATION_EVENT_ROWS, ApplicationStore } from './connections/application.ts';
import { ApplicationCredentials } from './connections/application-credentials.ts';
import { ApplicationHealth } from './connections/application-health.ts';
import type { ChecksDeps } from './connections/checks.ts';
import { ConnectionStore } from './connections/connection.ts';
import { ConnectionCache } from './connections/connection-cache.ts';
import type { ConnectionsDeps } from './connections/deps.ts';
import { ConnectionHealth } from './connections/health.ts';
import { TenantRefusals } from './connections/tenant-refusals.ts';
import { RemovalStore } from './customers/removal.ts';
import type { LinkingDeps } from './linking/deps.ts';
import { LinkStore } from './linking/link.ts';
import { OpenLinks } from './linking/open-links.ts';
import type { MailDeps } from './mail/deps.ts';
import { EventOutbox } from './mail/events.ts';
import { LaneStore } from './mail/lane.ts';
import { ReleasedLanes } from './mail/released-lanes.ts';
import type { OperationsDeps } from './operations/deps.ts';
import { FigureStore } from './operations/figures.ts';

/** What the functions call, wired once. */
export interface App {
  readonly access: ApiAccess;
  readonly linking: LinkingDeps;
  readonly connections: ConnectionsDeps;
  readonly mail: MailDeps;
  readonly checks: ChecksDeps;
  readonly operations: OperationsDeps;
}

/** The composition root: the only place that knows what is made of what. Tests pass fakes as `adapters`. */
export function compose(config: Config, adapters: Adapters = azureAdapters(config), clock: Clock = systemClock): App {
  const { tables, queues, blobs, secrets, identity, graph, hosts } = adapters;
  const now = () => clock.now();
  const connections = new ConnectionStore(tables.connections);
  const applications = new ApplicationStore(tables.applications);
  const links = new LinkStore(tables.links, now);
  const credentials = new ApplicationCredentials(config, secrets, clock);
  const lanes = new LaneStore(tables.mails);
  const outbox = new EventOutbox(tables.mails, queues, config.publicBaseUrl);
  const applicationOutbox = new EventOutbox(tables.applications, queues, config.publicBaseUrl, APPLICATION_EVENT_ROWS);
  const applicationHealth = new ApplicationHealth({
    clock,
    connections,
    applications,
    lanes,
    outbox,
    applicationOutbox,
    queues,
  });
  const linking: LinkingDeps = {
    config,
    clock,
    links,
    openLinks: new OpenLinks(tables.links, now),
    connections,
    applications,
    applicationHealth,
    credentials,
    lanes,
    outbox,
    queues,
    secrets,
    identity,
  };
  const mail: MailDeps = {
    config,
    clock,
    random: Math.random,
    mails: tables.mails,
    queues,
    blobs,
    connections,
    cache: new ConnectionCache(connections, clock),
    health: new ConnectionHealth({ clock, connections, applications, applicationHealth, lanes, outbox }),
    lanes,
    released: new ReleasedLanes(),
    outbox,
    tokens: new AccessTokens({
      config,
      clock,
      connections,
      applications,
      applicationHealth,
      credentials,
      secrets,
      identity,
    }),
    graph,
  };
  const connectionsDeps: ConnectionsDeps = {
    ...mail,
    applications,
    applicationHealth,
    tenantRefusals: new TenantRefusals({ clock, connections, tokens: mail.tokens }),
    applicationOutbox,
    links,
    secrets,
    identity,
  };
  const checks: ChecksDeps = { ...connectionsDeps, linking, removals: new RemovalStore(tables.connections) };
  const figures = new FigureStore(tables.connections);
  const operations: OperationsDeps = { clock, queues, blobs, secrets, hosts, connections: tables.connections, figures };
  return { access: apiAccess(config, adapters), linking, mail, connections: connectionsDeps, checks, operations };
}

/** Never falls back to a weaker way: where tokens are wanted, something must judge them. */
function apiAccess({ apiAuth }: Config, { apiTokens }: Adapters): ApiAccess {
  if (apiAuth.kind === 'function') return { kind: 'functionKey' };
  if (!apiTokens) throw new Error('API_AUTH=entra, and nothing judges tokens');
  return { kind: 'token', tokens: apiTokens };
}
