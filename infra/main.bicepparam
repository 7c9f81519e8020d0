// A small environment, for trying things out: one zone, public endpoints that take Entra identities alone, no instance
// kept warm. `azd up` uses it, and supplies the variables from `azd env set`. Empty ones count as not given.
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

param dataStorageSku = 'Standard_LRS'
param hostStorageSku = 'Standard_LRS'
param secretRestoreDays = 7
param logRetentionDays = 30
param logDailyCapGb = 1
param maximumInstanceCount = 40

param tags = { service: 'outlook-sender' }
