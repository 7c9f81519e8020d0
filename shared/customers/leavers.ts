import * as z from 'zod';
import { isGuid } from '../ids.ts';
import type { CustomersDeps } from './deps.ts';

const guid = z.string().refine(isGuid, 'must be a GUID');

/** Body of `POST customers/{customerId}/leavers/check`: accounts, by mailbox identity or by the name they sign in with. */
export const leaversSchema = z.strictObject({
  accounts: z
    .array(
      z.union([
        z.strictObject({ tenantId: guid, objectId: guid }),
        z.strictObject({ signInName: z.string().trim().min(1).max(320) }),
      ]),
    )
    .min(1)
    .max(1000),
});
export type Leavers = z.infer<typeof leaversSchema>;

export interface LeaversResource {
  readonly items: readonly { readonly connectionId: string; readonly matchedBy: 'objectId' | 'signInName' }[];
}

/**
 * Which connections would die if these accounts were disabled. The identity is certain; a name is what the account was
 * called when it was linked, so a renamed account is found by its identity alone.
 */
export async function checkLeavers(
  deps: Pick<CustomersDeps, 'connections'>,
  customerId: string,
  { accounts }: Leavers,
): Promise<LeaversResource> {
  const identities = new Set(accounts.flatMap((each) => ('objectId' in each ? [identity(each)] : [])));
  const names = new Set(accounts.flatMap((each) => ('signInName' in each ? [folded(each.signInName)] : [])));
  const items: LeaversResource['items'][number][] = [];
  let after: string | undefined;
  do {
    const page = await deps.connections.list(customerId, 1000, after);
    for (const { connectionId, status, signInName, ...mailbox } of page.connections) {
      if (status === 'removing') continue;
      if (identities.has(identity(mailbox))) items.push({ connectionId, matchedBy: 'objectId' });
      else if (names.has(folded(signInName))) items.push({ connectionId, matchedBy: 'signInName' });
    }
    after = page.next;
  } while (after !== undefined);
  return { items };
}

function identity({ tenantId, objectId }: { readonly tenantId: string; readonly objectId: string }): string {
  return `${tenantId}|${objectId}`.toLowerCase();
}

/** Names differ neither by case nor by how an accent is written. */
function folded(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
