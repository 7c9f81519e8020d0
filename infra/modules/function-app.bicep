metadata name = 'Function app'
metadata description = 'The plan and the app, with every setting that it starts with.'

@description('Required. Name of the function app, unique in all of Azure.')
param name string

@description('Required. Name of its plan.')
param planName string

@description('Required. Region of the resources.')
param location string

@description('Required. Tags of the resources.')
param tags { *: string }

@description('Required. Name of the user-assigned identity that the app acts as.')
param identityName string

@description('Required. Name of the host\'s storage account.')
param hostStorageName string

@description('Required. Name of its container that holds the deployed code.')
param packageContainer string

@description('Required. Name of the Application Insights resource.')
param insightsName string

@description('Required. Name of the Log Analytics workspace that gets the app\'s metrics.')
param logsName string

@description('Required. Major version of Node.js.')
param nodeVersion '22' | '24'

@description('Required. How instances change over to new code.')
param updateStrategy 'Recreate' | 'RollingUpdate'

@description('Required. Memory of an instance in MB.')
param instanceMemoryMB 512 | 2048 | 4096

@description('Required. Instances at most.')
param maximumInstanceCount int

@description('Required. Instances kept warm for the HTTP functions.')
param alwaysReadyHttp int

@description('Required. Whether instances are spread over zones.')
param zoneRedundant bool

@description('Optional. Resource ID of the subnet that the functions run in; none with a public network.')
param subnetId string?

@description('Required. IPv4 ranges from which the app may be deployed; everywhere when there is none.')
param deployIpRanges string[]

@description('Required. Settings of the product.')
param settings { *: string }

resource logs 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = { name: logsName }
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = { name: identityName }
resource insights 'Microsoft.Insights/components@2020-02-02' existing = { name: insightsName }

var hostStorage = 'https://${hostStorageName}'
var storageSuffix = environment().suffixes.storage

// Read by the host and by SDKs, as opposed to `settings`. AZURE_TOKEN_CREDENTIALS stays unset: it would narrow the SDK's
// chain of credentials, which finds the identity by AZURE_CLIENT_ID. FUNCTIONS_WORKER_RUNTIME is not allowed on this plan.
var platformSettings = {
  AZURE_CLIENT_ID: identity.properties.clientId
  AzureWebJobsStorage__blobServiceUri: '${hostStorage}.blob.${storageSuffix}'
  AzureWebJobsStorage__queueServiceUri: '${hostStorage}.queue.${storageSuffix}'
  AzureWebJobsStorage__tableServiceUri: '${hostStorage}.table.${storageSuffix}'
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.properties.clientId
  MailStorage__credential: 'managedidentity'
  MailStorage__clientId: identity.properties.clientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource site 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  // azd finds by this tag where to deploy.
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    serverFarmId: plan.id
    clientCertEnabled: false
    httpsOnly: true
    keyVaultReferenceIdentity: identity.id
    publicNetworkAccess: 'Enabled' // Browsers of people who link, and Hire2Retire.
    virtualNetworkSubnetId: subnetId
    siteConfig: {
      cors: { allowedOrigins: [environment().portal], supportCredentials: false } // For Test/Run in the portal.
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      scmIpSecurityRestrictionsUseMain: false
      scmIpSecurityRestrictionsDefaultAction: empty(deployIpRanges) ? 'Allow' : 'Deny'
      scmIpSecurityRestrictions: [
        for (range, index) in deployIpRanges: {
          name: 'deploy-${index}'
          action: 'Allow'
          priority: 100 + index
          ipAddress: range
        }
      ]
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostStorage}.blob.${storageSuffix}/${packageContainer}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity.id }
        }
      }
      runtime: { name: 'node', version: nodeVersion }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyHttp == 0 ? [] : [{ name: 'http', instanceCount: alwaysReadyHttp }]
      }
      // RollingUpdate, although Microsoft calls it a preview: Recreate ends running executions, and each mail that is on
      // its way to Graph at that moment becomes uncertain. https://learn.microsoft.com/azure/azure-functions/flex-consumption-site-updates
      #disable-next-line BCP037 // The compiler's types do not know this property yet.
      siteUpdateStrategy: { type: updateStrategy }
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: site
  name: 'appsettings'
  properties: union(settings, platformSettings) // The later wins: nobody takes the app's identity away.
}

// Deployment by Entra ID alone: no publishing passwords.
resource ftpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: site
  name: 'ftp'
  properties: { allow: false }
}

resource scmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: site
  name: 'scm'
  properties: { allow: false }
}

// Metrics alone: AppServiceHTTPLogs would write down the queries, in which link tickets and codes travel, and
// FunctionAppLogs would pay a second time for what Application Insights has.
resource metrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'metrics'
  scope: site
  properties: {
    workspaceId: logs.id
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

@description('Host name as Azure gives it.')
output hostName string = site.properties.defaultHostName

@description('Value of the DNS record that proves a custom domain.')
output domainVerificationId string = site.properties.customDomainVerificationId
