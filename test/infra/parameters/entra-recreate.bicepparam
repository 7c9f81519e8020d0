// For tests alone: the API takes tokens of Entra ID, RoboMQ's application has a secret, and updates end what is running.
using '../../../infra/main.bicep'

param publicBaseUrl = 'https://mail.example.com'
param linkReturnUrls = { settings: 'https://app.example.com/outlook/return' }
param serviceProviderClientId = '11111111-1111-4111-8111-111111111111'
param serviceProviderCredential = 'secret'
param serviceProviderSecretName = 'service-provider-client-secret'
param apiAuth = 'entra'
param apiEntraTenant = '22222222-2222-4222-8222-222222222222'
param apiEntraAudience = 'a91a91a9-0000-4000-8000-000000000001'
// The last three try to take what is the app's away.
param moreSettings = { MAIL_PER_MINUTE: '20', AZURE_CLIENT_ID: 'x', MailStorage: 'x', PUBLIC_BASE_URL: 'x' }
param nodeVersion = '22'
param updateStrategy = 'Recreate'
param runbookUrl = 'https://docs.example.com/runbook.md'
param tags = { service: 'outlook-sender' }
