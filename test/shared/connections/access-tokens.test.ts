import { describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../../shared/clock.ts';
import { StoreUnavailable } from '../../../shared/storage/ports.ts';
import { CUSTOMER_CLIENT_ID, FakeApp, SERVICE_PROVIDER_CLIENT_ID } from '../../fakes/app.ts';
import { customerOwned } from '../linking/support.ts';
import { current, token } from './support.ts';

const SP_SECRET = { kind: 'service-provider-client-secret', application: SERVICE_PROVIDER_CLIENT_ID } as const;
const WITH_SP_SECRET = { SERVICE_PROVIDER_CREDENTIAL: 'secret', SERVICE_PROVIDER_SECRET_NAME: 'robomq' };

async function linked(request: Parameters<FakeApp['link']>[0] = {}, settings: Record<string, string> = {}) {
  const fake = new FakeApp(settings);
  await fake.secrets.set('robomq', 'sp-1', SP_SECRET);
  const { connection } = await fake.link(request);
  fake.secrets.reads = 0;
  return { fake, connection };
}

/** The client secrets that the last refreshes were tried with. */
function proofs(fake: FakeApp): string[] {
  return fake.identity.refreshed.map(({ credential: { proof } }) =>
    proof.kind === 'secret' ? proof.value : 'federated',
  );
}

describe('in steady state', () => {
  test('a token is had from memory: neither vault nor Microsoft is asked', async () => {
    const { fake, connection } = await linked();
    const first = await token(fake, connection);
    fake.secrets.reads = 0;
    const { requests } = fake.connections;
    expect(await token(fake, connection)).toEqual(first);
    expect(fake.identity.refreshed).toHaveLength(1);
    expect(fake.secrets.reads).toBe(0);
    expect(fake.connections.requests).toBe(requests);
  });

  test('a token is renewed five minutes before its end, by the refresh token beside it', async () => {
    const { fake, connection } = await linked();
    await token(fake, connection);
    fake.clock.advance(HOUR - 5 * MINUTE);
    fake.secrets.reads = 0;
    await token(fake, connection);
    expect(fake.identity.refreshed).toHaveLength(2);
    expect(fake.identity.refreshed[1]?.refreshToken).not.toBe(fake.identity.refreshed[0]?.refreshToken);
    expect(fake.secrets.reads).toBe(0);
  });

  test('calls at once share one refresh', async () => {
    const { fake, connection } = await linked();
    const results = await Promise.all(Array.from({ length: 8 }, () => token(fake, connection)));
    expect(fake.identity.refreshed).toHaveLength(1);
    expect(new Set(results.map((result) => result.kind === 'token' && result.accessToken)).size).toBe(1);
  });

  test('a token that Graph refused is not used again', async () => {
    const { fake, connection } = await linked();
    const first = await token(fake, connection);
    if (first.kind !== 'token') throw new Error();
    const [second, third] = await Promise.all([
      token(fake, connection, first.accessToken),
      token(fake, connection, first.accessToken),
    ]);
    expect(second).not.toEqual(first);
    expect(third).toEqual(second);
    expect(fake.identity.refreshed).toHaveLength(2);
    // Somebody who failed with the first one, a moment later.
    expect(await token(fake, connection, first.accessToken)).toEqual(second);
  });

  test('signs in at the mailbox’s own tenant', async () => {
    const { fake, connection } = await linked();
    await token(fake, connection);
    expect(fake.identity.refreshed[0]).toMatchObject({ tenant: connection.tenantId });
  });

  test('nothing of one mailbox keeps another waiting', async () => {
    const { fake, connection } = await linked();
    const other = (await fake.link({ customerId: 'other' })).connection;
    const { refresh } = fake.identity;
    fake.identity.refresh = (request) =>
      fake.secrets.kept.get(connection.secretName)?.value === request.refreshToken
        ? new Promise(() => {})
        : refresh.call(fake.identity, request);
    void token(fake, connection);
    expect((await token(fake, other)).kind).toBe('token');
  });

  test('memory is bounded: of very many mailboxes, those that were renewed longest ago are forgotten', async () => {
    const { fake, connection } = await linked();
    fake.secrets.get = async (_name, { connection: owner }) => `rt-of-${owner}`;
    await token(fake, connection);
    for (let n = 0; n < 5_000; n += 1) await token(fake, { ...connection, connectionId: `con-${n}` });
    const { length } = fake.identity.refreshed;
    await token(fake, { ...connection, connectionId: 'con-4999' });
    expect(fake.identity.refreshed).toHaveLength(length);
    await token(fake, connection);
    expect(fake.identity.refreshed).toHaveLength(length + 1);
  });

  test('new credentials make what is in memory worthless', async () => {
    const { fake, connection } = await linked();
    await token(fake, connection);
    const relinked = (await fake.link()).connection;
    const stored = fake.secrets.kept.get(relinked.secretName)?.value;
    await token(fake, relinked);
    expect(fake.identity.refreshed.at(-1)?.refreshToken).toBe(stored);
  });
});

describe('what is written back', () => {
  test('nothing for a token of today', async () => {
    const { fake, connection } = await linked();
    const { writes } = fake.secrets;
    fake.clock.advance(DAY - 1);
    await token(fake, connection);
    expect(fake.secrets.writes).toBe(writes);
    expect((await current(fake, connection)).etag).toBe(connection.etag);
  });

  test('the proof once a day', async () => {
    const { fake, connection } = await linked();
    fake.clock.advance(DAY);
    await token(fake, connection);
    const proven = await current(fake, connection);
    expect(proven.lastProvenAt).toBe(fake.clock.now().toISOString());
    expect(proven.refreshTokenStoredAt).toBe(connection.refreshTokenStoredAt);
    fake.clock.advance(2 * HOUR);
    await token(fake, proven);
    expect((await current(fake, connection)).etag).toBe(proven.etag);
  });

  test('the rotated refresh token when the stored one is 30 days old, with a new expiry', async () => {
    const { fake, connection } = await linked();
    fake.clock.advance(30 * DAY - 1);
    await token(fake, connection);
    expect(fake.secrets.kept.get(connection.secretName)?.versions).toBe(1);
    fake.clock.advance(2 * HOUR);
    await token(fake, await current(fake, connection));
    expect(fake.secrets.kept.get(connection.secretName)).toMatchObject({
      versions: 2,
      expiresOn: new Date(fake.clock.now().getTime() + 90 * DAY),
      tags: { kind: 'refresh-token', customer: 'acme', connection: connection.connectionId },
    });
    expect((await current(fake, connection)).refreshTokenStoredAt).toBe(fake.clock.now().toISOString());
  });

  test('every rotated refresh token where the setting says 0 days', async () => {
    const { fake, connection } = await linked({}, { REFRESH_TOKEN_WRITE_AFTER_DAYS: '0' });
    fake.clock.advance(1);
    await token(fake, connection);
    expect(fake.secrets.kept.get(connection.secretName)?.versions).toBe(2);
  });

  test('never over a link that was made meanwhile', async () => {
    const { fake, connection } = await linked();
    const relinked = (await fake.link()).connection;
    fake.clock.advance(31 * DAY);
    await token(fake, connection);
    expect(await current(fake, relinked)).toMatchObject({
      refreshTokenStoredAt: relinked.refreshTokenStoredAt,
      lastProvenAt: relinked.lastProvenAt,
    });
  });

  test('a vault that takes no write costs nobody a token', async () => {
    const { fake, connection } = await linked();
    fake.clock.advance(31 * DAY);
    fake.secrets.before = (call) => {
      if (call === 'set') throw new StoreUnavailable('key vault');
    };
    expect((await token(fake, connection)).kind).toBe('token');
    expect((await current(fake, connection)).refreshTokenStoredAt).toBe(connection.refreshTokenStoredAt);
  });
});

describe('a refused refresh token', () => {
  const REFUSED = { error: 'invalid_grant', number: 700082, status: 400 };

  test('needs a re-link only after row and secret were read once more', async () => {
    const { fake, connection } = await linked();
    fake.identity.failures.push(REFUSED, REFUSED);
    expect(await token(fake, connection)).toMatchObject({ kind: 'needs_relink', reason: 'invalid_grant_700082' });
    expect(fake.secrets.reads).toBe(2);
    expect(fake.identity.refreshed).toHaveLength(2);
  });

  test('is forgotten when the store holds a newer one', async () => {
    const { fake, connection } = await linked();
    await token(fake, connection);
    const { secretName } = connection;
    const kept = fake.secrets.kept.get(secretName);
    if (!kept) throw new Error();
    await fake.secrets.set(secretName, 'rt-of-another-instance', kept.tags);
    fake.clock.advance(HOUR);
    fake.identity.failures.push(REFUSED);
    expect((await token(fake, connection)).kind).toBe('token');
    expect(fake.identity.refreshed.at(-1)?.refreshToken).toBe('rt-of-another-instance');
  });

  test('stays in memory: it may be newer than the stored one, and work again when the trouble has passed', async () => {
    const { fake, connection } = await linked({}, { REFRESH_TOKEN_WRITE_AFTER_DAYS: '0' });
    fake.clock.advance(1);
    fake.secrets.before = (call) => {
      if (call === 'set') throw new StoreUnavailable('key vault');
    };
    await token(fake, connection);
    fake.secrets.before = () => {};
    const newest = await token(fake, connection);
    fake.clock.advance(HOUR);
    const disabled = { error: 'invalid_grant', number: 50057, status: 400 };
    fake.identity.failures.push(disabled, disabled);
    expect((await token(fake, connection)).kind).toBe('needs_relink');
    const [first, second] = fake.identity.refreshed.slice(-2).map(({ refreshToken }) => refreshToken);
    expect(first).not.toBe(second);
    expect(second).toBe(fake.secrets.kept.get(connection.secretName)?.value);
    const revived = await token(fake, connection);
    expect(revived.kind).toBe('token');
    expect(revived).not.toEqual(newest);
    expect(fake.identity.refreshed.at(-1)?.refreshToken).toBe(first);
  });

  test('proves nothing any more: a check asks again', async () => {
    const { fake, connection } = await linked();
    const { log } = fake.invocation();
    await token(fake, connection);
    const graphRefused = await token(fake, connection);
    if (graphRefused.kind !== 'token') throw new Error();
    fake.identity.failures.push(REFUSED, REFUSED);
    await token(fake, connection, graphRefused.accessToken);
    const { length } = fake.identity.refreshed;
    await fake.app.mail.tokens.prove(connection, log);
    expect(fake.identity.refreshed).toHaveLength(length + 1);
  });

  test('is forgotten when the mailbox was linked again meanwhile', async () => {
    const { fake, connection } = await linked();
    const relinked = (await fake.link()).connection;
    fake.identity.failures.push(REFUSED);
    expect(await token(fake, connection)).toMatchObject({
      kind: 'token',
      connection: { secretName: relinked.secretName, credentialVersion: 2 },
    });
  });

  test('of a connection that is being removed says so', async () => {
    const { fake, connection } = await linked();
    await fake.app.linking.connections.update(connection, { status: 'removing' });
    fake.identity.failures.push(REFUSED);
    expect(await token(fake, connection)).toEqual({ kind: 'removed' });
  });

  test('that is not in the vault, or is tagged as another’s, is not used', async () => {
    const { fake, connection } = await linked();
    const kept = fake.secrets.kept.get(connection.secretName);
    if (!kept) throw new Error();
    fake.secrets.kept.set(connection.secretName, { ...kept, tags: { ...kept.tags, customer: 'other' } });
    expect(await token(fake, connection)).toMatchObject({ kind: 'needs_relink', reason: 'secret_missing' });
    expect(fake.identity.refreshed).toEqual([]);
  });

  test.each(['interaction_required', 'consent_required', 'login_required'])('%s is one too', async (error) => {
    const { fake, connection } = await linked();
    fake.identity.failures.push({ error }, { error });
    expect((await token(fake, connection)).kind).toBe('needs_relink');
  });
});

describe('a bad minute', () => {
  test.each([
    [{ error: 'network_error' }],
    [{ error: 'timeout' }],
    [{ error: 'server_error', status: 500 }],
    [{ error: 'invalid_grant', status: 503 }],
    [{ error: 'invalid_grant', number: 50196, status: 400 }],
    [{ error: 'invalid_request', status: 400 }],
    [{ error: 'invalid_scope', status: 400 }],
    [{ error: 'invalid_resource', status: 400 }],
    [{ error: 'unsupported_grant_type', status: 400 }],
    [{ error: 'access_denied', status: 403 }],
    [{ error: 'invalid_grant', number: 90024, status: 400 }],
    [{ error: 'invalid_grant', number: 90033, status: 400 }],
    [{ error: 'something_new', status: 400 }],
  ])('is waited out and tried once: %j', async (facts) => {
    const { fake, connection } = await linked();
    fake.identity.failures.push(facts);
    expect((await token(fake, connection)).kind).toBe('wait');
    expect(fake.identity.refreshed).toHaveLength(1);
  });

  test('waits as long as Microsoft or the vault asks', async () => {
    const { fake, connection } = await linked();
    fake.identity.failures.push({ error: 'too_many', status: 429, retryAfterSeconds: 17 });
    expect(await token(fake, connection)).toMatchObject({ kind: 'wait', waitMs: 17_000 });
    fake.secrets.before = () => {
      throw new StoreUnavailable('key vault', 4);
    };
    expect(await token(fake, connection)).toEqual({ kind: 'wait', reason: 'store_unavailable', waitMs: 4000 });
  });

  test('stops no lane for longer than an hour, whatever is asked', async () => {
    const { fake, connection } = await linked();
    fake.identity.failures.push({ error: 'too_many', status: 429, retryAfterSeconds: 86_400 });
    expect(await token(fake, connection)).toMatchObject({ kind: 'wait', waitMs: HOUR });
  });

  test('is what settings are taken for that name another vault than the one where the secret lies', async () => {
    const { fake, connection } = await linked();
    const elsewhere = await fake.app.linking.connections.update(connection, { vault: 'other.vault.example' });
    if (!elsewhere) throw new Error();
    fake.secrets.kept.delete(connection.secretName);
    expect(await token(fake, elsewhere)).toMatchObject({ kind: 'wait', reason: 'store_unavailable' });
  });

  test('between two refusals is a bad minute, not a dead link', async () => {
    const { fake, connection } = await linked();
    fake.identity.failures.push({ error: 'invalid_grant', status: 400 }, { error: 'server_error', status: 503 });
    expect((await token(fake, connection)).kind).toBe('wait');
  });

  test('changes no row', async () => {
    const { fake, connection } = await linked();
    fake.identity.failures.push({ error: 'network_error' });
    await token(fake, connection);
    expect((await current(fake, connection)).etag).toBe(connection.etag);
  });
});

describe('a customer’s application that is refused', () => {
  const REFUSED = { error: 'invalid_client', number: 7000222, status: 401 };
  const [OLD, NEW] = ['Acme~client.secret-0001', 'Acme~client.secret-0002'];

  async function rotated() {
    const { fake } = await linked(customerOwned(OLD));
    fake.clock.advance(MINUTE);
    const { connection } = await fake.link(customerOwned(NEW));
    return { fake, connection };
  }

  test('is tried with its previous secret', async () => {
    const { fake, connection } = await rotated();
    fake.identity.failures.push(REFUSED);
    expect((await token(fake, connection)).kind).toBe('token');
    expect(proofs(fake)).toEqual([NEW, OLD]);
  });

  test('is broken when both are refused, after both were read once more', async () => {
    const { fake, connection } = await rotated();
    fake.identity.failures.push(REFUSED, REFUSED, REFUSED, REFUSED);
    expect(await token(fake, connection)).toMatchObject({ kind: 'broken', reason: 'invalid_client_7000222' });
    expect(proofs(fake)).toEqual([NEW, OLD, NEW, OLD]);
  });

  test('is tried with a secret that another instance has set meanwhile', async () => {
    const { fake, connection } = await linked(customerOwned(OLD));
    await token(fake, connection);
    const name = (await fake.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID))?.secretName ?? '';
    const tags = { kind: 'client-secret', customer: 'acme', application: CUSTOMER_CLIENT_ID } as const;
    await fake.secrets.set(name, NEW, tags);
    fake.clock.advance(HOUR);
    fake.identity.failures.push(REFUSED);
    expect((await token(fake, connection)).kind).toBe('token');
    expect(proofs(fake)).toEqual([OLD, OLD, NEW]);
  });

  test('without its row or its secret is broken, and Microsoft is not asked', async () => {
    const { fake, connection } = await linked(customerOwned());
    const application = await fake.app.linking.applications.get('acme', CUSTOMER_CLIENT_ID);
    if (!application) throw new Error();
    await fake.app.linking.applications.remove(application);
    expect(await token(fake, connection)).toMatchObject({ kind: 'broken', reason: 'secret_missing' });
    expect(fake.identity.refreshed).toEqual([]);
  });

  test('is not tried again for a refusal of the refresh token', async () => {
    const { fake, connection } = await rotated();
    fake.identity.failures.push({ error: 'invalid_grant', status: 400 });
    await token(fake, connection);
    expect(proofs(fake)).toEqual([NEW, NEW]);
  });
});

