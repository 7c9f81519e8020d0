// A small environment, for trying things out: one zone, public endpoints that take Entra identities alone, no instance
// kept warm. `azd up` uses it, and supplies the variables from `azd env set`.
using './main.bicep'

param publicBaseUrl = readEnvironmentVariable('PUBLIC_BASE_URL')
param linkReturnUrls = json(readEnvironmentVariable('LINK_RETURN_URLS'))
param serviceProviderClientId = readEnvironmentVariable('SERVICE_PROVIDER_CLIENT_ID')
param serviceProviderCredential = 'federated'

var admins = readEnvironmentVariable('ADMIN_GROUP_ID', '')
param adminGroupId = empty(admins) ? null : admins
param alertEmails = filter(split(readEnvironmentVariable('ALERT_EMAILS', ''), ','), address => !empty(address))
param producerPrincipalIds = filter(split(readEnvironmentVariable('PRODUCER_PRINCIPAL_IDS', ''), ','), id => !empty(id))
param runbookUrl = readEnvironmentVariable('RUNBOOK_URL', 'docs/runbook.md')

param dataStorageSku = 'Standard_LRS'
param hostStorageSku = 'Standard_LRS'
param secretRestoreDays = 7
param logRetentionDays = 30
param maximumInstanceCount = 40

param tags = { service: 'outlook-sender' }
