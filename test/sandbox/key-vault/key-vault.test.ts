import tls from 'node:tls';
import { ManagedIdentityCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { sandboxDirectory } from '../../../sandbox/directory.ts';
import { type KeyVault, startKeyVault } from '../../../sandbox/key-vault/key-vault.ts';
import { throwawayCertificate } from '../../../sandbox/kit/certificate.ts';
import { type ManagedIdentity, startManagedIdentity } from '../../../sandbox/managed-identity/managed-identity.ts';

const QUICK = { intervalInMs: 1 };
const PUBLIC = 'a value that everybody may see';
const directory = sandboxDirectory();
let identity: ManagedIdentity;
let vault: KeyVault;
let client: SecretClient;
let names = 0;
const newName = () => `secret-${++names}`;

beforeAll(async () => {
  const certificate = await throwawayCertificate();
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate.cert]);
  identity = await startManagedIdentity({ directory });
  for (const [name, value] of Object.entries(identity.environment)) vi.stubEnv(name, value);
  vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'ManagedIdentityCredential');
  vault = await startKeyVault({ tls: certificate, accepts: identity.accepts, publicValues: [PUBLIC] });
  client = newClient();
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

describe('reading and writing secrets with the Azure SDK', () => {
  it('keeps value, tags, content type and expiry', async () => {
    const name = newName();
    const expiresOn = new Date('2028-11-22T00:00:00Z');
    await client.setSecret(name, 'välue', { tags: { kind: 'test' }, contentType: 'text/plain', expiresOn });
    const secret = await client.getSecret(name);
    expect(secret.value).toBe('välue');
    expect(secret.properties).toMatchObject({ tags: { kind: 'test' }, contentType: 'text/plain', expiresOn });
  });

  it('answers with the newest version, and with an older one when asked for it', async () => {
    const name = newName();
    const first = await client.setSecret(name, 'one');
    await client.setSecret(name, 'two');
    expect((await client.getSecret(name)).value).toBe('two');
    const version = first.properties.version ?? '';
    expect((await client.getSecret(name, { version })).value).toBe('one');
  });

  it('changes properties of a version and leaves the others and the value alone', async () => {
    const name = newName();
    const { properties } = await client.setSecret(name, 'value', { tags: { kind: 'old' }, contentType: 'text/plain' });
    const updated = await client.updateSecretProperties(name, properties.version ?? '', { tags: { kind: 'new' } });
    expect(updated.tags).toEqual({ kind: 'new' });
    expect(await client.getSecret(name)).toMatchObject({
      value: 'value',
      properties: { tags: { kind: 'new' }, contentType: 'text/plain' },
    });
  });

  it('does not give out a disabled secret', async () => {
    const name = newName();
    await client.setSecret(name, 'value', { enabled: false });
    await expect(client.getSecret(name)).rejects.toMatchObject({
      statusCode: 403,
      details: { error: { innerError: { code: 'SecretDisabled' } } },
    });
  });

  it('gives out a secret past its expiry, which is for information only', async () => {
    const name = newName();
    await client.setSecret(name, 'value', { expiresOn: new Date('2020-01-01T00:00:00Z') });
    expect((await client.getSecret(name)).value).toBe('value');
  });

  it('does not find what is not there', async () => {
    await expect(client.getSecret('nothing')).rejects.toMatchObject({ statusCode: 404, code: 'SecretNotFound' });
  });

  it('takes names without regard to case', async () => {
    const name = newName();
    await client.setSecret(name, 'value');
    expect((await client.getSecret(name.toUpperCase())).value).toBe('value');
  });

  it.each([
    ['a value of more than 25,600 characters', 'fine', 'x'.repeat(25_601)],
    ['a name with an underscore', 'not_fine', 'value'],
  ])('refuses %s', async (_, name, value) => {
    await expect(client.setSecret(name, value)).rejects.toMatchObject({ statusCode: 400, code: 'BadParameter' });
  });

  it('takes a value of 25,600 characters', async () => {
    await expect(client.setSecret(newName(), 'x'.repeat(25_600))).resolves.toBeDefined();
  });
});

describe('lists', () => {
  it('go through all pages of versions', async () => {
    const name = newName();
    for (let i = 0; i < 30; i += 1) vault.seed(name, `value ${i}`);
    const versions = await all(client.listPropertiesOfSecretVersions(name));
    expect(new Set(versions.map(({ version }) => version)).size).toBe(30);
    expect(vault.journal.requests.filter(({ path }) => path.endsWith('/versions'))).toHaveLength(2);
  });

  it('name every secret once, without value and version', async () => {
    const name = newName();
    vault.seed(name, 'one');
    vault.seed(name, 'two');
    const found = await all(client.listPropertiesOfSecrets());
    expect(found.filter((properties) => properties.name === name)).toHaveLength(1);
    expect(found.find((properties) => properties.name === name)?.version).toBeUndefined();
  });
});

