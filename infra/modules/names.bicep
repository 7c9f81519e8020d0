metadata name = 'Names'
metadata description = 'Names of all resources, made from one token.'

@export()
@description('Names of the resources of one deployment.')
type resourceNames = {
  identity: string
  plan: string
  site: string
  vault: string
  hostStorage: string
  dataStorage: string
  logs: string
  insights: string
  actionGroup: string
  network: string
}

@export()
@description('The names that end with a token of 5 to 13 characters, as short as storage accounts and vaults need them.')
func namesFor(token string) resourceNames => {
  identity: 'id-outlook-sender-${token}'
  plan: 'plan-outlook-sender-${token}'
  site: 'func-outlook-sender-${token}'
  vault: 'kv-${token}'
  hostStorage: 'sthost${token}'
  dataStorage: 'stdata${token}'
  logs: 'log-outlook-sender-${token}'
  insights: 'appi-outlook-sender-${token}'
  actionGroup: 'ag-outlook-sender-${token}'
  network: 'vnet-outlook-sender-${token}'
}
