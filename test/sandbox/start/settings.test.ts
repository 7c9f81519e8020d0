import { describe, expect, it } from 'vitest';
import { sandboxDirectory } from '../../../sandbox/directory.ts';
import { fromEnvironment, override, productSettings } from '../../../sandbox/start/settings.ts';
import { loadConfig } from '../../../shared/config.ts';

const storage = {
  connectionString: 'UseDevelopmentStorage=true',
  blobUrl: 'https://127.0.0.1:1/devstoreaccount1',
  queueUrl: 'https://127.0.0.1:2/devstoreaccount1',
  tableUrl: 'https://127.0.0.1:3/devstoreaccount1',
  counts: () => ({ table: {}, queue: {}, blob: {} }),
  clearCounts: () => undefined,
  close: async () => undefined,
};

const settings = (storageAccess: 'connectionString' | 'identity') =>
  productSettings({
    hostUrl: 'http://localhost:7071',
    hire2retireUrl: 'http://localhost:4280',
    keyVaultUrl: 'https://127.0.0.1:5',
    loginUrl: 'http://localhost:4282',
    graphUrl: 'https://127.0.0.1:6',
    storage,
    storageAccess,
    managedIdentity: { IDENTITY_ENDPOINT: 'http://127.0.0.1:7/msi', IDENTITY_HEADER: 'h' },
    directory: sandboxDirectory(),
    caFile: '/tmp/ca.pem',
  });

describe('the sandbox’s settings', () => {
  it.each(['connectionString', 'identity'] as const)('are valid for the product, storage by %s', (access) => {
    const config = loadConfig(settings(access));
    expect(config.storage.kind).toBe(access);
    expect(config.returnUrls.get('settings')).toBe('http://localhost:4280/return');
  });

  it('give the host both storage connections in the same shape', () => {
    expect(settings('connectionString')).toMatchObject({
      AzureWebJobsStorage: storage.connectionString,
      MailStorage: storage.connectionString,
    });
    const byIdentity = settings('identity');
    for (const name of ['AzureWebJobsStorage', 'MailStorage']) {
      expect(byIdentity).not.toHaveProperty(name);
      expect(byIdentity).toMatchObject({
        [`${name}__queueServiceUri`]: storage.queueUrl,
        [`${name}__credential`]: 'managedidentity',
        [`${name}__clientId`]: byIdentity['AZURE_CLIENT_ID'],
      });
    }
  });
});

describe('settings from outside', () => {
  const ours = { MailStorage: 'x', AzureWebJobsStorage: 'x', KEY_VAULT_URL: 'y', NODE_EXTRA_CA_CERTS: '/ours' };

  it('win, one by one', () => {
    expect(override(ours, { KEY_VAULT_URL: 'z', MAIL_ACCEPTED_EVENTS: 'true' })).toEqual({
      ...ours,
      KEY_VAULT_URL: 'z',
      MAIL_ACCEPTED_EVENTS: 'true',
    });
  });

  it('replace a storage connection as a whole', () => {
    expect(override(ours, { MailStorage__accountName: 'a' })).toEqual({
      AzureWebJobsStorage: 'x',
      KEY_VAULT_URL: 'y',
      NODE_EXTRA_CA_CERTS: '/ours',
      MailStorage__accountName: 'a',
    });
  });

  it('are the product’s and the host’s, and nothing else of the environment', () => {
    const environment = {
      KEY_VAULT_URL: 'z',
      REFRESH_TOKEN_WRITE_AFTER_DAYS: '0',
      MailStorage__accountName: 'a',
      AzureFunctionsJobHost__extensions__queues__batchSize: '1',
      NODE_EXTRA_CA_CERTS: '/theirs',
      MICROSOFT_LOGIN_URL: '',
      PATH: '/bin',
      NODE_OPTIONS: '--inspect',
    };
    expect(fromEnvironment(ours, environment)).toEqual({
      KEY_VAULT_URL: 'z',
      REFRESH_TOKEN_WRITE_AFTER_DAYS: '0',
      MailStorage__accountName: 'a',
      AzureFunctionsJobHost__extensions__queues__batchSize: '1',
    });
  });
});
