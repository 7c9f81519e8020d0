import { describe, expect, test } from 'vitest';
import { MINUTE } from '../../../shared/clock.ts';
import { describeConnection } from '../../../shared/connections/read-connections.ts';
import { unlinkConnection } from '../../../shared/connections/unlink.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { QUEUES } from '../../../shared/storage-names.ts';
import { FakeApp, SERVICE_PROVIDER_CLIENT_ID } from '../../fakes/app.ts';
import { ACME_TENANT, HR_OBJECT } from '../../fakes/microsoft.ts';
import { codeOf, confirm, customerOwned, errorOf, expectTidy, passHours, SECRET } from './support.ts';

const SP_SECRET = { kind: 'service-provider-client-secret', application: SERVICE_PROVIDER_CLIENT_ID } as const;
const WITH_SP_SECRET = { SERVICE_PROVIDER_CREDENTIAL: 'secret', SERVICE_PROVIDER_SECRET_NAME: 'robomq' };

async function authorized(request: Parameters<FakeApp['start']>[0] = {}, settings: Record<string, string> = {}) {
  const fake = new FakeApp(settings);
  return { fake, back: await fake.authorize(request) };
}

const eventsOf = (fake: FakeApp) =>
  fake.queues.of(QUEUES.events).map(({ text }) => (JSON.parse(text) as { type: string }).type);

describe('a confirmation of the right session', () => {
  test('makes a connection with lane, index, secret and event', async () => {
    const { fake, back } = await authorized({ displayName: 'HR mailbox' });
    const { connection, created } = await confirm(fake, back);
    expect(created).toBe(true);
    expect(connection).toMatchObject({
      status: 'connected',
      displayName: 'HR mailbox',
      tenantId: ACME_TENANT,
      objectId: HR_OBJECT,
      signInName: 'hr@acme.example',
      credentialVersion: 1,
      onUncertain: 'hold',
    });
    expect(fake.secrets.kept.get(connection.secretName)).toMatchObject({
      tags: { kind: 'refresh-token', customer: 'acme', connection: connection.connectionId },
      expiresOn: new Date('2027-02-21T08:00:00.000Z'),
    });
    expect((await fake.app.linking.lanes.get(connection.connectionId)).lane).toMatchObject({ gate: 'open' });
    expect(eventsOf(fake)).toEqual(['connection.linked']);
    expect(fake.queues.of(QUEUES.lanes)).toHaveLength(1);
    await expectTidy(fake);
  });

  test('redeems with the link’s own tenant, redirect URI, verifier and nonce', async () => {
    const { fake, back } = await authorized(customerOwned());
    await confirm(fake, back);
    expect(fake.identity.redeemed).toEqual([
      {
        credential: { clientId: expect.any(String), proof: { kind: 'secret', value: SECRET } },
        tenant: ACME_TENANT,
        code: expect.any(String),
        redirectUri: 'https://hire2retire.example/api/auth/callback/Outlook',
        verifier: expect.stringMatching(/^.{64}$/),
        nonce: expect.stringMatching(/^.{43}$/),
      },
    ]);
  });

  test('twice answers with the same connection, and redeems once', async () => {
    const { fake, back } = await authorized();
    const first = await confirm(fake, back);
    const second = await confirm(fake, back);
    expect([first.created, second.created]).toEqual([true, false]);
    const shown = (each: typeof first) => describeConnection(fake.app.connections, each.connection);
    expect(await shown(second)).toEqual(await shown(first));
    expect(fake.identity.redeemed).toHaveLength(1);
  });

  test('many times at once redeems once; the others are told to come back', async () => {
    const { fake, back } = await authorized();
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => confirm(fake, back, {}, fake.compose())));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({ code: 'link_in_progress', options: { retryAfterSeconds: 5 } });
    expect(fake.identity.redeemed).toHaveLength(1);
  });

  test('of a connection that was unlinked since is told so', async () => {
    const { fake, back } = await authorized();
    const { connectionId } = (await confirm(fake, back)).connection;
    await unlinkConnection(fake.app.connections, 'acme', connectionId, fake.invocation());
    expect(await codeOf(confirm(fake, back))).toBe('connection_removed');
  });

  test('after five minutes finds the authorization expired and everything deleted', async () => {
    const { fake, back } = await authorized(customerOwned());
    fake.clock.advance(5 * MINUTE);
    expect(await codeOf(confirm(fake, back))).toBe('link_expired');
    expect(await fake.app.linking.links.get(back.linkId)).toMatchObject({ state: 'expired', cleaned: true });
    expect(fake.secrets.kept.size).toBe(0);
    expect(fake.identity.redeemed).toEqual([]);
  });

  test('finds a confirm that died after three minutes interrupted', async () => {
    const { fake, back } = await authorized();
    const link = await fake.app.linking.links.get(back.linkId);
    if (!link) throw new Error();
    await fake.app.linking.links.update(link, { state: 'redeeming' });
    expect(await codeOf(confirm(fake, back))).toBe('link_in_progress');
    fake.clock.advance(3 * MINUTE);
    expect(await codeOf(confirm(fake, back))).toBe('interrupted');
  });
});

