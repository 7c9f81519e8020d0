metadata name = 'Outlook sender'
metadata description = 'Everything the service needs in one resource group. No secret goes in or comes out: the app proves itself with its managed identity everywhere.'

targetScope = 'resourceGroup'

@description('ID of something in Entra.')
@minLength(36)
@maxLength(36)
type entraId = string

import { namesFor } from 'modules/names.bicep'
import { adminRoles, appRoles, eventReaderRoles, producerRoles, uploaderRoles } from 'role-assignments.bicep'

// ---- Where and how much ----

@description('Optional. Region of every resource; the resource group\'s own by default.')
param location string = resourceGroup().location

@description('Optional. Tags put on every resource.')
param tags { *: string } = {}

@description('Optional. Ends every name; made from the resource group by default. A word of letters and digits that tells deployments apart, such as mailtrial2: Azure wants most of these names to be unique in all of it. Change it where a deleted, purge-protected vault still holds the name.')
@minLength(5)
@maxLength(13)
param nameToken string = uniqueString(resourceGroup().id)

@description('Optional. Redundancy of the storage account that holds mail; zone-redundant by default.')
param dataStorageSku 'Standard_LRS' | 'Standard_ZRS' | 'Standard_GRS' | 'Standard_GZRS' = 'Standard_ZRS'

@description('Optional. Redundancy of the storage account that holds the code and the host\'s own state.')
param hostStorageSku 'Standard_LRS' | 'Standard_ZRS' = 'Standard_ZRS'

@description('Optional. Whether instances are spread over the region\'s zones.')
param zoneRedundant bool = false

@description('Optional. Days for which a deleted blob or container can still be restored. Deleted mail content stays readable for as long.')
@minValue(1)
@maxValue(365)
param blobRestoreDays int = 7

@description('Optional. Days for which a deleted secret can still be restored, refresh tokens of unlinked mailboxes among them. The vault keeps its first value for ever.')
@minValue(7)
@maxValue(90)
param secretRestoreDays int = 90

