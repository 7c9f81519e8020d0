import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, settingsSchema } from '../../shared/config.ts';
import { read } from '../guard/repository.ts';
import { appSettings, onlyResource, SET_NAMES } from './support/snapshot.ts';

const OURS = Object.keys(settingsSchema.shape);
const REQUIRED = Object.entries(settingsSchema.shape)
  .filter(([, schema]) => !schema.safeParse(undefined).success)
  .map(([name]) => name);
/** Of the API's protection by Entra ID: set where it is chosen. */
const ENTRA = ['API_AUTH', 'API_ENTRA_TENANT', 'API_ENTRA_AUDIENCE'];
/** Read by the Functions host and by SDKs. */
const PLATFORM =
  /^(AzureWebJobsStorage__(blobServiceUri|queueServiceUri|tableServiceUri|credential|clientId)|MailStorage__(blobServiceUri|queueServiceUri|tableServiceUri|credential|clientId)|AZURE_CLIENT_ID|APPLICATIONINSIGHTS_(CONNECTION_STRING|AUTHENTICATION_STRING))$/;

/** What the deployment makes of the expressions that the compiler leaves open. */
function evaluated(value: string): string {
  const suffixed = /^\[format\('(.+)', '(.+)', environment\(\)\.suffixes\.(\w+)\)\]$/.exec(value);
  if (suffixed) {
    const [, pattern = '', name = '', suffix = ''] = suffixed;
    const suffixes: Record<string, string> = { storage: 'core.windows.net', keyvaultDns: '.vault.azure.net' };
    return pattern.replace('{0}', name).replace('{1}', suffixes[suffix] ?? suffix);
  }
  if (/^\[reference\(.+\)\.clientId\]$/.test(value)) return '66666666-6666-4666-8666-666666666666';
  if (value.startsWith('[')) return `expression ${value.slice(1)}`;
  return value;
}

const settingsOf = (set: (typeof SET_NAMES)[number]) =>
  Object.fromEntries(Object.entries(appSettings(set)).map(([name, value]) => [name, evaluated(value)]));

describe.each(SET_NAMES)('the settings of %s', (set) => {
  const settings = settingsOf(set);
  const names = Object.keys(settings);

  it('hold every one that the app requires', () => {
    expect(REQUIRED.length).toBeGreaterThan(3);
    expect(REQUIRED.filter((name) => !names.includes(name))).toEqual([]);
  });

  it('hold none that nobody reads', () => {
    expect(names.filter((name) => !OURS.includes(name) && !PLATFORM.test(name))).toEqual([]);
  });

  it('are enough to start, by identity alone', () => {
    const config = loadConfig(settings);
    const token = set === 'domain-second' ? 'mailtrial2' : 'leyauab3usnbg';
    expect(config.storage).toMatchObject({
      kind: 'identity',
      queueUrl: `https://stdata${token}.queue.core.windows.net`,
    });
    expect(config.keyVaultUrl).toBe(`https://kv-${token}.vault.azure.net`);
    expect(config.managedIdentityClientId).toBe('66666666-6666-4666-8666-666666666666');
  });

  it('are missed one by one when they are not there', () => {
    for (const name of REQUIRED)
      expect(() => loadConfig({ ...settings, [name]: undefined }), name).toThrow(ConfigError);
  });

  it('name the identity wherever the host or an SDK looks for it', () => {
    const identity = settings['AZURE_CLIENT_ID'];
    expect(settings).toMatchObject({
      AzureWebJobsStorage__credential: 'managedidentity',
      AzureWebJobsStorage__clientId: identity,
      MailStorage__credential: 'managedidentity',
      MailStorage__clientId: identity,
    });
    expect(appSettings(set)['APPLICATIONINSIGHTS_AUTHENTICATION_STRING']).toMatch(
      /^\[format\('ClientId=\{0\};Authorization=AAD', reference\(.*\)\.clientId\)\]$/,
    );
  });

  it('leave the chain of credentials, and what this plan forbids, alone', () => {
    const forbidden =
      /^(AZURE_TOKEN_CREDENTIALS|FUNCTIONS_(EXTENSION_VERSION|WORKER_RUNTIME)|WEBSITE_.*|SCM_DO_BUILD.*|ENABLE_ORYX.*)$/;
    expect(names.filter((name) => forbidden.test(name))).toEqual([]);
  });

  it('name no stand-in for Microsoft', () => {
    expect(names).not.toContain('MICROSOFT_LOGIN_URL');
    expect(names).not.toContain('MICROSOFT_GRAPH_URL');
  });
});

describe('the credential of RoboMQ’s application', () => {
  it('is the managed identity in what is deployed', () => {
    for (const set of ['small', 'production'] as const)
      expect(appSettings(set)['SERVICE_PROVIDER_CREDENTIAL'], set).toBe('federated');
  });

  it('is a secret of the vault, by name, where that is chosen', () => {
    expect(appSettings('entra-recreate')).toMatchObject({
      SERVICE_PROVIDER_CREDENTIAL: 'secret',
      SERVICE_PROVIDER_SECRET_NAME: 'service-provider-client-secret',
    });
  });
});

describe('further settings', () => {
  it('are set, but none that would take the app’s identity, storage or vault away', () => {
    const settings = settingsOf('entra-recreate');
    expect(settings['MAIL_PER_MINUTE']).toBe('20');
    expect(settings['AZURE_CLIENT_ID']).toBe('66666666-6666-4666-8666-666666666666');
    expect(settings['PUBLIC_BASE_URL']).toBe('https://mail.example.com');
    expect(settings).not.toHaveProperty('MailStorage');
  });
});

describe('the API', () => {
  it('takes function keys unless Entra ID is chosen, with the tenant and the audience', () => {
    for (const set of SET_NAMES.filter((name) => name !== 'entra-recreate'))
      expect(Object.keys(appSettings(set)).filter((name) => ENTRA.includes(name))).toEqual([]);
    expect(appSettings('entra-recreate')).toMatchObject({
      API_AUTH: 'entra',
      API_ENTRA_TENANT: '22222222-2222-4222-8222-222222222222',
      API_ENTRA_AUDIENCE: 'a91a91a9-0000-4000-8000-000000000001',
    });
  });
});

it('the runtime is the one that docs and package ask for', () => {
  const runtime = (set: (typeof SET_NAMES)[number]) =>
    (onlyResource('Microsoft.Web/sites', set).properties as { functionAppConfig: { runtime: unknown } })
      .functionAppConfig.runtime;
  expect(runtime('small')).toEqual({ name: 'node', version: '24' });
  expect(runtime('entra-recreate')).toEqual({ name: 'node', version: '22' });
  expect(read('tools/bundle.ts')).toContain("target: 'node22'");
});
