metadata name = 'Outlook sender'
metadata description = 'Everything the service needs in one resource group.'

targetScope = 'resourceGroup'

@description('Optional. Region of every resource; the resource group\'s own by default.')
param location string = resourceGroup().location

@description('Optional. Tags put on every resource.')
param tags { *: string } = {}

@description('Optional. Redundancy of the data storage account; zone-redundant by default.')
param dataStorageSku 'Standard_LRS' | 'Standard_ZRS' | 'Standard_GRS' | 'Standard_GZRS' = 'Standard_ZRS'

@description('Optional. Days for which a deleted blob or container can still be restored. Deleted mail content stays readable for as long.')
@minValue(1)
@maxValue(365)
param blobRestoreDays int = 7

var token = uniqueString(resourceGroup().id)

module dataStorage 'modules/data-storage.bicep' = {
  params: {
    name: 'stdata${token}'
    location: location
    tags: tags
    skuName: dataStorageSku
    blobRestoreDays: blobRestoreDays
  }
}

@description('Name of the data storage account.')
output dataStorageName string = dataStorage.outputs.name

@description('Blob endpoint of the data storage account: producers upload mail content here.')
output dataBlobEndpoint string = dataStorage.outputs.blobEndpoint

@description('Queue endpoint of the data storage account: producers put mail here and read events here.')
output dataQueueEndpoint string = dataStorage.outputs.queueEndpoint

@description('Table endpoint of the data storage account.')
output dataTableEndpoint string = dataStorage.outputs.tableEndpoint
