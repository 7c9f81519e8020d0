import { QueueClient } from '@azure/storage-queue';
import { QUEUES } from '../../shared/storage-names.ts';
import type { Directory } from '../directory.ts';
import { type Graph, startGraph } from '../graph/graph.ts';
import type { CallerProof } from '../hire2retire/caller-proof.ts';
import { startHire2Retire } from '../hire2retire/hire2retire.ts';
import type { ApiRegistration } from '../identity/api-registration.ts';
import { type IdentityPlatform, startIdentity } from '../identity/identity.ts';
import { type KeyVault, startKeyVault } from '../key-vault/key-vault.ts';
import type { Certificate, LoopbackServer } from '../kit/serve.ts';
import { type Mailbox, startMailbox } from '../mailbox/mailbox.ts';
import { type ManagedIdentity, startManagedIdentity } from '../managed-identity/managed-identity.ts';
import { type Storage, startStorage } from '../storage/azurite.ts';
import type { Closers } from './closers.ts';
import { customerOwnedInfo, publicValues } from './info.ts';

export interface StandIns {
  readonly storage: Storage;
  readonly identity: IdentityPlatform;
  readonly managedIdentity: ManagedIdentity;
  readonly keyVault: KeyVault;
  readonly graph: Graph;
  readonly mailbox: Mailbox;
  readonly hire2retire: LoopbackServer;
}

export interface StandInOptions {
  readonly directory: Directory;
  readonly tls: Certificate;
  readonly functionKey: string;
  readonly storageAccess: 'connectionString' | 'identity';
  readonly ports: 'usual' | 'free';
  readonly graphLatencyMs: number | undefined;
  /** Address of the functions, without `/api`. Asked on use: it is known only after all of these have started. */
  readonly functionsUrl: () => string;
  /** The same as browsers and Microsoft know it: the setting PUBLIC_BASE_URL. */
  readonly publicUrl: () => string;
  /** The API as tokens for it name it: the settings API_ENTRA_… */
  readonly api: () => ApiRegistration;
  /** What proves Hire2Retire's server to the functions, by the setting API_AUTH. */
  readonly proof: () => CallerProof;
  /** Connection string of the storage with the queues; undefined for the sandbox's own. */
  readonly mailStorage: () => string | undefined;
}

const USUAL_PORTS = { hire2retire: 4280, mailbox: 4281, identity: 4282 } as const;
const FREE_PORTS = { hire2retire: 0, mailbox: 0, identity: 0 } as const;

/** Starts everything that the functions and their users talk to. */
export async function startStandIns(options: StandInOptions, closers: Closers): Promise<StandIns> {
  const { directory, tls, functionKey } = options;
  const ports = options.ports === 'usual' ? USUAL_PORTS : FREE_PORTS;
  const shown = publicValues(directory, functionKey);
  const [identity, managedIdentity, mailbox] = await Promise.all([
    closers.keep(
      startIdentity({
        directory,
        port: ports.identity,
        redirectUris: () => [`${options.publicUrl()}/api/auth/callback/Outlook`],
        api: options.api,
        publicValues: shown,
      }),
    ),
    closers.keep(startManagedIdentity({ directory })),
    closers.keep(startMailbox({ port: ports.mailbox })),
  ]);
  // Known before it is there: the pages ask for it when somebody reads events.
  const starting = Promise.withResolvers<Storage>();
  const events = async () => {
    const connectionString = options.mailStorage() ?? (await starting.promise).connectionString;
    return new QueueClient(connectionString, QUEUES.events);
  };
  const [keyVault, graph, hire2retire, storage] = await Promise.all([
    closers.keep(
      startKeyVault({
        tls,
        accepts: (token, audience) => managedIdentity.accepts(token, audience),
        publicValues: shown,
      }),
    ),
    closers.keep(
      startGraph({
        tls,
        verify: (token) => identity.verifyAccessToken(token),
        deliver: (mail) => mailbox.deliver(mail),
        publicValues: shown,
        ...(options.graphLatencyMs !== undefined && { latencyMs: options.graphLatencyMs }),
      }),
    ),
    closers.keep(
      startHire2Retire({
        port: ports.hire2retire,
        api: () => ({ url: `${options.functionsUrl()}/api`, proof: options.proof() }),
        mailboxUrl: mailbox.url,
        events,
        hints: { users: directory.accounts, customerOwned: customerOwnedInfo(directory.applications.customerOwned) },
      }),
    ),
    // Last, because loading Azurite keeps this thread busy for a second.
    closers.keep(startStorage({ ...(options.storageAccess === 'identity' && { tls }), ports: options.ports })),
  ]);
  starting.resolve(storage);
  return { storage, identity, managedIdentity, keyVault, graph, mailbox, hire2retire };
}