describe('a confirmation that is not the right one', () => {
  test.each([
    ['of another session', { startedBy: 'eve' }],
    ['of another customer', { customerId: 'evil' }],
  ])('%s destroys the authorization', async (_, request) => {
    const { fake, back } = await authorized(customerOwned());
    expect(await codeOf(confirm(fake, back, request))).toBe('link_wrong_session');
    expect(fake.secrets.kept.size).toBe(0);
    expect(fake.events).toContainEqual(
      expect.objectContaining({ level: 'warning', name: 'security.link_wrong_session' }),
    );
    expect(await fake.app.linking.links.get(back.linkId)).toMatchObject({ state: 'failed', sealed: '' });
    // The right session comes too late.
    expect(await codeOf(confirm(fake, back))).toBe('link_wrong_session');
    expect(fake.identity.redeemed).toEqual([]);
  });

  test('of another session leaves a connection alone that the right one made', async () => {
    const { fake, back } = await authorized();
    await confirm(fake, back);
    expect(await codeOf(confirm(fake, back, { startedBy: 'eve' }))).toBe('link_wrong_session');
    await expectTidy(fake);
    expect((await confirm(fake, back)).created).toBe(false);
  });

  test.each(['x', 'a'.repeat(43)])('changes nothing when it is a guess: %s', async (confirmation) => {
    const { fake, back } = await authorized();
    const before = fake.links.all();
    expect(await codeOf(confirm(fake, back, { confirmation }))).toBe('link_not_authorized');
    expect(await codeOf(confirm(fake, back, { confirmation, startedBy: 'eve' }))).toBe('link_not_authorized');
    expect(await codeOf(confirm(fake, back, { confirmation, customerId: 'evil' }))).toBe('not_found');
    expect(fake.links.all()).toEqual(before);
    expect((await confirm(fake, back)).created).toBe(true);
  });

  test('of a link that is not there is not found', async () => {
    const { fake, back } = await authorized();
    for (const linkId of ['lnk_00000000000000000000000000000000', 'c|acme', '../x'])
      expect(await codeOf(confirm(fake, { ...back, linkId }))).toBe('not_found');
  });

  test('of another link does not open this one', async () => {
    const { fake, back } = await authorized();
    const other = await fake.authorize();
    expect(await codeOf(confirm(fake, { linkId: back.linkId, confirmation: other.confirmation }))).toBe(
      'link_not_authorized',
    );
  });

  test('before anybody came back there is nothing to confirm', async () => {
    const fake = new FakeApp();
    const { linkId } = await fake.start();
    expect(await codeOf(confirm(fake, { linkId, confirmation: 'a'.repeat(43) }))).toBe('link_not_authorized');
  });
});

