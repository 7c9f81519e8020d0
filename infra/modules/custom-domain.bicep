metadata name = 'Custom domain'
metadata description = 'An own host name. Azure makes the certificate only for a name that is bound already, hence two deployments: the first binds, the second adds the certificate.'

@description('Required. Name of the function app.')
param siteName string

@description('Required. Name of its plan.')
param planName string

@description('Required. Region of the certificate.')
param location string

@description('Required. Tags of the certificate.')
param tags { *: string }

@description('Required. The host name. DNS has a CNAME from it to the app, and the TXT record asuid.')
param hostName string

@description('Required. none in the first deployment, managed from the second on.')
param certificate 'managed' | 'none'

resource site 'Microsoft.Web/sites@2025-03-01' existing = { name: siteName }
resource plan 'Microsoft.Web/serverfarms@2025-03-01' existing = { name: planName }

resource managed 'Microsoft.Web/certificates@2025-03-01' = if (certificate == 'managed') {
  name: 'cert-${hostName}'
  location: location
  tags: tags
  properties: { canonicalName: hostName, serverFarmId: plan.id }
}

resource binding 'Microsoft.Web/sites/hostNameBindings@2025-03-01' = {
  parent: site
  name: hostName
  properties: {
    customHostNameDnsRecordType: 'CName'
    hostNameType: 'Verified'
    sslState: certificate == 'managed' ? 'SniEnabled' : 'Disabled'
    thumbprint: certificate == 'managed' ? managed!.properties.thumbprint : null
  }
}

@description('The host name.')
output hostName string = binding.name
