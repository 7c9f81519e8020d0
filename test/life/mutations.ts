import type { Adapters } from '../../shared/azure/adapters.ts';
import type { App } from '../../shared/compose.ts';
import { MicrosoftError } from '../../shared/microsoft/identity-platform.ts';
import type { RowOperation } from '../../shared/storage/table.ts';
import { QUEUES } from '../../shared/storage-names.ts';

/** A safeguard taken away from outside: the code under test stays what it is. */
export interface Mutation {
  readonly adapters?: (adapters: Adapters) => Adapters;
  readonly app?: (app: App) => App;
}

/** What connections would be without one of their safeguards each. */
export const MUTATIONS = {
  /** Nobody looks at a connection that nobody sends from. */
  checksAreLost: {
    adapters: (adapters: Adapters): Adapters => ({
      ...adapters,
      queues: {
        depth: (queue) => adapters.queues.depth(queue),
        oldest: (queue) => adapters.queues.oldest(queue),
        receive: (queue, seconds) => adapters.queues.receive(queue, seconds),
        remove: (queue, message) => adapters.queues.remove(queue, message),
        send: async (queue, text, seconds) => {
          if (queue !== QUEUES.checks || !text.includes('"connection"'))
            await adapters.queues.send(queue, text, seconds);
        },
      },
    }),
  },
  /** Every failure of the token endpoint is taken for a refusal. */
  outagesLookLikeRefusals: {
    adapters: (adapters: Adapters): Adapters => {
      const { identity } = adapters;
      return {
        ...adapters,
        identity: {
          ready: (credential) => identity.ready(credential),
          proveApplication: (credential, tenant) => identity.proveApplication(credential, tenant),
          authorizeUrl: (request) => identity.authorizeUrl(request),
          redeem: (request) => identity.redeem(request),
          resolveTenant: (domain) => identity.resolveTenant(domain),
          refresh: (request) =>
            identity.refresh(request).catch((error: unknown) => {
              if (error instanceof MicrosoftError && error.transient)
                throw new MicrosoftError({ error: 'invalid_grant', number: 70000, status: 400 });
              throw error;
            }),
        },
      };
    },
  },
  /** A vault that does not answer looks like one that has no such secret. */
  outagesLookLikeMissingSecrets: {
    adapters: (adapters: Adapters): Adapters => {
      const { secrets } = adapters;
      return {
        ...adapters,
        secrets: {
          set: (...set) => secrets.set(...set),
          remove: (name, tags) => secrets.remove(name, tags),
          get: (name, tags) => secrets.get(name, tags).catch(() => undefined),
        },
      };
    },
  },
  /** Rotated refresh tokens are never stored. */
  nothingIsWrittenBack: {
    adapters: (adapters: Adapters): Adapters => {
      const { secrets } = adapters;
      const stored = new Set<string>();
      return {
        ...adapters,
        secrets: {
          get: (name, tags) => secrets.get(name, tags),
          remove: (name, tags) => secrets.remove(name, tags),
          set: async (name, value, tags, expiresOn) => {
            const known = (await secrets.get(name, tags)) !== undefined || stored.has(name);
            stored.add(name);
            if (!known) await secrets.set(name, value, tags, expiresOn);
          },
        },
      };
    },
  },
  /** Versions of a secret are not counted. */
  versionsPileUp: { adapters: onConnections(({ secretVersions: _, ...properties }) => properties) },
  /** A link that was refused once stays dead. */
  nobodyComesBack: {
    app: (app: App): App => {
      app.checks.health.revive = async () => false;
      return app;
    },
  },
  /** A check that dies is not repeated for a week. */
  diedChecksAreForgotten: {
    adapters: onConnections((properties) => {
      const { checkSlot, nextCheckAt } = properties;
      if (!checkSlot || typeof nextCheckAt !== 'string') return properties;
      return { ...properties, nextCheckAt: new Date(Date.parse(nextCheckAt) + 7 * 86_400_000).toISOString() };
    }),
  },
} as const satisfies Readonly<Record<string, Mutation>>;

export type MutationName = keyof typeof MUTATIONS;

type Properties = Extract<RowOperation, { kind: 'merge' }>['properties'];

function onConnections(change: (properties: Properties) => Properties) {
  return (adapters: Adapters): Adapters => {
    const { connections } = adapters.tables;
    return {
      ...adapters,
      tables: {
        ...adapters.tables,
        connections: {
          get: (...row) => connections.get(...row),
          query: (...range) => connections.query(...range),
          scan: (...range) => connections.scan(...range),
          write: (partition, operations) =>
            connections.write(
              partition,
              operations.map((operation) =>
                operation.kind === 'delete' ? operation : { ...operation, properties: change(operation.properties) },
              ),
            ),
        },
      },
    };
  };
}