describe('the account that signed in', () => {
  test.each([
    ['of another tenant than the one to sign in at', { tid: 'b0b0b0b0-2222-4222-8222-000000000002' }, 'wrong_tenant'],
    ['that is a guest', { idp: 'https://sts.windows.net/b0b0b0b0-2222-4222-8222-000000000002/' }, 'guest_account'],
    ['of a token for another application', { aud: 'c0570e00-0000-4000-8000-00000000000f' }, 'sign_in_failed'],
    ['of another issuer', { iss: `https://evil.example/${ACME_TENANT}/v2.0` }, 'sign_in_failed'],
    ['with another name than the expected one', { preferred_username: 'eve@acme.example' }, 'wrong_account'],
  ])('%s is refused, and nothing of it is kept', async (_, claims, code) => {
    const { fake, back } = await authorized({ ...customerOwned(), expectedMailbox: 'hr@acme.example' });
    fake.identity.claims = claims;
    expect(await codeOf(confirm(fake, back))).toBe(code);
    expect(fake.secrets.kept.size).toBe(0);
    expect(fake.connections.all()).toEqual([]);
    expect(fake.applications.all()).toEqual([]);
    expect(await codeOf(confirm(fake, back))).toBe(code);
  });

  test('is refused without the permission to send, and without a refresh token', async () => {
    const { fake, back } = await authorized();
    fake.identity.scopes = ['openid', 'profile'];
    expect(await codeOf(confirm(fake, back))).toBe('consent_declined');
    const second = await fake.authorize();
    fake.identity.scopes = ['https://graph.microsoft.com/Mail.Send'];
    fake.identity.offline = false;
    expect(await codeOf(confirm(fake, second))).toBe('consent_declined');
  });

  test('that granted more than was asked for is linked, with a warning', async () => {
    const { fake, back } = await authorized();
    fake.identity.scopes = [...fake.identity.scopes, 'Mail.ReadWrite'];
    await confirm(fake, back);
    expect(fake.events).toContainEqual(
      expect.objectContaining({ level: 'warning', name: 'link.more_scopes_than_asked' }),
    );
  });

  test('whose nonce is not the link’s is refused', async () => {
    const { fake, back } = await authorized();
    fake.identity.failures.push({ error: 'nonce_mismatch' });
    expect(await codeOf(confirm(fake, back))).toBe('sign_in_failed');
  });
});

