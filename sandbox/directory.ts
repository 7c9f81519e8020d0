import { randomBytes } from 'node:crypto';

/** The made-up Microsoft 365 world of the sandbox: tenants, accounts and app registrations. */

export type AccountKind = 'mailbox' | 'noMailbox' | 'guest' | 'personal' | 'otherTenant';

export interface Tenant {
  readonly id: string;
  /** First verified domain; Microsoft's OpenID metadata resolves it to `id`. */
  readonly domain: string;
  readonly name: string;
}

export interface Account {
  readonly address: string;
  readonly name: string;
  readonly password: string;
  readonly kind: AccountKind;
  /** The tenant that issues the id token (a guest's: the tenant that invited). */
  readonly tenantId: string;
  readonly objectId: string;
}

export interface Application {
  readonly clientId: string;
  readonly name: string;
  /** Value of its one client secret. */
  readonly clientSecret: string;
  /** The tenant in which it is registered. */
  readonly tenantId: string;
  /** A single-tenant application signs in only through its own tenant's authority. */
  readonly singleTenant: boolean;
}

export interface Directory {
  readonly tenants: readonly Tenant[];
  readonly accounts: readonly Account[];
  readonly applications: {
    readonly serviceProvider: Application;
    readonly customerOwned: Application;
    readonly customerOwnedSingleTenant: Application;
    /** Hire2Retire's server, where it calls the API with a token instead of a function key. */
    readonly hire2retire: Application;
  };
  /** The registration of the API itself, which such tokens are for. */
  readonly api: { readonly clientId: string; readonly identifierUri: string; readonly tenantId: string };
  /** The function app's user-assigned managed identity. */
  readonly managedIdentity: { readonly clientId: string; readonly principalId: string; readonly tenantId: string };
}

/** The tenant of all personal Microsoft accounts. */
export const CONSUMERS_TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad';

const ACME = 'a0a0a0a0-1111-4111-8111-000000000001';
const GLOBEX = 'b0b0b0b0-2222-4222-8222-000000000002';
const ROBOMQ = 'c0c0c0c0-3333-4333-8333-000000000003';
const PASSWORD = 'Sandbox-1';

const objectId = (n: number) => `0b1ec700-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** Drawn anew at each start, in the shape Entra gives client secrets, so that no secret is ever in the repository. */
const newClientSecret = () => `sbx8Q~${randomBytes(25).toString('base64url')}`;

/** The standard directory, with `extraMailboxes` further mailboxes `sender-1@acme.example` and so on for load. */
export function sandboxDirectory(extraMailboxes = 0): Directory {
  const account = (n: number, kind: AccountKind, address: string, name: string, tenantId = ACME): Account => ({
    address,
    name,
    password: PASSWORD,
    kind,
    tenantId,
    objectId: objectId(n),
  });
  return {
    tenants: [
      { id: ACME, domain: 'acme.example', name: 'Acme' },
      { id: GLOBEX, domain: 'globex.example', name: 'Globex' },
      { id: ROBOMQ, domain: 'robomq.example', name: 'RoboMQ' },
    ],
    accounts: [
      account(1, 'mailbox', 'hr@acme.example', 'Acme HR'),
      account(2, 'mailbox', 'payroll@acme.example', 'Acme Payroll'),
      account(3, 'noMailbox', 'kiosk@acme.example', 'Acme Kiosk'),
      account(4, 'guest', 'ines@partner.example', 'Ines (guest)'),
      account(5, 'personal', 'pat@outlook.example', 'Pat', CONSUMERS_TENANT),
      account(6, 'otherTenant', 'hr@globex.example', 'Globex HR', GLOBEX),
      ...Array.from({ length: extraMailboxes }, (_, i) =>
        account(1000 + i, 'mailbox', `sender-${i + 1}@acme.example`, `Sender ${i + 1}`),
      ),
    ],
    applications: {
      serviceProvider: {
        clientId: '5e41ce00-0000-4000-8000-000000000001',
        name: 'RoboMQ Hire2Retire',
        clientSecret: newClientSecret(),
        tenantId: ROBOMQ,
        singleTenant: false,
      },
      customerOwned: {
        clientId: 'c0570e00-0000-4000-8000-000000000001',
        name: 'Acme Mail Sender',
        clientSecret: newClientSecret(),
        tenantId: ACME,
        singleTenant: false,
      },
      customerOwnedSingleTenant: {
        clientId: 'c0570e00-0000-4000-8000-000000000002',
        name: 'Acme Mail Sender (this organization only)',
        clientSecret: newClientSecret(),
        tenantId: ACME,
        singleTenant: true,
      },
      hire2retire: {
        clientId: 'ca11e400-0000-4000-8000-000000000001',
        name: 'Hire2Retire server',
        clientSecret: newClientSecret(),
        tenantId: ROBOMQ,
        singleTenant: false,
      },
    },
    api: {
      clientId: 'a91a91a9-0000-4000-8000-000000000001',
      identifierUri: 'api://outlook-sender',
      tenantId: ROBOMQ,
    },
    managedIdentity: {
      clientId: '1de07170-0000-4000-8000-000000000001',
      principalId: '1de07170-0000-4000-8000-000000000002',
      tenantId: ROBOMQ,
    },
  };
}