describe('RoboMQ’s application that is refused', () => {
  const REFUSED = { error: 'invalid_client', number: 7000222, status: 401 };

  test.each([[{}], [WITH_SP_SECRET]])('makes everybody wait, and changes nobody’s status: %j', async (settings) => {
    const { fake, connection } = await linked({}, settings);
    fake.identity.failures.push(REFUSED, REFUSED);
    expect(await token(fake, connection)).toEqual({ kind: 'wait', reason: 'service_provider_credential_refused' });
    expect((await current(fake, connection)).etag).toBe(connection.etag);
  });

  test('is tried with the secret that the vault holds now', async () => {
    const { fake, connection } = await linked({}, WITH_SP_SECRET);
    await token(fake, connection);
    await fake.secrets.set('robomq', 'sp-2', SP_SECRET);
    fake.clock.advance(HOUR);
    fake.identity.failures.push(REFUSED);
    expect((await token(fake, connection)).kind).toBe('token');
    expect(proofs(fake)).toEqual(['sp-1', 'sp-1', 'sp-2']);
  });

  test('is read again from the vault after twelve hours', async () => {
    const { fake, connection } = await linked({}, WITH_SP_SECRET);
    await token(fake, connection);
    await fake.secrets.set('robomq', 'sp-2', SP_SECRET);
    fake.clock.advance(12 * HOUR);
    await token(fake, connection);
    expect(proofs(fake)).toEqual(['sp-1', 'sp-2']);
  });

  test('whose secret is not in the vault makes everybody wait', async () => {
    const { fake, connection } = await linked({}, WITH_SP_SECRET);
    fake.app = fake.compose();
    fake.secrets.kept.delete('robomq');
    expect(await token(fake, connection)).toEqual({ kind: 'wait', reason: 'service_provider_credential_refused' });
  });
});
