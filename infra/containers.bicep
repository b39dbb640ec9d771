// What is dropped, what is still to do, what is done, what could not be: in an account that is there.
// Rule: the account's own properties and those of its services are not touched.

param storageName string
param containers array
param queues array

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName

  resource blobs 'blobServices' existing = {
    name: 'default'
  }

  resource queueService 'queueServices' existing = {
    name: 'default'
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [
  for c in containers: {
    parent: account::blobs
    name: c
    properties: { publicAccess: 'None' }
  }
]

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = [
  for q in queues: {
    parent: account::queueService
    name: q
  }
]

output storageId string = account.id
