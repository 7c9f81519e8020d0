metadata name = 'Data storage'
metadata description = 'The storage account that holds mail: its queues, tables, containers and how long blobs live. Entra ID only, no keys.'

@description('Required. Name of the storage account, unique in all of Azure.')
@minLength(3)
@maxLength(24)
param name string

@description('Required. Region of the storage account.')
param location string

@description('Required. Tags of the storage account.')
param tags { *: string }

@description('Required. Redundancy of the storage account.')
param skuName 'Standard_LRS' | 'Standard_ZRS' | 'Standard_GRS' | 'Standard_GZRS'

@description('Required. Days for which a deleted blob or container can still be restored.')
@minValue(1)
@maxValue(365)
param blobRestoreDays int

@description('Required. Whether it is locked against deletion.')
param deleteLock bool

@description('Required. Whether it is reached through private endpoints.')
param isPrivate bool

@description('Required. Addresses that reach a private account from outside.')
param adminIpRanges string[]

var names = loadJsonContent('../storage-names.json')
var queueNames = concat(map(items(names.queues), queue => queue.value), names.poisonQueues)
var tableNames = map(items(names.tables), table => table.value)
var containerNames = map(items(names.containers), container => container.value)

// The service deletes content with the waiting mail it belongs to; 400 days only catches what nobody deleted.
var daysUntilDeleted = [
  { container: names.containers.drop, days: 400 }
  { container: names.containers.content, days: 400 }
  { container: names.containers.rejected, days: 30 }
]

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

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (deleteLock) {
  name: 'keep'
  scope: account
  properties: { level: 'CanNotDelete', notes: 'Holds mail that waits and all connections. Rows and messages can be deleted as before.' }
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2026-04-01' = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2026-04-01' = [
  for queue in queueNames: {
    parent: queueService
    name: queue
  }
]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2026-04-01' = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2026-04-01' = [
  for table in tableNames: {
    parent: tableService
    name: table
  }
]

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: account
  name: 'default'
  properties: {
    containerDeleteRetentionPolicy: { enabled: true, days: blobRestoreDays }
    deleteRetentionPolicy: { enabled: true, days: blobRestoreDays }
    isVersioningEnabled: false // A version would outlive the deletion of the mail it belongs to.
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = [
  for container in containerNames: {
    parent: blobService
    name: container
    properties: { publicAccess: 'None' }
  }
]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2026-04-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        for rule in daysUntilDeleted: {
          name: 'delete-${rule.container}'
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob', 'appendBlob'], prefixMatch: ['${rule.container}/'] }
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: rule.days } } }
          }
        }
      ]
    }
  }
}

@description('Resource ID.')
output id string = account.id

@description('Name of the storage account.')
output name string = account.name

@description('Blob endpoint.')
output blobEndpoint string = account.properties.primaryEndpoints.blob

@description('Queue endpoint.')
output queueEndpoint string = account.properties.primaryEndpoints.queue

@description('Table endpoint.')
output tableEndpoint string = account.properties.primaryEndpoints.table
