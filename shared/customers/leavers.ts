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
 * Which connections would die if these accounts were disabled. The identity is certain. A name is what the account was
 * called at its last daily proof, and names are compared loosely: rather one connection too many than one missed. Other
 * addresses of an account (aliases) are not known here.
 */
export async function checkLeavers(
  deps: Pick<CustomersDeps, 'connections'>,
  customerId: string,
  { accounts }: Leavers,
): Promise<LeaversResource> {
  const identities = new Set(accounts.flatMap((each) => ('objectId' in each ? [identity(each)] : [])));
  const names = new Set(accounts.flatMap((each) => ('signInName' in each ? formsOf(each.signInName) : [])));
  const items: LeaversResource['items'][number][] = [];
  let after: string | undefined;
  do {
    const page = await deps.connections.list(customerId, 1000, after);
    for (const { connectionId, status, signInName, ...mailbox } of page.connections) {
      if (status === 'removing') continue;
      if (identities.has(identity(mailbox))) items.push({ connectionId, matchedBy: 'objectId' });
      else if (formsOf(signInName).some((form) => names.has(form)))
        items.push({ connectionId, matchedBy: 'signInName' });
    }
    after = page.next;
  } while (after !== undefined);
  return { items };
}

function identity({ tenantId, objectId }: { readonly tenantId: string; readonly objectId: string }): string {
  return `${tenantId}|${objectId}`.toLowerCase();
}

/**
 * A name in the form in which names are compared: compatibility characters (full width, ligatures) and characters that
 * are not seen make no difference, nor does case, to which ß and ss belong. A guest's name in the inviting tenant,
 * `ada_partner.example#EXT#@acme.example`, is also the address that it stands for.
 */
function formsOf(name: string): readonly string[] {
  // Upper case first: it makes ss of ß, and one letter of the two small sigmas.
  const visible = name.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  const form = visible.toUpperCase().toLowerCase().normalize('NFKC');
  const [guest] = form.split('#ext#@', 1);
  if (guest === undefined || guest === form) return [form];
  // A domain has no underscore, so the last one stands for the @.
  return [form, guest.replace(/_([^_]*)$/, '@$1')];
}
