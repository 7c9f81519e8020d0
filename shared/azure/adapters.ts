import type { ApiTokens } from '../access/api-access.ts';
import type { Config } from '../config.ts';
import type { GraphMail } from '../mail/graph-answer.ts';
import type { MicrosoftHosts } from '../microsoft/hosts.ts';
import type { IdentityPlatform } from '../microsoft/identity-platform.ts';
import type { Blobs, Queues, Secrets } from '../storage/ports.ts';
import type { Table } from '../storage/table.ts';
import type { TABLES } from '../storage-names.ts';
import { atFirstUse, once } from './at-first-use.ts';
import type { EntraApiTokensOptions } from './entra-api-tokens.ts';
import { FetchedHosts } from './hosts.ts';

/** Everything outside the process, behind ports. */
export interface Adapters {
  readonly tables: Readonly<Record<keyof typeof TABLES, Table>>;
  readonly queues: Queues;
  readonly blobs: Blobs;
  readonly secrets: Secrets;
  readonly identity: IdentityPlatform;
  readonly graph: GraphMail;
  /** Present where callers prove themselves by token. */
  readonly apiTokens?: ApiTokens;
  readonly hosts: MicrosoftHosts;
}

/** The real ones. Nothing is contacted before it is used, and Azure's SDKs are not even read. */
export function azureAdapters(config: Config): Adapters {
  const { apiAuth, cloud } = config;
  const sdk = once(async () => {
    const { sdkAdapters } = await import('./sdk-adapters.ts');
    return sdkAdapters(config);
  });
  const table = (name: keyof typeof TABLES) => atFirstUse(async () => (await sdk()).tables[name]);
  return {
    tables: {
      links: table('links'),
      connections: table('connections'),
      applications: table('applications'),
      mails: table('mails'),
    },
    queues: atFirstUse(async () => (await sdk()).queues),
    blobs: atFirstUse(async () => (await sdk()).blobs),
    secrets: atFirstUse(async () => (await sdk()).secrets),
    identity: atFirstUse(async () => (await sdk()).identity),
    ...(apiAuth.kind === 'entra' && { apiTokens: entraApiTokens({ cloud, ...apiAuth }) }),
    graph: atFirstUse(async () => (await sdk()).graph),
    hosts: new FetchedHosts({ login: cloud.loginUrl, graph: cloud.graphUrl }),
  };
}

function entraApiTokens(options: EntraApiTokensOptions): ApiTokens {
  const made = once(async () => {
    const { EntraApiTokens } = await import('./entra-api-tokens.ts');
    return new EntraApiTokens(options);
  });
  return {
    judge: (token) =>
      made().then(
        (tokens) => tokens.judge(token),
        // Nobody can tell whether the token is right.
        (cause: unknown) => ({ kind: 'unknown', cause }),
      ),
  };
}
