// For tests alone: the second deployment with an own host name, and with names of one's own.
using '../../../infra/main.bicep'

param publicBaseUrl = 'https://mail.example.com'
param linkReturnUrls = { settings: 'https://app.example.com/outlook/return' }
param serviceProviderClientId = '11111111-1111-4111-8111-111111111111'
param nameToken = 'MailTrial2'
param customDomain = { hostName: 'mail.example.com', certificate: 'managed' }
param runbookUrl = 'https://docs.example.com/runbook.md'
param tags = { service: 'outlook-sender' }
