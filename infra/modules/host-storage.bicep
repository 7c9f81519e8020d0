metadata name = 'Host storage'
metadata description = 'The storage account that belongs to the Functions host: its locks and timers, and the deployed code. Entra ID only, no keys.'

@description('Required. Name of the storage account, unique in all of Azure.')
@minLength(3)
@maxLength(24)
param name string

@description('Required. Region of the storage account.')
param location string

@description('Required. Tags of the storage account.')
param tags { *: string }

@description('Required. Redundancy of the storage account.')
param skuName 'Standard_LRS' | 'Standard_ZRS'

@description('Required. Whether it is reached through private endpoints.')
param isPrivate bool

@description('Required. Addresses that reach a private account from outside.')
param adminIpRanges string[]

var packageContainerName = 'function-package'

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: skuName }
  properties: {
    accessTier: 'Hot'
    allowedCopyScope: 'AAD' // Nobody with a role here copies blobs to an account of another tenant.
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: isPrivate && empty(adminIpRanges) ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
      ipRules: [for range in (isPrivate ? adminIpRanges : []): { action: 'Allow', value: range }]
    }
    supportsHttpsTrafficOnly: true
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: account
  name: 'default'
  properties: {
    containerDeleteRetentionPolicy: { enabled: true, days: 7 }
    deleteRetentionPolicy: { enabled: true, days: 7 }
  }
}

resource packageContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = {
  parent: blobService
  name: packageContainerName
  properties: { publicAccess: 'None' }
}

@description('Resource ID.')
output id string = account.id

@description('Name of the container that holds the deployed code.')
output packageContainer string = packageContainer.name
