metadata name = 'Key vault'
metadata description = 'The vault that holds client secrets and refresh tokens.'

@description('Required. Name of the vault, unique in all of Azure.')
@minLength(3)
@maxLength(24)
param name string

@description('Required. Region of the vault.')
param location string

@description('Required. Tags of the vault.')
param tags { *: string }

@description('Required. Days for which a deleted secret can be restored.')
@minValue(7)
@maxValue(90)
param secretRestoreDays int

@description('Required. Whether it is locked against deletion.')
param deleteLock bool

@description('Required. Whether it is reached through private endpoints.')
param isPrivate bool

@description('Required. Addresses that reach a private vault from outside.')
param adminIpRanges string[]

@description('Required. Name of the Log Analytics workspace that gets the audit log.')
param logsName string

resource logs 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = { name: logsName }

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enablePurgeProtection: true
    enableSoftDelete: true
    softDeleteRetentionInDays: secretRestoreDays
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    publicNetworkAccess: isPrivate && empty(adminIpRanges) ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
      ipRules: [for range in (isPrivate ? adminIpRanges : []): { value: range }]
    }
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (deleteLock) {
  name: 'keep'
  scope: vault
  properties: { level: 'CanNotDelete', notes: 'Holds the refresh tokens of all connections. Secrets can be deleted as before.' }
}

// Who read, wrote or deleted which secret. Values are never in it, and our queries hold nothing but the API version.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: vault
  properties: {
    workspaceId: logs.id
    logs: [{ category: 'AuditEvent', enabled: true }]
  }
}

@description('Resource ID.')
output id string = vault.id
