metadata name = 'Role assignments of one principal'
metadata description = 'Gives a principal the roles of a list. Names are made of scope, principal and role, so that a second deployment finds what the first made.'

import { resourceNames } from 'names.bicep'

@export()
@description('A role on one of our resources; queues, tables and containers are of the data storage account and go by name.')
type assignment = {
  role: roleName
  on:
    | 'container'
    | 'dataStorage'
    | 'hostStorage'
    | 'insights'
    | 'queue'
    | 'resourceGroup'
    | 'site'
    | 'table'
    | 'vault'
  name: string?
}

@description('Built-in roles that are given to anybody here.')
type roleName =
  | 'Key Vault Reader'
  | 'Key Vault Secrets Officer'
  | 'Log Analytics Reader'
  | 'Monitoring Metrics Publisher'
  | 'Storage Blob Data Contributor'
  | 'Storage Blob Data Owner'
  | 'Storage Blob Data Reader'
  | 'Storage Queue Data Contributor'
  | 'Storage Queue Data Message Processor'
  | 'Storage Queue Data Message Sender'
  | 'Storage Queue Data Reader'
  | 'Storage Table Data Contributor'
  | 'Storage Table Data Reader'
  | 'Website Contributor'

@description('Required. Object ID of the principal.')
param principalId string

@description('Required. What kind of principal it is.')
param principalType 'Group' | 'ServicePrincipal'

@description('Required. The roles.')
param assignments assignment[]

@description('Required. Names of the resources.')
param names resourceNames

var roleIds = {
  'Key Vault Reader': '21090545-7ca7-4776-b22c-e363652d74d2'
  'Key Vault Secrets Officer': 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  'Log Analytics Reader': '73c42c96-874c-492b-b04d-ab87d138a893'
  'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb'
  'Storage Blob Data Contributor': 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  'Storage Blob Data Reader': '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  'Storage Queue Data Contributor': '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  'Storage Queue Data Message Processor': '8a0f0c08-91a1-4084-bc3d-661d67233fed'
  'Storage Queue Data Message Sender': 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
  'Storage Queue Data Reader': '19e7f393-937e-4f77-808e-94535e297925'
  'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  'Storage Table Data Reader': '76199698-9eea-4c19-bc75-cec21354c6b6'
  'Website Contributor': 'de139f84-1756-47ae-9be6-808fbbe84772'
}

// A scope must be a resource of one known type, hence a list and a loop for each type.
var onQueues = filter(assignments, one => one.on == 'queue')
var onTables = filter(assignments, one => one.on == 'table')
var onContainers = filter(assignments, one => one.on == 'container')
var onDataStorage = filter(assignments, one => one.on == 'dataStorage')
var onHostStorage = filter(assignments, one => one.on == 'hostStorage')
var onVault = filter(assignments, one => one.on == 'vault')
var onInsights = filter(assignments, one => one.on == 'insights')
var onSite = filter(assignments, one => one.on == 'site')
var onResourceGroup = filter(assignments, one => one.on == 'resourceGroup')

resource dataStorage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: names.dataStorage

  resource queueService 'queueServices' existing = { name: 'default' }
  resource tableService 'tableServices' existing = { name: 'default' }
  resource blobService 'blobServices' existing = { name: 'default' }
}
resource hostStorage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = { name: names.hostStorage }
resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = { name: names.vault }
resource insights 'Microsoft.Insights/components@2020-02-02' existing = { name: names.insights }
resource site 'Microsoft.Web/sites@2025-03-01' existing = { name: names.site }

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2026-04-01' existing = [
  for one in onQueues: { parent: dataStorage::queueService, name: one.name! }
]
resource queueRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (one, index) in onQueues: {
    name: guid(queues[index].id, principalId, roleIds[one.role])
    scope: queues[index]
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
    }
  }
]

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2026-04-01' existing = [
  for one in onTables: { parent: dataStorage::tableService, name: one.name! }
]
resource tableRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (one, index) in onTables: {
    name: guid(tables[index].id, principalId, roleIds[one.role])
    scope: tables[index]
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
    }
  }
]

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' existing = [
  for one in onContainers: { parent: dataStorage::blobService, name: one.name! }
]
resource containerRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (one, index) in onContainers: {
    name: guid(containers[index].id, principalId, roleIds[one.role])
    scope: containers[index]
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
    }
  }
]

resource dataStorageRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in onDataStorage: {
    name: guid(dataStorage.id, principalId, roleIds[one.role])
    scope: dataStorage
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
    }
  }
]

resource hostStorageRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in onHostStorage: {
    name: guid(hostStorage.id, principalId, roleIds[one.role])
    scope: hostStorage
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
    }
  }
]

resource vaultRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in onVault: {
    name: guid(vault.id, principalId, roleIds[one.role])
    scope: vault
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
    }
  }
]

resource insightsRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in onInsights: {
    name: guid(insights.id, principalId, roleIds[one.role])
    scope: insights
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
    }
  }
]

resource siteRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in onSite: {
    name: guid(site.id, principalId, roleIds[one.role])
    scope: site
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
    }
  }
]

resource resourceGroupRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in onResourceGroup: {
    name: guid(resourceGroup().id, principalId, roleIds[one.role])
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
    }
  }
]

@description('How many roles the principal got.')
output count int = length(assignments)