@description('Optional. Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 90

@description('Optional. GB of logs a day, after which Azure takes no more until the next: a bug that logs in a loop shall not cost more than that. A GB is about half a million mails.')
@minValue(1)
@maxValue(1000)
param logDailyCapGb int = 10

@description('Optional. Whether the vault and the storage account that holds mail are locked against deletion. Whoever deploys it needs the right to write locks, which Owner and User Access Administrator have.')
param deleteLocks bool = false

// ---- The function app ----

@description('Optional. Major version of Node.js.')
param nodeVersion '22' | '24' = '24'

@description('Optional. How instances change over to new code. Recreate ends what is running: mail being sent at that moment becomes uncertain.')
param updateStrategy 'Recreate' | 'RollingUpdate' = 'RollingUpdate'

@description('Optional. Memory of an instance in MB.')
param instanceMemoryMB 512 | 2048 | 4096 = 2048

@description('Optional. Instances at most, for all functions together.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 100

@description('Optional. Instances kept warm for the HTTP functions, so that nobody who links a mailbox waits for a cold start.')
@minValue(0)
@maxValue(20)
param alwaysReadyHttp int = 0

// ---- The product's settings: docs/configuration.md ----

@description('Required. Address under which browsers reach /api of this app, without /api and without a slash at the end. The redirect URI is made from it.')
@minLength(9)
param publicBaseUrl string

@description('Required. Where a browser may go after linking: names and https addresses.')
param linkReturnUrls { *: string }

@description('Required. Client ID of RoboMQ\'s app registration; infra/register-application.sh prints it.')
param serviceProviderClientId entraId

@description('Optional. How that application proves itself: through the managed identity of this app, or with a secret in the vault.')
param serviceProviderCredential 'federated' | 'secret' = 'federated'

@description('Optional. Name of the vault\'s secret that holds the client secret; required with the credential secret.')
param serviceProviderSecretName string?

@description('Optional. Who may sign in where no tenant is known: work and school accounts, or personal ones too.')
param serviceProviderAudience 'common' | 'organizations' = 'organizations'

@description('Optional. Microsoft cloud in which mailboxes live.')
param microsoftCloud 'china' | 'global' | 'usGovernment' = 'global'

@description('Optional. How callers of the API prove themselves: with a function key, or with a token of Entra ID.')
param apiAuth 'entra' | 'function' = 'function'

@description('Optional. Tenant whose tokens the API accepts; required with entra.')
param apiEntraTenant entraId?

@description('Optional. Audience of those tokens, the client ID of the API\'s own app registration; required with entra.')
param apiEntraAudience entraId?

@description('Optional. Further settings of docs/configuration.md that shall not have their default. Never a secret. What other parameters set, and what makes the app its identity, stays as it is.')
param moreSettings { *: string } = {}

// ---- Who may do what ----

@description('Optional. Object IDs of the identities that put mail on the queue outlook-mail. Each of them can send as every connection.')
param producerPrincipalIds entraId[] = []

@description('Optional. Object IDs of the identities that upload content to the container mail-drop. They can also read and delete what others uploaded.')
param uploaderPrincipalIds entraId[] = []

@description('Optional. Object IDs of the identities that fetch events from the queue outlook-events.')
param eventReaderPrincipalIds entraId[] = []

@description('Optional. Object ID of the group of people who operate the service.')
param adminGroupId entraId?

@description('Optional. Addresses that get alerts.')
param alertEmails string[] = []

@description('Optional. Address of docs/runbook.md as admins read it; every alert links to its paragraph.')
param runbookUrl string = 'docs/runbook.md'

// ---- Network ----

@description('Optional. public: storage and vault answer on the internet, to Entra identities alone. private: through private endpoints.')
param network 'private' | 'public' = 'public'

@description('Optional. With a private network: IPv4 addresses or ranges (no /31 or /32) from which storage and vault answer all the same, for admins\' browsers and for producers outside.')
param adminIpRanges string[] = []

@description('Optional. With a private network: its address space, of 128 addresses at least (/25). 64 are for the functions, 32 for the private endpoints.')
param networkAddressPrefix string = '10.80.0.0/25'

@description('Optional. With a private network: zone of the NAT gateway, which lives in one zone. Without it Azure chooses one.')
param natGatewayZone '1' | '2' | '3'?

@description('Optional. IPv4 ranges from which the app may be deployed and its console reached; from everywhere by default, by Entra identities with a role. Runners of GitHub have no fixed addresses.')
param deployIpRanges string[] = []

@description('Optional. Own host name. First deploy it with the certificate none, then with managed; see docs/deploy.md.')
param customDomain { hostName: string, certificate: 'managed' | 'none' }?

var names = namesFor(toLower(nameToken))
var isPrivate = network == 'private'

// A connection string or another identity among them would win over what is set here.
var settingsOfChoice = toObject(
  filter(
    items(moreSettings),
    setting => !contains(map(ownedPrefixes, prefix => startsWith(toLower(setting.key), prefix)), true)
  ),
  setting => setting.key,
  setting => setting.value
)
var ownedPrefixes = ['applicationinsights_', 'azure_', 'azurewebjobsstorage', 'mailstorage']

// ---- Resources ----

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: names.identity
  location: location
  tags: tags
}

module dataStorage 'modules/data-storage.bicep' = {
  params: {
    name: names.dataStorage
    location: location
    tags: tags
    skuName: dataStorageSku
    blobRestoreDays: blobRestoreDays
    deleteLock: deleteLocks
    isPrivate: isPrivate
    adminIpRanges: adminIpRanges
  }
}

module hostStorage 'modules/host-storage.bicep' = {
  params: {
    name: names.hostStorage
    location: location
    tags: tags
    skuName: hostStorageSku
    isPrivate: isPrivate
    adminIpRanges: adminIpRanges
  }
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    logsName: names.logs
    insightsName: names.insights
    actionGroupName: names.actionGroup
    location: location
    tags: tags
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
    alertEmails: alertEmails
  }
}

module vault 'modules/key-vault.bicep' = {
  params: {
    name: names.vault
    location: location
    tags: tags
    secretRestoreDays: secretRestoreDays
    deleteLock: deleteLocks
    isPrivate: isPrivate
    adminIpRanges: adminIpRanges
    logsName: names.logs
  }
  dependsOn: [monitoring]
}

module privateNetwork 'modules/network.bicep' = if (isPrivate) {
  params: {
    name: names.network
    location: location
    tags: tags
    addressPrefix: networkAddressPrefix
    natGatewayZone: natGatewayZone
    targetIds: { dataStorage: dataStorage.outputs.id, hostStorage: hostStorage.outputs.id, vault: vault.outputs.id }
  }
}

