metadata name = 'Private network'
metadata description = 'A virtual network for the functions, with private endpoints to storage and vault and a fixed address towards Microsoft.'

@description('Required. Name of the virtual network.')
param name string

@description('Required. Region of the resources.')
param location string

@description('Required. Tags of the resources.')
param tags { *: string }

@description('Required. Address space.')
param addressPrefix string

@description('Optional. Zone of the NAT gateway; Azure chooses one without it.')
param natGatewayZone '1' | '2' | '3'?

@description('Required. Resource IDs of what gets private endpoints.')
param targetIds { dataStorage: string, hostStorage: string, vault: string }

var storageSuffix = environment().suffixes.storage

var zoneNames = {
  blob: 'privatelink.blob.${storageSuffix}'
  queue: 'privatelink.queue.${storageSuffix}'
  table: 'privatelink.table.${storageSuffix}'
  vault: 'privatelink.vaultcore.azure.net'
}
var zoneList = items(zoneNames)

// In the order of zoneList, which is that of its keys.
var zoneIndex = { blob: 0, queue: 1, table: 2, vault: 3 }

var endpointList = [
  { name: 'data-blob', zone: 'blob', target: 'dataStorage' }
  { name: 'data-queue', zone: 'queue', target: 'dataStorage' }
  { name: 'data-table', zone: 'table', target: 'dataStorage' }
  { name: 'host-blob', zone: 'blob', target: 'hostStorage' }
  { name: 'host-queue', zone: 'queue', target: 'hostStorage' }
  { name: 'host-table', zone: 'table', target: 'hostStorage' }
  { name: 'vault', zone: 'vault', target: 'vault' }
]

resource securityGroup 'Microsoft.Network/networkSecurityGroups@2026-01-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
}

resource publicAddress 'Microsoft.Network/publicIPAddresses@2026-01-01' = {
  name: 'pip-${name}'
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Regional' }
  properties: { publicIPAllocationMethod: 'Static', publicIPAddressVersion: 'IPv4' }
}

// The way out: Microsoft's login hosts and Graph are on the internet. It lives in one zone; its address is in all of them
// where the region has zones.
resource natGateway 'Microsoft.Network/natGateways@2026-01-01' = {
  name: 'ng-${name}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  zones: natGatewayZone == null ? null : [natGatewayZone!]
  properties: { publicIpAddresses: [{ id: publicAddress.id }] }
}

resource virtualNetwork 'Microsoft.Network/virtualNetworks@2026-01-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'functions'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 0)
          defaultOutboundAccess: false
          delegations: [{ name: 'functions', properties: { serviceName: 'Microsoft.App/environments' } }]
          natGateway: { id: natGateway.id }
          networkSecurityGroup: { id: securityGroup.id }
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 27, 2)
          defaultOutboundAccess: false
          networkSecurityGroup: { id: securityGroup.id }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }

  resource functions 'subnets' existing = { name: 'functions' }
  resource endpoints 'subnets' existing = { name: 'endpoints' }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zoneList: {
    name: zone.value
    location: 'global'
    tags: tags
  }
]

resource zoneLinks 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in zoneList: {
    parent: zones[index]
    name: name
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: virtualNetwork.id } }
  }
]

// One after another: each changes the same subnet, and Azure refuses two changes at a time.
@batchSize(1)
resource privateEndpoints 'Microsoft.Network/privateEndpoints@2026-01-01' = [
  for endpoint in endpointList: {
    name: 'pep-${endpoint.name}-${name}'
    location: location
    tags: tags
    properties: {
      subnet: { id: virtualNetwork::endpoints.id }
      privateLinkServiceConnections: [
        {
          name: endpoint.name
          properties: { groupIds: [endpoint.zone], privateLinkServiceId: targetIds[endpoint.target] }
        }
      ]
    }
  }
]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2026-01-01' = [
  for (endpoint, index) in endpointList: {
    parent: privateEndpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: endpoint.zone
          properties: { privateDnsZoneId: zones[zoneIndex[endpoint.zone]].id }
        }
      ]
    }
  }
]

@description('Resource ID of the subnet that the functions run in.')
output functionsSubnetId string = virtualNetwork::functions.id