describe('a deleted secret', () => {
  it('is gone, and its name stays taken', async () => {
    const name = newName();
    vault.seed(name, 'value');
    await (await client.beginDeleteSecret(name, QUICK)).pollUntilDone();
    await expect(client.getSecret(name)).rejects.toMatchObject({ statusCode: 404 });
    await expect(client.setSecret(name, 'again')).rejects.toMatchObject({
      statusCode: 409,
      details: { error: { innerError: { code: 'ObjectIsDeletedButRecoverable' } } },
    });
    const deleted = await client.getDeletedSecret(name);
    expect(deleted.scheduledPurgeDate?.getTime()).toBeGreaterThan(Date.now());
    expect(await namesOf(client.listDeletedSecrets())).toContain(name);
  });

  it('comes back with all its versions when recovered', async () => {
    const name = newName();
    vault.seed(name, 'one');
    vault.seed(name, 'two');
    await (await client.beginDeleteSecret(name, QUICK)).pollUntilDone();
    await (await client.beginRecoverDeletedSecret(name, QUICK)).pollUntilDone();
    expect((await client.getSecret(name)).value).toBe('two');
    expect(await all(client.listPropertiesOfSecretVersions(name))).toHaveLength(2);
  });

  it('frees its name when purged', async () => {
    const name = newName();
    vault.seed(name, 'value');
    await (await client.beginDeleteSecret(name, QUICK)).pollUntilDone();
    await client.purgeDeletedSecret(name);
    await expect(client.getDeletedSecret(name)).rejects.toMatchObject({ statusCode: 404 });
    expect((await client.setSecret(name, 'again')).value).toBe('again');
  });
});

describe('the record of requests', () => {
  it('hides tokens and values', async () => {
    const name = newName();
    await client.setSecret(name, 'a very secret value', { tags: { kind: 'shown' } });
    const record = JSON.stringify(vault.journal.requests);
    expect(record).not.toContain('a very secret value');
    expect(record).toContain('shown');
    expect(vault.journal.requests.map(({ headers }) => headers['authorization'])).toEqual(['***']);
  });

  it('shows a value that is public', async () => {
    await client.setSecret(newName(), PUBLIC);
    expect(vault.journal.requests.at(-1)?.body).toContain(PUBLIC);
  });

  it('leaves out the request without a token by which the SDK asks whom to ask for one', async () => {
    await newClient().setSecret(newName(), 'value');
    expect(vault.journal.requests).toHaveLength(1);
  });
});

describe('faults', () => {
  it('answer in the place of the vault, and the SDK tries again', async () => {
    const name = newName();
    vault.journal.addFaults([{ match: { method: 'PUT' }, status: 429, headers: { 'retry-after': '0' } }]);
    await client.setSecret(name, 'value');
    expect(vault.journal.requests.map(({ status }) => status)).toEqual([429, 200]);
    expect(await all(client.listPropertiesOfSecretVersions(name))).toHaveLength(1);
  });

  it('can lose the answer of a write that had its effect', async () => {
    const name = newName();
    vault.journal.addFaults([{ match: { method: 'PUT' }, drop: 'after' }]);
    await expect(newClient({ maxRetries: 0 }).setSecret(name, 'value')).rejects.toBeDefined();
    expect(vault.snapshot().find((secret) => secret.name === name)).toMatchObject({ versions: 1, value: 'value' });
  });
});

describe('the snapshot', () => {
  it('tells versions, tags, expiry and newest value, of deleted secrets too', async () => {
    const name = newName();
    vault.seed(name, 'one');
    await client.setSecret(name, 'two', { tags: { kind: 'test' }, expiresOn: new Date(2_000_000_000_000) });
    const expected = { name, versions: 2, tags: { kind: 'test' }, expires: 2_000_000_000, value: 'two' };
    expect(vault.snapshot()).toContainEqual({ ...expected, deleted: false });
    await (await client.beginDeleteSecret(name, QUICK)).pollUntilDone();
    expect(vault.snapshot()).toContainEqual({ ...expected, deleted: true });
  });
});

it('a token for something else does not open the vault', async () => {
  const wrong = await new ManagedIdentityCredential({ clientId: directory.managedIdentity.clientId }).getToken(
    'https://storage.azure.com/.default',
  );
  const response = await fetch(`${vault.url}/secrets/x/?api-version=2026-04-01`, {
    headers: { authorization: `Bearer ${wrong.token}` },
  });
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toContain('resource="sandbox://0.0.1"');
});

function newClient(retryOptions = {}): SecretClient {
  const { clientId } = directory.managedIdentity;
  return new SecretClient(vault.url, new ManagedIdentityCredential({ clientId }), { retryOptions });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function namesOf(items: AsyncIterable<{ readonly name: string }>): Promise<string[]> {
  return (await all(items)).map(({ name }) => name);
}
