/** One request and its answer for every endpoint of programs. test/flow/contracts.test.ts runs each against the sandbox. */

export const EXAMPLE_IDS = {
  linkId: 'lnk_8d1f3c5a7e9b0246813579bdf02468ac',
  connectionId: 'con_0123456789abcdef0123456789abcdef',
  customerId: 'acme',
  mailId: 'welcome-4711',
  clientId: '3b1c9a40-5f0e-4c7d-9c1e-1a2b3c4d5e6f',
} as const;
const { linkId, connectionId, customerId, mailId, clientId } = EXAMPLE_IDS;
const tenantId = '7d2f6a10-8b3c-4e5d-a6f7-0c1b2a3d4e5f';
const session = 'c29tZS1zZXNzaW9uLWlk';

export interface Example {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
  readonly answer: unknown;
}

const connectionRow = {
  connectionId,
  customerId,
  displayName: 'HR mailbox',
  status: 'connected',
  mailbox: { signInName: 'hr@example.com', tenantId, objectId: '11f2e3d4-c5b6-4a79-8081-92a3b4c5d6e7' },
  application: { kind: 'serviceProvider', clientId: '5e41ce00-0000-4000-8000-000000000001', tenantId },
  linkedAt: '2027-01-04T08:00:00.000Z',
  lastProvenAt: '2027-01-04T08:00:00.000Z',
  daysToTrouble: 89,
  onUncertain: 'hold',
};
const connection = { ...connectionRow, lane: { waiting: 0 } };

const application = {
  customerId,
  clientId,
  tenantId,
  status: 'working',
  secretSetAt: '2027-01-04T08:00:00.000Z',
  secretExpiresOn: '2028-12-31',
};

const queued = {
  mailId,
  customerId,
  connectionId,
  state: 'queued',
  attempts: 0,
  queuedAt: '2027-01-04T08:00:00.000Z',
  expiresAt: '2027-01-07T08:00:00.000Z',
};
const accepted = {
  ...queued,
  state: 'accepted',
  attempts: 1,
  acceptedAt: '2027-01-04T08:00:01.000Z',
  graph: {
    requestId: '6f5e4d3c-2b1a-4988-b776-655443322110',
    clientRequestId: '0f1e2d3c-4b5a-4697-8897-a6b5c4d3e2f1',
    status: 202,
  },
};
const uncertain = {
  ...queued,
  state: 'uncertain',
  reason: 'no_answer',
  attempts: 1,
  graph: { requestId: '', clientRequestId: '0f1e2d3c-4b5a-4697-8897-a6b5c4d3e2f1', status: 0 },
};

const mail = {
  mailId,
  to: ['ada@example.com', { address: 'bob@example.com', name: 'Bob' }],
  subject: 'Welcome to Acme',
  body: { contentType: 'html', content: '<p>Your account is ready.</p>' },
  attachments: [{ name: 'first-day.txt', contentType: 'text/plain', contentBytes: 'OGFt' }],
};

/** A message for the queue, with every field that a producer may need at first. */
export const QUEUE_MESSAGE = { version: 1, customerId, connectionId, ...mail };

export const EXAMPLES: Readonly<Record<string, Example>> = {
  'application-check': {
    body: { tenant: tenantId, clientId, clientSecret: 'the-Value-of-a-client-secret' },
    status: 200,
    answer: { ok: true },
  },
  'link-start': {
    body: {
      customerId,
      startedBy: session,
      returnTo: 'settings',
      displayName: 'HR mailbox',
      expectedMailbox: 'hr@example.com',
      application: { kind: 'serviceProvider' },
    },
    status: 201,
    answer: {
      linkId,
      linkUrl: `https://hire2retire.robomq.io/api/auth/open/Outlook?ticket=${linkId}.Zm9ydHktdGhyZWUtY2hhcmFjdGVycy1vZi1yYW5kb20`,
      expiresAt: '2027-01-04T08:30:00.000Z',
      warnings: [],
    },
  },
  'link-state': { query: { customerId }, status: 200, answer: { linkId, state: 'authorized' } },
  'link-confirm': {
    body: { customerId, startedBy: session, confirmation: `${linkId}.YW5vdGhlci1mb3J0eS10aHJlZS1jaGFyYWN0ZXJzLW9r` },
    status: 201,
    answer: connection,
  },
  'connections-list': { query: { limit: '50' }, status: 200, answer: { items: [connectionRow] } },
  'connection-get': { status: 200, answer: connection },
  'connection-patch': {
    body: { displayName: 'Onboarding', onUncertain: 'resend', alertAddress: 'it@example.com' },
    status: 200,
    answer: { ...connection, displayName: 'Onboarding', onUncertain: 'resend', alertAddress: 'it@example.com' },
  },
  'connection-pause': { status: 200, answer: { ...connection, status: 'paused' } },
  'connection-resume': { status: 200, answer: connection },
  'connection-unlink': {
    status: 200,
    answer: {
      connectionId,
      state: 'removed',
      secretsRecoverableUntil: '2027-04-04T08:00:00.000Z',
      withdrawConsentAt: 'https://myapps.microsoft.com',
    },
  },
  'connection-test': {
    body: { to: 'ada@example.com' },
    status: 200,
    answer: { ...accepted, mailId: 'test-9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d' },
  },
  'applications-list': { query: { limit: '50' }, status: 200, answer: { items: [application] } },
  'application-secret': {
    body: { clientSecret: 'the-Value-of-a-new-client-secret', clientSecretExpiresOn: '2028-12-31' },
    status: 200,
    answer: application,
  },
  'mail-submit': { body: mail, status: 202, answer: queued },
  'mails-list': { query: { state: 'accepted', limit: '50' }, status: 200, answer: { items: [accepted] } },
  'mail-get': { status: 200, answer: accepted },
  'mail-cancel': {
    status: 200,
    answer: { ...queued, state: 'cancelled', reason: 'cancelled_by_request', dueAt: '2027-01-05T08:00:00.000Z' },
  },
  'mail-retry': {
    body: { attempt: 1 },
    status: 200,
    answer: {
      ...queued,
      state: 'waiting',
      reason: 'retried',
      attempts: 1,
      graph: { ...accepted.graph, status: 400 },
    },
  },
  'mail-resolve': {
    body: { attempt: 1, as: 'sent' },
    status: 200,
    answer: { ...uncertain, state: 'accepted', reason: 'resolved_as_sent', acceptedAt: '2027-01-04T09:00:00.000Z' },
  },
  'mails-retry': {
    body: { items: [{ mailId, attempt: 1 }] },
    status: 200,
    answer: { items: [{ mailId, state: 'waiting' }] },
  },
  'mails-resolve': {
    body: { items: [{ mailId, attempt: 1, as: 'sent' }] },
    status: 200,
    answer: { items: [{ mailId, state: 'accepted' }] },
  },
  'leavers-check': {
    body: { accounts: [{ signInName: 'hr@example.com' }] },
    status: 200,
    answer: { items: [{ connectionId, matchedBy: 'signInName' }] },
  },
  'customer-remove': { status: 202, answer: { state: 'removing', connectionsLeft: 1 } },
  'customer-removal': {
    status: 200,
    answer: { state: 'removing', connectionsLeft: 0, secretsRecoverableUntil: '2027-04-04T08:00:00.000Z' },
  },
  'health-details': {
    status: 200,
    answer: {
      status: 'ok',
      dependencies: ['table', 'queue', 'blob', 'vault', 'login', 'graph'].map((name) => ({
        name,
        status: 'ok',
        latencyMs: 12,
      })),
    },
  },
  health: { status: 200, answer: { status: 'ok' } },
};
