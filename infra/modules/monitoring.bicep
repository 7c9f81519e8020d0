metadata name = 'Monitoring'
metadata description = 'Where telemetry goes, and who is told when something is wrong.'

@description('Required. Name of the Log Analytics workspace.')
@minLength(4)
@maxLength(63)
param logsName string

@description('Required. Name of the Application Insights resource.')
param insightsName string

@description('Required. Name of the action group.')
param actionGroupName string

@description('Required. Region of the resources.')
param location string

@description('Required. Tags of the resources.')
param tags { *: string }

@description('Required. Days for which logs are kept.')
param retentionDays int

@description('Required. GB a day after which no more logs are taken.')
param dailyCapGb int

@description('Required. Addresses that get alerts.')
param alertEmails string[]

resource logs 'Microsoft.OperationalInsights/workspaces@2026-03-01' = {
  name: logsName
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    workspaceCapping: { dailyQuotaGb: dailyCapGb }
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableIpMasking: false
    DisableLocalAuth: true // Telemetry is taken from identities with a role, not from whoever knows the key.
    IngestionMode: 'LogAnalytics'
    WorkspaceResourceId: logs.id
  }
}

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'outlook'
    emailReceivers: [
      for (address, index) in alertEmails: {
        name: 'email-${index}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

@description('Name of the Application Insights resource.')
output insightsName string = insights.name
