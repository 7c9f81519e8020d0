import { randomUUID } from 'node:crypto';
import tls from 'node:tls';
import { ManagedIdentityCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { sandboxDirectory } from '../../sandbox/directory.ts';
import { type KeyVault, startKeyVault } from '../../sandbox/key-vault/key-vault.ts';
import { throwawayCertificate } from '../../sandbox/kit/certificate.ts';
import { type ManagedIdentity, startManagedIdentity } from '../../sandbox/managed-identity/managed-identity.ts';
import { KeyVaultSecrets } from '../../shared/azure/secrets.ts';
import { type Secrets, type SecretTags, StoreUnavailable } from '../../shared/storage/ports.ts';
import { FakeSecrets } from '../fakes/stores.ts';

const fake = new FakeSecrets();
const directory = sandboxDirectory();
let identity: ManagedIdentity;
let vault: KeyVault;
let azure: Secrets;

beforeAll(async () => {
  const certificate = await throwawayCertificate();
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate.cert]);
  identity = await startManagedIdentity({ directory });
  for (const [name, value] of Object.entries(identity.environment)) vi.stubEnv(name, value);
  vault = await startKeyVault({ tls: certificate, accepts: identity.accepts, publicValues: [] });
  const { clientId } = directory.managedIdentity;
  const retryOptions = { maxRetries: 2, retryDelayInMs: 10, maxRetryDelayInMs: 20 };
  azure = new KeyVaultSecrets(
    new SecretClient(vault.url, new ManagedIdentityCredential({ clientId }), { retryOptions }),
  );
});
afterEach(() => {
  vault.journal.requests.length = 0;
  vault.journal.faults.length = 0;
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await vault.close();
  await identity.close();
});

const newName = () => `refresh-token-${randomUUID()}`;
const tags: SecretTags = { kind: 'refresh-token', customer: 'acme', connection: 'con_1' };

describe.each([
  ['the fake', () => fake as Secrets],
  ['the stand-in', () => azure],
])('a vault (%s)', (_name, subject) => {
  test('gives a secret back to whoever expects its tags', async () => {
    const name = newName();
    await subject().set(name, 'the välue', tags, new Date('2028-11-22T00:00:00Z'));
    expect(await subject().get(name, tags)).toBe('the välue');
  });

  test.each<SecretTags>([
    { ...tags, kind: 'client-secret' },
    { ...tags, customer: 'globex' },
    { ...tags, connection: 'con_2' },
    { ...tags, application: 'c0570e00-0000-4000-8000-000000000001' },
  ])('gives nothing to whoever expects other tags: a row that points at another’s secret is useless', async (other) => {
    const name = newName();
    await subject().set(name, 'value', tags);
    expect(await subject().get(name, other)).toBeUndefined();
  });

  test('has nothing under a name that nobody set', async () => {
    expect(await subject().get(newName(), tags)).toBeUndefined();
  });

  test('gives the newest value of a name, with its newest tags', async () => {
    const name = newName();
    await subject().set(name, 'one', tags);
    await subject().set(name, 'two', { ...tags, connection: 'con_2' });
    expect(await subject().get(name, { ...tags, connection: 'con_2' })).toBe('two');
    expect(await subject().get(name, tags)).toBeUndefined();
  });

  test('says until when a removed secret can be recovered, also to whoever removes it again', async () => {
    const name = newName();
    await subject().set(name, 'value', tags);
    const until = await subject().remove(name, tags);
    expect(until?.getTime()).toBeGreaterThan(Date.parse('2026-01-01'));
    expect(await subject().get(name, tags)).toBeUndefined();
    expect(await subject().remove(name, tags)).toEqual(until);
    expect(await subject().remove(name, { ...tags, customer: 'globex' })).toBeUndefined();
    expect(await subject().remove(newName(), tags)).toBeUndefined();
  });

  test('removes nothing for whoever expects other tags', async () => {
    const name = newName();
    await subject().set(name, 'value', tags);
    expect(await subject().remove(name, { ...tags, customer: 'globex' })).toBeUndefined();
    expect(await subject().get(name, tags)).toBe('value');
    expect(await subject().remove(name, tags)).toBeInstanceOf(Date);
  });

  test('keeps the name of a removed secret taken', async () => {
    const name = newName();
    await subject().set(name, 'value', tags);
    await subject().remove(name, tags);
    await expect(subject().set(name, 'value', tags)).rejects.toThrow();
  });
});

describe('the Key Vault adapter', () => {
  test('asks once per operation, looks at what it removes, and never lists', async () => {
    const name = newName();
    await azure.set(name, 'value', tags);
    await azure.get(name, tags);
    await azure.remove(name, tags);
    expect(vault.journal.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `PUT /secrets/${name}`,
      `GET /secrets/${name}/`,
      `GET /secrets/${name}/`,
      `DELETE /secrets/${name}`,
      `GET /deletedsecrets/${name}`,
    ]);
  });

  test('stores the expiry for people who look at the vault', async () => {
    const name = newName();
    await azure.set(name, 'value', tags, new Date('2028-11-22T00:00:00Z'));
    const kept = vault.snapshot().find((secret) => secret.name === name);
    expect(kept).toMatchObject({ tags, expires: Date.parse('2028-11-22T00:00:00Z') / 1000 });
  });

  test('repeats what a busy vault refuses, and says how long it asks to wait when it stays so', async () => {
    const name = newName();
    await azure.set(name, 'value', tags);
    const busy = { status: 429, headers: { 'retry-after': '1' }, body: { error: { code: 'Throttled', message: 'x' } } };
    vault.journal.addFaults([busy]);
    expect(await azure.get(name, tags)).toBe('value');
    vault.journal.addFaults([{ ...busy, times: 3 }]);
    await expect(azure.get(name, tags)).rejects.toMatchObject({ name: 'StoreUnavailable', retryAfterSeconds: 1 });
  });

  test.each([
    ['an outage', { status: 503, body: { error: { code: 'Unavailable', message: 'x' } } }],
    ['a page of some gateway', { status: 502, body: '<h1>Bad gateway</h1>' }],
    ['a page that is not there', { status: 404, body: '<h1>Not found</h1>' }],
    ['an address that is no vault’s', { status: 404, body: { error: { code: 'ResourceNotFound', message: 'x' } } }],
    ['an error without a body', { status: 500 }],
    ['a lost answer', { drop: 'after' as const }],
    ['missing permission', { status: 403 }],
  ])('reports %s as unavailable, never as a missing secret', async (_what, fault) => {
    const name = newName();
    await azure.set(name, 'value', tags);
    vault.journal.addFaults([{ ...fault, times: 20 }]);
    await expect(azure.get(name, tags)).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(azure.set(name, 'value', tags)).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(azure.remove(name, tags)).rejects.toBeInstanceOf(StoreUnavailable);
  });
});
