import { expect } from 'vitest';
import { HOUR } from '../../../shared/clock.ts';
import type { App } from '../../../shared/compose.ts';
import { runCheck, scan } from '../../../shared/connections/checks.ts';
import { AppError } from '../../../shared/errors.ts';
import { acceptCallback } from '../../../shared/linking/callback.ts';
import { confirmLink } from '../../../shared/linking/confirm-link.ts';
import { hasEnded } from '../../../shared/linking/link.ts';
import { type OpenedLink, openLink } from '../../../shared/linking/open-link.ts';
import type { StartLinkRequest } from '../../../shared/linking/requests.ts';
import { QUEUES } from '../../../shared/storage-names.ts';
import { CUSTOMER_CLIENT_ID, type FakeApp } from '../../fakes/app.ts';
import { ACME_TENANT } from '../../fakes/microsoft.ts';

export const SECRET = 'Acme~client.secret-0001';

/** A customer's own application, of a tenant that is known. */
export function customerOwned(secret = SECRET): Pick<StartLinkRequest, 'application'> {
  return {
    application: {
      kind: 'customerOwned',
      clientId: CUSTOMER_CLIENT_ID,
      clientSecret: secret,
      clientSecretExpiresOn: '2028-11-22',
      tenant: ACME_TENANT,
    },
  };
}

/** What a person's browser does with a link: opens it, signs in, comes back. */
export class Browser {
  readonly fake: FakeApp;
  readonly cookies = new Map<string, string>();

  constructor(fake: FakeApp) {
    this.fake = fake;
  }

  async open(linkUrl: string): Promise<OpenedLink> {
    const ticket = new URL(linkUrl).searchParams.get('ticket') ?? '';
    const opened = await openLink(this.fake.app.linking, ticket, this.cookieOf, this.fake.invocation());
    if (opened.kind === 'redirect') this.cookies.set(opened.cookie.linkId, opened.cookie.value);
    return opened;
  }

  /** Opens a link and signs in; returns the query that Microsoft sends back. */
  async signIn(linkUrl: string): Promise<URLSearchParams> {
    const opened = await this.open(linkUrl);
    if (opened.kind !== 'redirect') throw new Error(`not opened: ${opened.page}`);
    return this.fake.identity.signIn(opened.location);
  }

  callback(query: URLSearchParams) {
    return acceptCallback(this.fake.app.linking, query, this.cookieOf, this.fake.invocation());
  }

  private readonly cookieOf = (linkId: string) => this.cookies.get(linkId);
}

export function confirm(
  fake: FakeApp,
  authorized: { linkId: string; confirmation: string },
  request: { customerId?: string; startedBy?: string; confirmation?: string } = {},
  app: App = fake.app,
) {
  const { linkId, confirmation } = authorized;
  const body = { customerId: 'acme', startedBy: 'ada', confirmation, ...request };
  return confirmLink(app.linking, linkId, body, fake.invocation());
}

/** The code of the error that an action ends with. */
export async function codeOf(action: Promise<unknown>): Promise<string> {
  return (await errorOf(action)).code;
}

export async function errorOf(action: Promise<unknown>): Promise<AppError> {
  const outcome = await action.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof AppError)) throw outcome ?? new Error('it succeeded');
  return outcome;
}

/** Hours pass: each brings a scan, and its checks are worked off by an instance that remembers nothing. */
export async function passHours(fake: FakeApp, hours: number): Promise<void> {
  for (let hour = 0; hour < hours; hour += 1) {
    fake.clock.advance(HOUR);
    const app = fake.compose();
    const before = fake.queues.of(QUEUES.checks).length;
    await scan(app.checks, fake.invocation());
    for (const { text } of fake.queues.of(QUEUES.checks).slice(before))
      await runCheck(app.checks, JSON.parse(text) as unknown, fake.invocation());
  }
}

/**
 * What holds whatever died and whoever came in between, once time has passed: every secret has a row that names it,
 * every row has its secret, every link ended, every connection works, and no slot is taken.
 */
export async function expectTidy(fake: FakeApp): Promise<void> {
  const app = fake.compose();
  const named = new Set<string>();
  const name = (value: unknown) => {
    if (typeof value === 'string' && value !== '') named.add(value);
  };
  for (const table of [fake.connections, fake.applications]) {
    for (const row of table.all().filter(({ properties }) => 'secretName' in properties)) {
      name(row.properties['secretName']);
      name(row.properties['previousSecretName']);
      expect([...fake.secrets.kept.keys()], 'a row names a secret that is there').toContain(
        row.properties['secretName'],
      );
    }
  }
  for (const kept of fake.secrets.kept.keys()) expect([...named], 'a secret has a row that names it').toContain(kept);
  const ids = fake.connections.all().map(({ rowKey }) => rowKey.replace('r|', ''));
  for (const { partitionKey } of fake.mails.all()) expect(ids, 'a lane has a connection').toContain(partitionKey);
  for (const { properties } of fake.applications.all()) {
    expect(properties['removingSince'] ?? '', 'no removal is left half done').toBe('');
    expect(properties['heldBy'] ?? '', 'nobody holds an application for ever').toBe('');
  }
  for (const row of fake.links.all()) {
    if (row.rowKey === 'open') {
      const open = JSON.parse(String(row.properties['links'])) as { expiresAt: string }[];
      const taken = open.filter(({ expiresAt }) => expiresAt > fake.clock.now().toISOString());
      expect(taken, 'slots are freed').toEqual([]);
      continue;
    }
    const link = await app.linking.links.get(row.partitionKey);
    expect(link && hasEnded(link), 'a link ends').toBe(true);
  }
  for (const customerId of new Set(fake.connections.all().map(({ partitionKey }) => partitionKey)))
    await expectWorking(fake, app, customerId);
  await expectNoIdleApplication(fake, app);
}

async function expectWorking(fake: FakeApp, app: App, customerId: string): Promise<void> {
  const { connections } = await app.linking.connections.list(customerId, 1000);
  for (const connection of connections) {
    expect(connection.status).toBe('connected');
    const { lane } = await app.linking.lanes.get(connection.connectionId);
    expect(lane?.gate, 'the gate is open').toBe('open');
    expect(lane?.credentialVersion).toBe(connection.credentialVersion);
    const token = await app.mail.tokens.get(connection, fake.invocation().log);
    expect(token.kind, 'a token is to be had').toBe('token');
    const found = await app.linking.connections.findByMailbox(customerId, connection);
    expect(found?.connectionId, 'the index leads to the connection').toBe(connection.connectionId);
  }
}

async function expectNoIdleApplication(fake: FakeApp, app: App): Promise<void> {
  for (const { partitionKey, rowKey } of fake.applications.all()) {
    const { connections } = await app.linking.connections.list(partitionKey, 1000);
    expect(
      connections.map(({ clientId }) => clientId),
      'an application has a connection',
    ).toContain(rowKey);
  }
}
