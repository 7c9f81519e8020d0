import type { Clock } from '../clock.ts';
import type { LinkStore } from '../linking/link.ts';
import type { Secrets } from '../storage/ports.ts';
import { type Application, type ApplicationStore, holdersOf, isRotating } from './application.ts';
import type { ConnectionStore } from './connection.ts';
import { clientSecretTags } from './secret-tags.ts';

export interface RemoveApplicationDeps {
  readonly clock: Clock;
  readonly applications: ApplicationStore;
  readonly connections: ConnectionStore;
  readonly links: Pick<LinkStore, 'get'>;
  readonly secrets: Secrets;
}

/** What became of an application that may have nobody left. */
export interface ApplicationRemoval {
  /** False when somebody is giving it a new secret at this moment: it has to be looked at again. */
  readonly settled: boolean;
  /** Until when the vault can recover the secrets that were deleted. */
  readonly recoverableUntil?: Date;
}

/**
 * The last connection of a customer-owned application takes its client secrets along. Those being removed do not count,
 * and a link that is being finished counts like a connection: it holds the row before it makes one, and looks after the
 * application itself when it ends.
 *
 * row read → holders and connections looked for → row marked, if it is still that row → secrets → row
 *
 * A mark is never taken back: whoever meets one may go on from there.
 */
export async function removeUnusedApplication(
  deps: RemoveApplicationDeps,
  customerId: string,
  clientId: string,
): Promise<ApplicationRemoval> {
  for (;;) {
    const application = await deps.applications.get(customerId, clientId);
    if (!application) return { settled: true };
    if (application.removingSince) return finishRemoval(deps, application);
    // In this order: a link lets go only when its connection is there to be seen.
    if ((await isHeld(deps, application)) || (await hasConnection(deps, application))) return { settled: true };
    const now = deps.clock.now();
    if (isRotating(application, now)) return { settled: false };
    const marked = await deps.applications.update(application, { removingSince: now.toISOString() });
    if (marked) return finishRemoval(deps, marked);
  }
}

/** From the mark on: nobody uses these secrets any more, and nobody writes new ones into the row. */
export async function finishRemoval(
  deps: Pick<RemoveApplicationDeps, 'applications' | 'secrets'>,
  marked: Application,
): Promise<ApplicationRemoval> {
  const { customerId, clientId } = marked;
  const tags = clientSecretTags(customerId, clientId);
  let recoverableUntil: Date | undefined;
  for (
    let row: Application | undefined = marked;
    row?.removingSince;
    row = await deps.applications.get(customerId, clientId)
  ) {
    for (const name of [row.secretName, row.previousSecretName, row.pendingSecretName])
      if (name) recoverableUntil = (await deps.secrets.remove(name, tags)) ?? recoverableUntil;
    if (await deps.applications.remove(row)) break;
  }
  return { settled: true, ...(recoverableUntil && { recoverableUntil }) };
}

/** A link that ended, or that nobody knows any more, may have left its name behind. */
async function isHeld(deps: RemoveApplicationDeps, application: Application): Promise<boolean> {
  for (const linkId of holdersOf(application)) if ((await deps.links.get(linkId))?.state === 'redeemed') return true;
  return false;
}

async function hasConnection(deps: RemoveApplicationDeps, { customerId, clientId }: Application): Promise<boolean> {
  let after: string | undefined;
  do {
    const page = await deps.connections.list(customerId, 1000, after);
    if (page.connections.some((each) => each.clientId === clientId && each.status !== 'removing')) return true;
    after = page.next;
  } while (after !== undefined);
  return false;
}
