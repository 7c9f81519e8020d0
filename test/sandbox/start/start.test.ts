import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Sandbox, startSandbox } from '../../../sandbox/start.ts';

describe.each(['connectionString', 'identity'] as const)('the sandbox without functions, storage by %s', (storage) => {
  let sandbox: Sandbox;

  beforeAll(async () => {
    sandbox = await startSandbox({ host: false, ports: 'free', storage, extraMailboxes: 2 });
  });

  afterAll(() => sandbox.close());

  it('tells programs what they need', () => {
    const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
    const application = {
      clientId: expect.stringMatching(guid),
      clientSecret: expect.any(String),
      tenant: expect.stringMatching(guid),
    };
    const page = expect.stringMatching(/^http:\/\/localhost:\d+$/);
    expect(sandbox.info).toEqual({
      api: 'http://localhost:7071/api',
      functionKey: expect.stringMatching(/^[\w-]{40,}$/),
      hire2retire: page,
      mailbox: page,
      mailboxApi: expect.stringMatching(/^http:\/\/localhost:\d+\/.*[^/]$/),
      control: page,
      storageConnectionString: sandbox.storage.connectionString,
      mailQueue: 'outlook-mail',
      eventQueue: 'outlook-events',
      returnTo: 'settings',
      caCertificate: expect.stringMatching(/\.pem$/),
      serviceProvider: { clientId: expect.stringMatching(guid) },
      customerOwned: application,
      customerOwnedSingleTenant: application,
      users: expect.any(Array),
    });
    expect(sandbox.info.users[0]).toEqual({
      address: 'hr@acme.example',
      password: expect.any(String),
      kind: 'mailbox',
    });
    const kinds = new Set(sandbox.info.users.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['guest', 'mailbox', 'noMailbox', 'otherTenant', 'personal']);
    expect(sandbox.info.users).toHaveLength(8);
    expect(existsSync(sandbox.info.caCertificate)).toBe(true);
  });

  it('has the service provider’s secret in the vault, and not where it can be read', () => {
    const { clientSecret, clientId } = sandbox.directory.applications.serviceProvider;
    expect(sandbox.keyVault.snapshot()).toMatchObject([
      {
        name: sandbox.settings['SERVICE_PROVIDER_SECRET_NAME'],
        value: clientSecret,
        tags: { kind: 'service-provider-client-secret', application: clientId },
      },
    ]);
    expect(JSON.stringify([sandbox.info, sandbox.settings])).not.toContain(clientSecret);
  });

  it('starts with counts at zero, and control sees them', async () => {
    const answer = await fetch(`${sandbox.info.control}/storage/counts`);
    expect(await answer.json()).toEqual({ table: {}, queue: {}, blob: {} });
  });
});

it('leaves nothing behind', async () => {
  const sandbox = await startSandbox({ host: false, ports: 'free' });
  await sandbox.close();
  expect(existsSync(dirname(sandbox.info.caCertificate))).toBe(false);
  await expect(fetch(sandbox.info.hire2retire)).rejects.toThrow();
  await expect(fetch(sandbox.info.control)).rejects.toThrow();
});

it('can be called off', async () => {
  const controller = new AbortController();
  const starting = startSandbox({ host: false, ports: 'free', signal: controller.signal });
  controller.abort();
  await expect(starting).rejects.toThrow('aborted');
});
