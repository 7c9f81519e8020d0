// Production: spread over zones, storage and vault behind private endpoints, two instances kept warm for people who link.
// Values of one's own environment come from variables; .github/workflows/deploy.yml supplies them. Empty ones count as not
// given.
using './main.bicep'

import { listOf, textOf } from 'modules/variables.bicep'

param publicBaseUrl = trim(readEnvironmentVariable('PUBLIC_BASE_URL'))
param linkReturnUrls = json(readEnvironmentVariable('LINK_RETURN_URLS'))
param serviceProviderClientId = trim(readEnvironmentVariable('SERVICE_PROVIDER_CLIENT_ID'))
param serviceProviderCredential = 'federated'

param adminGroupId = textOf(readEnvironmentVariable('ADMIN_GROUP_ID', ''))
param alertEmails = listOf(readEnvironmentVariable('ALERT_EMAILS', ''))
param producerPrincipalIds = listOf(readEnvironmentVariable('PRODUCER_PRINCIPAL_IDS', ''))
param uploaderPrincipalIds = listOf(readEnvironmentVariable('UPLOADER_PRINCIPAL_IDS', ''))
param eventReaderPrincipalIds = listOf(readEnvironmentVariable('EVENT_READER_PRINCIPAL_IDS', ''))
param adminIpRanges = listOf(readEnvironmentVariable('ADMIN_IP_RANGES', '')) // For a private network alone.
param runbookUrl = textOf(readEnvironmentVariable('RUNBOOK_URL', '')) ?? 'docs/runbook.md'

param network = 'private'

param dataStorageSku = 'Standard_ZRS'
param hostStorageSku = 'Standard_ZRS'
param zoneRedundant = true
param alwaysReadyHttp = 2
param maximumInstanceCount = 100
param blobRestoreDays = 14
param secretRestoreDays = 90
param logRetentionDays = 180

param tags = { service: 'outlook-sender', environment: 'production' }