module functionApp 'modules/function-app.bicep' = {
  params: {
    name: names.site
    planName: names.plan
    location: location
    tags: tags
    identityName: identity.name
    hostStorageName: names.hostStorage
    packageContainer: hostStorage.outputs.packageContainer
    insightsName: names.insights
    logsName: names.logs
    nodeVersion: nodeVersion
    updateStrategy: updateStrategy
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyHttp: alwaysReadyHttp
    zoneRedundant: zoneRedundant
    subnetId: privateNetwork.?outputs.functionsSubnetId
    deployIpRanges: deployIpRanges
    settings: union(
      settingsOfChoice,
      {
        PUBLIC_BASE_URL: publicBaseUrl
        LINK_RETURN_URLS: string(linkReturnUrls)
        KEY_VAULT_URL: 'https://${names.vault}${environment().suffixes.keyvaultDns}'
        SERVICE_PROVIDER_CLIENT_ID: serviceProviderClientId
        SERVICE_PROVIDER_CREDENTIAL: serviceProviderCredential
        SERVICE_PROVIDER_AUDIENCE: serviceProviderAudience
        MICROSOFT_CLOUD: microsoftCloud
        MailStorage__queueServiceUri: 'https://${names.dataStorage}.queue.${environment().suffixes.storage}'
        MailStorage__tableServiceUri: 'https://${names.dataStorage}.table.${environment().suffixes.storage}'
        MailStorage__blobServiceUri: 'https://${names.dataStorage}.blob.${environment().suffixes.storage}'
      },
      serviceProviderSecretName == null ? {} : { SERVICE_PROVIDER_SECRET_NAME: serviceProviderSecretName! },
      apiAuth == 'function' ? {} : { API_AUTH: apiAuth },
      apiEntraTenant == null ? {} : { API_ENTRA_TENANT: apiEntraTenant! },
      apiEntraAudience == null ? {} : { API_ENTRA_AUDIENCE: apiEntraAudience! }
    )
  }
  // Its first start finds what it may do.
  dependsOn: [roles, monitoring]
}

module domain 'modules/custom-domain.bicep' = if (customDomain != null) {
  params: {
    siteName: names.site
    planName: names.plan
    location: location
    tags: tags
    hostName: customDomain!.hostName
    certificate: customDomain!.certificate
  }
  dependsOn: [functionApp]
}

module roles 'modules/role-assignments.bicep' = {
  params: {
    #disable-next-line what-if-short-circuiting // By resource ID, a re-created identity would find assignments that Azure refuses to change.
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    assignments: appRoles
    names: names
  }
  dependsOn: [dataStorage, hostStorage, vault, monitoring]
}

module producers 'modules/role-assignments.bicep' = [
  for id in producerPrincipalIds: {
    params: { principalId: id, principalType: 'ServicePrincipal', assignments: producerRoles, names: names }
    dependsOn: [dataStorage]
  }
]

module uploaders 'modules/role-assignments.bicep' = [
  for id in uploaderPrincipalIds: {
    params: { principalId: id, principalType: 'ServicePrincipal', assignments: uploaderRoles, names: names }
    dependsOn: [dataStorage]
  }
]

module eventReaders 'modules/role-assignments.bicep' = [
  for id in eventReaderPrincipalIds: {
    params: { principalId: id, principalType: 'ServicePrincipal', assignments: eventReaderRoles, names: names }
    dependsOn: [dataStorage]
  }
]

module admins 'modules/role-assignments.bicep' = if (adminGroupId != null) {
  params: { principalId: adminGroupId!, principalType: 'Group', assignments: adminRoles, names: names }
  dependsOn: [dataStorage, vault, monitoring, functionApp]
}

module workbook 'modules/workbook.bicep' = {
  params: {
    insightsName: names.insights
    location: location
    tags: tags
  }
  dependsOn: [monitoring]
}

module alerts 'modules/alerts.bicep' = {
  params: {
    location: location
    tags: tags
    names: names
    runbookUrl: runbookUrl
  }
  dependsOn: [monitoring, vault, dataStorage]
}

// ---- Outputs ----

@description('Name of the function app.')
output functionAppName string = names.site

@description('Redirect URI to register with Microsoft, platform Web: infra/register-application.sh does it.')
output redirectUri string = '${publicBaseUrl}/api/auth/callback/Outlook'

@description('Object ID of the managed identity: the subject of the federated credential of RoboMQ\'s app registration.')
output identityPrincipalId string = identity.properties.principalId

@description('Host name of the function app as Azure gives it.')
output functionAppHostName string = functionApp.outputs.hostName

@description('Value of the DNS record asuid.{host name}, which proves that a custom domain is yours.')
output domainVerificationId string = functionApp.outputs.domainVerificationId

@description('Name of the data storage account.')
output dataStorageName string = dataStorage.outputs.name

@description('Blob endpoint of the data storage account: producers upload mail content here.')
output dataBlobEndpoint string = dataStorage.outputs.blobEndpoint

@description('Queue endpoint of the data storage account: producers put mail here and read events here.')
output dataQueueEndpoint string = dataStorage.outputs.queueEndpoint

@description('Table endpoint of the data storage account.')
output dataTableEndpoint string = dataStorage.outputs.tableEndpoint