describe('what Microsoft refuses', () => {
  test.each([
    ['invalid_client', 7000215, 'secret_wrong'],
    ['invalid_client', 7000222, 'secret_expired'],
    ['unauthorized_client', 700016, 'app_not_found'],
    ['invalid_grant', 50105, 'app_disabled'],
    ['invalid_grant', 53003, 'conditional_access'],
    ['invalid_grant', 54005, 'link_used'],
  ])('%s %i is told as %s, with Microsoft’s ids', async (error, number, code) => {
    const { fake, back } = await authorized(customerOwned());
    fake.identity.failures.push({ error, number, correlationId: 'correlation', traceId: 'trace', status: 400 });
    const problem = await errorOf(confirm(fake, back));
    expect(problem.code).toBe(code);
    expect(problem.options.members?.['error']).toMatchObject({
      code,
      person: expect.any(String),
      operator: expect.any(String),
      whoActs: expect.any(String),
      microsoft: { correlationId: 'correlation', traceId: 'trace' },
    });
    expect(fake.secrets.kept.size).toBe(0);
    expect((await errorOf(confirm(fake, back))).options.members).toEqual(problem.options.members);
  });

  test.each([{ error: 'network_error' }, { error: 'server_error', status: 503 }, { error: 'x', status: 429 }])(
    'is no refusal when it is only away: %j',
    async (facts) => {
      const { fake, back } = await authorized();
      fake.identity.failures.push(facts);
      const problem = await errorOf(confirm(fake, back));
      expect(problem.code).toBe('microsoft_unavailable');
      expect(problem.options.retryAfterSeconds).toBe(10);
      expect((await confirm(fake, back)).connection.status).toBe('connected');
      await expectTidy(fake);
    },
  );

  test('of RoboMQ’s own registration is for RoboMQ to repair', async () => {
    const { fake, back } = await authorized();
    fake.identity.failures.push({ error: 'invalid_client', number: 7000222 });
    const problem = await errorOf(confirm(fake, back));
    expect(problem.options.members?.['error']).toMatchObject({
      code: 'secret_expired',
      whoActs: 'robomq',
      action: expect.stringContaining('RoboMQ’s support'),
    });
    expect(problem.options.members?.['error']).not.toHaveProperty('textForIt');
  });

  test('RoboMQ’s secret is read again when it is refused: it may have been rotated', async () => {
    const fake = new FakeApp(WITH_SP_SECRET);
    await fake.secrets.set('robomq', 'old', SP_SECRET);
    await fake.link();
    await fake.secrets.set('robomq', 'new', SP_SECRET);
    const back = await fake.authorize();
    fake.identity.failures.push({ error: 'invalid_client', number: 7000215 });
    await confirm(fake, back);
    expect(fake.identity.redeemed.slice(-2).map(({ credential }) => credential.proof)).toEqual([
      { kind: 'secret', value: 'old' },
      { kind: 'secret', value: 'new' },
    ]);
  });

  test('a secret that was not rotated is not tried twice', async () => {
    const fake = new FakeApp(WITH_SP_SECRET);
    await fake.secrets.set('robomq', 'old', SP_SECRET);
    const back = await fake.authorize();
    fake.identity.failures.push({ error: 'invalid_client', number: 7000215 });
    expect(await codeOf(confirm(fake, back))).toBe('secret_wrong');
    expect(fake.identity.redeemed).toHaveLength(1);
  });
});

describe('stores that do not answer', () => {
  test('a vault that is away before the code is redeemed costs nothing: the confirm can be repeated', async () => {
    const { fake, back } = await authorized(customerOwned());
    fake.secrets.before = (call) => {
      if (call === 'get') throw new StoreUnavailable('key vault');
    };
    await expect(confirm(fake, back)).rejects.toThrow(StoreUnavailable);
    fake.secrets.before = () => {};
    expect((await confirm(fake, back)).created).toBe(true);
  });

  test('a vault that does not take the token ends the link cleanly', async () => {
    const { fake, back } = await authorized(customerOwned());
    fake.secrets.before = (call) => {
      if (call === 'set') throw new StoreUnavailable('key vault');
    };
    expect(await codeOf(confirm(fake, back))).toBe('interrupted');
    expect(fake.secrets.kept.size).toBe(0);
  });

  test('secrets that cannot be deleted now are deleted by the scan', async () => {
    const { fake, back } = await authorized(customerOwned());
    fake.secrets.before = (call) => {
      if (call === 'remove') throw new StoreUnavailable('key vault');
    };
    expect(await codeOf(confirm(fake, back, { startedBy: 'eve' }))).toBe('link_wrong_session');
    expect(fake.secrets.kept.size).toBe(1);
    fake.secrets.before = () => {};
    await passHours(fake, 1);
    expect(fake.secrets.kept.size).toBe(0);
  });

  test('a client secret whose tags are another’s is not used', async () => {
    const { fake, back } = await authorized(customerOwned());
    const [name = ''] = fake.secrets.kept.keys();
    fake.secrets.kept.set(name, {
      value: 'of somebody else',
      tags: { kind: 'client-secret', customer: 'other', application: 'x' },
      expiresOn: undefined,
      versions: 1,
    });
    expect(await codeOf(confirm(fake, back))).toBe('interrupted');
    expect(fake.identity.redeemed).toEqual([]);
  });
});
