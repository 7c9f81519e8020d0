// A small environment: one region, one zone, cheap.
using './main.bicep'

param dataStorageSku = 'Standard_LRS'
param tags = {
  service: 'outlook-sender'
}
