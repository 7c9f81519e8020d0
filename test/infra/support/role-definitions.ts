/**
 * Microsoft's built-in roles, as far as they touch what we have: control plane and data plane together. From
 * https://learn.microsoft.com/azure/role-based-access-control/built-in-roles (storage, security, monitor), July 2026.
 */

const QUEUES = 'Microsoft.Storage/storageAccounts/queueServices/queues';
const TABLES = 'Microsoft.Storage/storageAccounts/tableServices/tables';
const CONTAINERS = 'Microsoft.Storage/storageAccounts/blobServices/containers';
const SECRETS = 'Microsoft.KeyVault/vaults/secrets';

interface Role {
  readonly id: string;
  readonly allows: readonly string[];
}

export const ROLES = {
  'Storage Queue Data Reader': {
    id: '19e7f393-937e-4f77-808e-94535e297925',
    allows: [`${QUEUES}/read`, `${QUEUES}/messages/read`],
  },
  'Storage Queue Data Message Sender': {
    id: 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a',
    allows: [`${QUEUES}/messages/add/action`],
  },
  'Storage Queue Data Message Processor': {
    id: '8a0f0c08-91a1-4084-bc3d-661d67233fed',
    allows: [`${QUEUES}/messages/read`, `${QUEUES}/messages/process/action`],
  },
  'Storage Queue Data Contributor': {
    id: '974c5e8b-45b9-4653-ba55-5f855dd0fb88',
    allows: [
      `${QUEUES}/delete`,
      `${QUEUES}/read`,
      `${QUEUES}/write`,
      `${QUEUES}/messages/delete`,
      `${QUEUES}/messages/read`,
      `${QUEUES}/messages/write`,
      `${QUEUES}/messages/process/action`,
    ],
  },
  'Storage Table Data Reader': {
    id: '76199698-9eea-4c19-bc75-cec21354c6b6',
    allows: [`${TABLES}/read`, `${TABLES}/entities/read`],
  },
  'Storage Table Data Contributor': {
    id: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3',
    allows: [
      `${TABLES}/read`,
      `${TABLES}/write`,
      `${TABLES}/delete`,
      `${TABLES}/entities/read`,
      `${TABLES}/entities/write`,
      `${TABLES}/entities/delete`,
      `${TABLES}/entities/add/action`,
      `${TABLES}/entities/update/action`,
    ],
  },
  'Storage Blob Data Reader': {
    id: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1',
    allows: [`${CONTAINERS}/read`, `${CONTAINERS}/blobs/read`],
  },
  'Storage Blob Data Contributor': {
    id: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
    allows: [
      `${CONTAINERS}/delete`,
      `${CONTAINERS}/read`,
      `${CONTAINERS}/write`,
      `${CONTAINERS}/blobs/delete`,
      `${CONTAINERS}/blobs/read`,
      `${CONTAINERS}/blobs/write`,
      `${CONTAINERS}/blobs/move/action`,
      `${CONTAINERS}/blobs/add/action`,
    ],
  },
  'Storage Blob Data Owner': {
    id: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
    allows: [`${CONTAINERS}/*`, `${CONTAINERS}/blobs/*`],
  },
  'Key Vault Reader': {
    id: '21090545-7ca7-4776-b22c-e363652d74d2',
    allows: [`${SECRETS}/readMetadata/action`],
  },
  'Key Vault Secrets User': {
    id: '4633458b-17de-408a-b874-0445c86b69e6',
    allows: [`${SECRETS}/getSecret/action`, `${SECRETS}/readMetadata/action`],
  },
  'Key Vault Secrets Officer': { id: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7', allows: [`${SECRETS}/*`] },
  'Monitoring Metrics Publisher': {
    id: '3913510d-42f4-4e42-8a64-420c390055eb',
    allows: ['Microsoft.Insights/Metrics/Write', 'Microsoft.Insights/Telemetry/Write'],
  },
  Reader: { id: 'acdd72a7-3385-48ef-bd42-f606fba81ae7', allows: ['*/read'] },
  'Log Analytics Reader': { id: '73c42c96-874c-492b-b04d-ab87d138a893', allows: ['*/read'] },
  'Website Contributor': { id: 'de139f84-1756-47ae-9be6-808fbbe84772', allows: ['Microsoft.Web/sites/*'] },
} as const satisfies Record<string, Role>;

export type RoleName = keyof typeof ROLES;

/**
 * What each operation asks for: one of the lists, whole. From
 * https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory and
 * https://learn.microsoft.com/azure/key-vault/general/rbac-guide
 */
export const NEEDED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'Put Message': [[`${QUEUES}/messages/add/action`], [`${QUEUES}/messages/write`]],
  'Get Messages': [[`${QUEUES}/messages/process/action`], [`${QUEUES}/messages/delete`, `${QUEUES}/messages/read`]],
  'Update Message': [[`${QUEUES}/messages/write`]],
  'Delete Message': [[`${QUEUES}/messages/process/action`], [`${QUEUES}/messages/delete`]],
  'Peek Messages': [[`${QUEUES}/messages/read`]],
  'Get Queue Metadata': [[`${QUEUES}/read`]],
  'Query Entities': [[`${TABLES}/entities/read`]],
  'Insert Entity': [[`${TABLES}/entities/add/action`], [`${TABLES}/entities/write`]],
  'Update Entity': [[`${TABLES}/entities/update/action`], [`${TABLES}/entities/write`]],
  'Delete Entity': [[`${TABLES}/entities/delete`]],
  'List Blobs': [[`${CONTAINERS}/blobs/read`]],
  'Get Blob': [[`${CONTAINERS}/blobs/read`]],
  'Put Blob': [[`${CONTAINERS}/blobs/write`]],
  'Delete Blob': [[`${CONTAINERS}/blobs/delete`]],
  'Get Secret': [[`${SECRETS}/getSecret/action`]],
  'Set Secret': [[`${SECRETS}/setSecret/action`]],
  'Delete Secret': [[`${SECRETS}/delete`]],
  'Get Deleted Secret': [[`${SECRETS}/readMetadata/action`]],
};

/** Everything in the families of actions above that a `*` may stand for. */
const KNOWN = [
  ...new Set([
    ...Object.values(ROLES).flatMap(({ allows }) => allows.filter((action) => !action.includes('*'))),
    ...Object.values(NEEDED).flat(2),
    ...['backup', 'purge', 'recover', 'restore', 'update'].map((verb) => `${SECRETS}/${verb}/action`),
  ]),
];

/** The actions that a role allows, each written out. */
export function allowed(role: RoleName): string[] {
  return ROLES[role].allows.flatMap((pattern) => {
    if (!pattern.endsWith('/*')) return [pattern];
    return KNOWN.filter((action) => action.startsWith(pattern.slice(0, -1)));
  });
}

/** Whether actions are enough for an operation. */
export function suffices(actions: ReadonlySet<string>, operation: string): boolean {
  return NEEDED[operation]?.some((all) => all.every((action) => actions.has(action))) ?? false;
}
