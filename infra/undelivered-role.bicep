// Lets Event Grid's own identity write what it could not deliver: into that one container.

param topicId string
param principalId string
param storageName string
param container string

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource undelivered 'containers' existing = {
      name: container
    }
  }
}

// Storage Blob Data Contributor: writing a blob is all it does, but no smaller built-in role has it.
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage::blobs::undelivered
  name: guid(storage::blobs::undelivered.id, topicId, blobDataContributor)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}
