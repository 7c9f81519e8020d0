// For tests alone: the first deployment with an own host name and other choices that small does not make, in a private
// network that lets some addresses in.
using '../../../infra/main.bicep'

param publicBaseUrl = 'https://mail.example.com'
param linkReturnUrls = { settings: 'https://app.example.com/outlook/return' }
param serviceProviderClientId = '11111111-1111-4111-8111-111111111111'
param network = 'private'
param natGatewayZone = '2'
param deleteLocks = true
param deployIpRanges = ['192.0.2.0/24']
param adminIpRanges = ['198.51.100.0/24', '203.0.113.7']
param customDomain = { hostName: 'mail.example.com', certificate: 'none' }
param runbookUrl = 'https://docs.example.com/runbook.md'
param tags = { service: 'outlook-sender' }
