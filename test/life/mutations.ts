import type { Adapters } from '../../shared/azure/adapters.ts';
import type { App } from '../../shared/compose.ts';
import type { TokenResult } from '../../shared/connections/access-tokens.ts';
import type { Connection } from '../../shared/connections/connection.ts';
import type { Log } from '../../shared/log.ts';
import { MicrosoftError } from '../../shared/microsoft/identity-platform.ts';
import { StoreUnavailable } from '../../shared/storage/ports.ts';
import type { RowOperation, Table } from '../../shared/storage/table.ts';
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
    adapters: onQueues((queue, text) => queue !== QUEUES.checks || !text.includes('"connection"')),
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
  /** A link that is refused is called dead at once, though another instance may have renewed its token. */
  noSecondLook: {
    app: (app: App): App => {
      app.mail.tokens.get = async (connection, log) => firstWord(app, connection, log, false);
      app.mail.tokens.prove = async (connection, log) => firstWord(app, connection, log, true);
      return app;
    },
  },
  /** A check that came to its end leaves the connection due. */
  checkedEveryHour: {
    adapters: onConnections((properties) => {
      const { checkSlot, troubleAt, nextCheckAt } = properties;
      if (checkSlot !== '' || !troubleAt || typeof nextCheckAt !== 'string') return properties;
      return { ...properties, nextCheckAt: '2000-01-01T00:00:00.000Z' };
    }),
  },
  /** Nobody hears of anything. */
  eventsNeverSent: {
    adapters: onQueues((queue) => queue !== QUEUES.events),
  },
  /** The vault says that it deleted a secret, and keeps it. */
  secretsNeverDeleted: {
    adapters: (adapters: Adapters): Adapters => {
      const { secrets } = adapters;
      return {
        ...adapters,
        secrets: {
          get: (name, tags) => secrets.get(name, tags),
          set: (...set) => secrets.set(...set),
          remove: async () => new Date(0),
        },
      };
    },
  },
  /** A replaced secret is deleted by the next check. */
  retiredSecretDroppedAtOnce: {
    adapters: onConnections((properties) =>
      properties['previousRetiredAt'] ? { ...properties, previousRetiredAt: '2000-01-01T00:00:00.000Z' } : properties,
    ),
  },
  /** Rows do not keep what Microsoft said. */
  reasonsLost: {
    adapters: onConnections((properties) =>
      properties['status'] === 'needs_relink' ? { ...properties, reason: 'invalid_grant' } : properties,
    ),
  },
  /** That somebody was warned is forgotten. */
  warnedNeverKept: {
    adapters: onTable('applications', (properties) =>
      properties['warnedDays'] ? { ...properties, warnedDays: 1000 } : properties,
    ),
  },
  /** A link that is called dead is proven by what is remembered from before. */
  reviveWithoutProof: {
    app: (app: App): App => {
      const { tokens } = app.checks;
      const prove = tokens.prove.bind(tokens);
      tokens.prove = async (connection, log) =>
        connection.status === 'needs_relink'
          ? { kind: 'token', accessToken: 'remembered', connection }
          : prove(connection, log);
      return app;
    },
  },
} as const satisfies Readonly<Record<string, Mutation>>;

export type MutationName = keyof typeof MUTATIONS;

type Properties = Extract<RowOperation, { kind: 'merge' }>['properties'];

/** What the first of the two looks at a link says. */
async function firstWord(app: App, connection: Connection, log: Log, always: boolean): Promise<TokenResult> {
  const { tokens } = app.checks;
  // A private method, on purpose: it is the safeguard around it that is taken away.
  const { attempt } = tokens as unknown as {
    attempt(...look: [Connection, Log, boolean, boolean]): Promise<TokenResult>;
  };
  try {
    return await attempt.call(tokens, connection, log, always, false);
  } catch (error) {
    if (error instanceof StoreUnavailable) return { kind: 'wait', reason: 'store_unavailable' };
    throw error;
  }
}

function onQueues(passes: (queue: string, text: string) => boolean) {
  return (adapters: Adapters): Adapters => {
    const { queues } = adapters;
    return {
      ...adapters,
      queues: {
        depth: (queue) => queues.depth(queue),
        oldest: (queue) => queues.oldest(queue),
        receive: (queue, seconds) => queues.receive(queue, seconds),
        remove: (queue, message) => queues.remove(queue, message),
        send: async (queue, text, seconds) => {
          if (passes(queue, text)) await queues.send(queue, text, seconds);
        },
      },
    };
  };
}

function onConnections(change: (properties: Properties) => Properties) {
  return onTable('connections', change);
}

function onTable(name: 'connections' | 'applications', change: (properties: Properties) => Properties) {
  return (adapters: Adapters): Adapters => {
    const table = adapters.tables[name];
    return {
      ...adapters,
      tables: {
        ...adapters.tables,
        [name]: {
          get: (...row: Parameters<Table['get']>) => table.get(...row),
          query: (...range: Parameters<Table['query']>) => table.query(...range),
          scan: (...range: Parameters<Table['scan']>) => table.scan(...range),
          write: (partition: string, operations: readonly RowOperation[]) =>
            table.write(
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
