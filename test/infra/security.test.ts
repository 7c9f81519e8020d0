import { describe, expect, it } from 'vitest';
import { read } from '../guard/repository.ts';
import { onlyResource, predictions, resourcesOf, SET_NAMES, type SetName } from './support/snapshot.ts';

const STORAGE = 'Microsoft.Storage/storageAccounts';
const VAULT = 'Microsoft.KeyVault/vaults';
const PRIVATE: readonly SetName[] = ['production', 'domain-first-private'];
const PUBLIC = SET_NAMES.filter((set) => !PRIVATE.includes(set));

describe.each(SET_NAMES)('in %s', (set) => {
  it('storage takes Entra identities over TLS alone', () => {
    const accounts = resourcesOf(STORAGE, set);
    expect(accounts).toHaveLength(2);
    for (const { properties } of accounts) {
      expect(properties).toMatchObject({
        allowBlobPublicAccess: false,
        allowCrossTenantReplication: false,
        allowSharedKeyAccess: false,
        allowedCopyScope: 'AAD',
        defaultToOAuthAuthentication: true,
        isLocalUserEnabled: false,
        minimumTlsVersion: 'TLS1_2',
        supportsHttpsTrafficOnly: true,
        networkAcls: { bypass: 'None' },
      });
    }
  });

  it('no container is public', () => {
    for (const { properties } of resourcesOf(`${STORAGE}/blobServices/containers`, set))
      expect(properties).toEqual({ publicAccess: 'None' });
  });

  it('the vault goes by roles, keeps what is deleted and cannot be purged', () => {
    expect(onlyResource(VAULT, set)).toMatchObject({
      apiVersion: '2026-02-01',
      properties: {
        enableRbacAuthorization: true,
        enablePurgeProtection: true,
        enableSoftDelete: true,
        enabledForDeployment: false,
        enabledForDiskEncryption: false,
        enabledForTemplateDeployment: false,
      },
    });
    expect(JSON.stringify(onlyResource(VAULT, set))).not.toContain('accessPolicies');
  });

  it('telemetry is taken from identities alone', () => {
    expect(onlyResource('Microsoft.Insights/components', set).properties).toMatchObject({ DisableLocalAuth: true });
    expect(onlyResource('Microsoft.OperationalInsights/workspaces', set).properties).toMatchObject({
      features: { disableLocalAuth: true },
    });
  });

  it('the app speaks TLS, is deployed without passwords and lets pages of the portal alone call it', () => {
    expect(onlyResource('Microsoft.Web/sites', set).properties).toMatchObject({
      httpsOnly: true,
      siteConfig: {
        minTlsVersion: '1.2',
        scmMinTlsVersion: '1.2',
        cors: { allowedOrigins: ['[environment().portal]'], supportCredentials: false },
      },
    });
    const passwords = resourcesOf('Microsoft.Web/sites/basicPublishingCredentialsPolicies', set);
    expect(passwords.map(({ name, properties }) => [name.split('/')[1], properties])).toEqual([
      ['ftp', { allow: false }],
      ['scm', { allow: false }],
    ]);
  });

  it('nothing writes down queries, in which tickets and codes travel', () => {
    const logged = resourcesOf('Microsoft.Insights/diagnosticSettings', set).flatMap(
      ({ properties }) => (properties as { logs?: { category: string }[] }).logs?.map(({ category }) => category) ?? [],
    );
    expect(logged).toEqual(['AuditEvent']);
  });

  it('no secret is in any resource or output', () => {
    const text = JSON.stringify(predictions.get(set));
    expect(text).not.toMatch(/\blist(?:Keys|Secrets|AccountSas|ServiceSas)\(/i);
    expect(text).not.toMatch(/AccountKey=|SharedAccessSignature=|sig=|"(?:password|clientSecret|adminKey)"/i);
    expect(text.match(/InstrumentationKey=/g)).toBeNull();
  });
});

describe('with a public network', () => {
  it.each(PUBLIC)('%s has no virtual network, and the app is in none', (set) => {
    expect(resourcesOf('Microsoft.Network/virtualNetworks', set)).toEqual([]);
    expect(onlyResource('Microsoft.Web/sites', set).properties).toMatchObject({ virtualNetworkSubnetId: null });
  });
});

describe('with a private network', () => {
  it.each(PRIVATE)('every service of storage and vault in %s has an endpoint, found through DNS', (set) => {
    const endpoints = resourcesOf('Microsoft.Network/privateEndpoints', set).map(({ properties }) => {
      const [connection] = (
        properties as { privateLinkServiceConnections: { name: string; properties: { groupIds: string[] } }[] }
      ).privateLinkServiceConnections;
      return `${connection?.name} ${connection?.properties.groupIds}`;
    });
    expect(endpoints.sort()).toEqual([
      'data-blob blob',
      'data-queue queue',
      'data-table table',
      'host-blob blob',
      'host-queue queue',
      'host-table table',
      'vault vault',
    ]);
    const groups = resourcesOf('Microsoft.Network/privateEndpoints/privateDnsZoneGroups', set);
    for (const { name, properties } of groups) {
      const [config] = (
        properties as { privateDnsZoneConfigs: { name: string; properties: { privateDnsZoneId: string } }[] }
      ).privateDnsZoneConfigs;
      const service = config?.name === 'vault' ? 'vaultcore' : config?.name;
      expect(name).toMatch(new RegExp(`^pep-(?:(?:data|host)-)?${config?.name}-`));
      expect(config?.properties.privateDnsZoneId).toContain(`privatelink.${service}.`);
    }
    expect(groups).toHaveLength(7);
    expect(resourcesOf('Microsoft.Network/privateDnsZones/virtualNetworkLinks', set)).toHaveLength(4);
  });

  it.each(PRIVATE)(
    'the functions of %s run in a subnet of their own that reaches Microsoft through one address',
    (set) => {
      const { properties } = onlyResource('Microsoft.Network/virtualNetworks', set);
      expect(properties).toMatchObject({
        subnets: [
          {
            name: 'functions',
            properties: {
              addressPrefix: '10.80.0.0/26',
              defaultOutboundAccess: false,
              delegations: [{ properties: { serviceName: 'Microsoft.App/environments' } }],
              natGateway: { id: expect.stringContaining('/natGateways/') },
              networkSecurityGroup: { id: expect.stringContaining('/networkSecurityGroups/') },
            },
          },
          {
            name: 'endpoints',
            properties: {
              addressPrefix: '10.80.0.64/27',
              networkSecurityGroup: { id: expect.stringContaining('/networkSecurityGroups/') },
            },
          },
        ],
      });
      const subnet = (onlyResource('Microsoft.Web/sites', set).properties as { virtualNetworkSubnetId: string })
        .virtualNetworkSubnetId;
      expect(subnet).toContain('functionsSubnetId');
    },
  );

  it('storage and vault are closed to the internet', () => {
    for (const { properties } of [...resourcesOf(STORAGE, 'production'), onlyResource(VAULT, 'production')]) {
      expect(properties).toMatchObject({
        publicNetworkAccess: 'Disabled',
        networkAcls: { defaultAction: 'Deny', ipRules: [] },
      });
    }
  });

  it('or open to the addresses that were named', () => {
    const addresses = ['198.51.100.0/24', '203.0.113.7'];
    const set = 'domain-first-private';
    for (const { properties } of resourcesOf(STORAGE, set)) {
      expect(properties).toMatchObject({
        publicNetworkAccess: 'Enabled',
        networkAcls: { defaultAction: 'Deny', ipRules: addresses.map((value) => ({ action: 'Allow', value })) },
      });
    }
    expect(onlyResource(VAULT, set).properties).toMatchObject({
      networkAcls: { defaultAction: 'Deny', ipRules: addresses.map((value) => ({ value })) },
    });
  });
});

describe('choices', () => {
  const site = (set: SetName) => onlyResource('Microsoft.Web/sites', set).properties;

  it('updates roll unless they are told to end what runs', () => {
    expect(site('production')).toMatchObject({ functionAppConfig: { siteUpdateStrategy: { type: 'RollingUpdate' } } });
    expect(site('entra-recreate')).toMatchObject({ functionAppConfig: { siteUpdateStrategy: { type: 'Recreate' } } });
  });

  it('a host name of one’s own is bound first, and gets its certificate in the second deployment', () => {
    const binding = (set: SetName) => onlyResource('Microsoft.Web/sites/hostNameBindings', set).properties;
    expect(resourcesOf('Microsoft.Web/sites/hostNameBindings', 'small')).toEqual([]);
    expect(resourcesOf('Microsoft.Web/certificates', 'domain-first-private')).toEqual([]);
    expect(binding('domain-first-private')).toMatchObject({ sslState: 'Disabled' });
    expect(onlyResource('Microsoft.Web/certificates', 'domain-second').properties).toMatchObject({
      canonicalName: 'mail.example.com',
    });
    expect(binding('domain-second')).toMatchObject({
      sslState: 'SniEnabled',
      thumbprint: expect.stringContaining('.thumbprint'),
    });
  });

  it('production keeps data in three zones and spreads instances, and keeps deleted secrets for 90 days', () => {
    for (const { sku } of resourcesOf(STORAGE, 'production')) expect(sku).toEqual({ name: 'Standard_ZRS' });
    expect(onlyResource('Microsoft.Web/serverfarms', 'production').properties).toMatchObject({ zoneRedundant: true });
    expect(onlyResource(VAULT, 'production').properties).toMatchObject({ softDeleteRetentionInDays: 90 });
  });

  it('the NAT gateway is in one zone, which Azure chooses unless it is told', () => {
    const zones = (set: SetName) => onlyResource('Microsoft.Network/natGateways', set).zones ?? null;
    expect(zones('production')).toBeNull();
    expect(zones('domain-first-private')).toEqual(['2']);
    expect(read('docs/deploy.md')).toContain('`natGatewayZone`');
  });

  it('storage for data and vault are locked against deletion where that is chosen', () => {
    const locked = (set: SetName) =>
      resourcesOf('Microsoft.Authorization/locks', set).map(({ properties }) => properties);
    expect(locked('production')).toEqual([]);
    expect(locked('domain-first-private')).toEqual([
      expect.objectContaining({ level: 'CanNotDelete' }),
      expect.objectContaining({ level: 'CanNotDelete' }),
    ]);
  });

  it('whoever deploys may come from everywhere, or from the addresses that were named', () => {
    expect(site('production')).toMatchObject({
      siteConfig: { scmIpSecurityRestrictionsDefaultAction: 'Allow', scmIpSecurityRestrictions: [] },
    });
    expect(site('domain-first-private')).toMatchObject({
      siteConfig: {
        scmIpSecurityRestrictionsDefaultAction: 'Deny',
        scmIpSecurityRestrictions: [{ action: 'Allow', ipAddress: '192.0.2.0/24' }],
      },
    });
  });

  it('logs of a day are capped: a bug that logs in a loop has a price', () => {
    const cap = (set: SetName) => onlyResource('Microsoft.OperationalInsights/workspaces', set).properties;
    expect(cap('small')).toMatchObject({ workspaceCapping: { dailyQuotaGb: 1 } });
    expect(cap('production')).toMatchObject({ workspaceCapping: { dailyQuotaGb: 10 } });
  });

  it('private endpoints are made one after another, since they change one subnet', () => {
    expect(read('infra/modules/network.bicep')).toContain('@batchSize(1)\nresource privateEndpoints ');
  });

  it('the address space holds both subnets', () => {
    const { addressSpace } = onlyResource('Microsoft.Network/virtualNetworks', 'production').properties as {
      addressSpace: unknown;
    };
    expect(addressSpace).toEqual({ addressPrefixes: ['10.80.0.0/25'] });
  });
});
