// Production: spread over zones, storage and vault behind private endpoints, one instance kept warm for people who link.
// Values of one's own environment come from variables; .github/workflows/deploy.yml supplies them.
using './main.bicep'

param publicBaseUrl = readEnvironmentVariable('PUBLIC_BASE_URL')
param linkReturnUrls = json(readEnvironmentVariable('LINK_RETURN_URLS'))
param serviceProviderClientId = readEnvironmentVariable('SERVICE_PROVIDER_CLIENT_ID')
param serviceProviderCredential = 'federated'

param adminGroupId = readEnvironmentVariable('ADMIN_GROUP_ID')
param alertEmails = filter(split(readEnvironmentVariable('ALERT_EMAILS'), ','), address => !empty(address))
param producerPrincipalIds = filter(split(readEnvironmentVariable('PRODUCER_PRINCIPAL_IDS', ''), ','), id => !empty(id))
param uploaderPrincipalIds = filter(split(readEnvironmentVariable('UPLOADER_PRINCIPAL_IDS', ''), ','), id => !empty(id))
param runbookUrl = readEnvironmentVariable('RUNBOOK_URL', 'docs/runbook.md')

param network = 'private'
param adminIpRanges = filter(split(readEnvironmentVariable('ADMIN_IP_RANGES', ''), ','), range => !empty(range))

param dataStorageSku = 'Standard_ZRS'
param hostStorageSku = 'Standard_ZRS'
param zoneRedundant = true
param alwaysReadyHttp = 2
param maximumInstanceCount = 100
param blobRestoreDays = 14
param secretRestoreDays = 90
param logRetentionDays = 180

param tags = { service: 'outlook-sender', environment: 'production' }
