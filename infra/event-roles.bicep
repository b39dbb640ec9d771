// Lets Event Grid's own identity write what it could not deliver, into that one container; and put events
// on one queue, where that is how the app hears of them.

param topicSubscription string
param topicGroup string
param topicName string
param storageName string
param undeliveredContainer string

@description('Queue that events go to. Empty where Event Grid posts them to the app.')
param eventQueue string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  scope: resourceGroup(topicSubscription, topicGroup)
  name: topicName
}

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource undelivered 'containers' existing = {
      name: undeliveredContainer
    }
  }

  resource queueService 'queueServices' existing = {
    name: 'default'

    resource events 'queues' existing = {
      name: empty(eventQueue) ? 'none' : eventQueue
    }
  }
}

// Storage Blob Data Contributor: writing a blob is all it does, but no smaller built-in role has it.
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
// Storage Queue Data Message Sender: adding messages, and nothing else.
var queueMessageSender = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'

resource undeliveredRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage::blobs::undelivered
  name: guid(storage::blobs::undelivered.id, topic.id, blobDataContributor)
  properties: {
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}

resource queueRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(eventQueue)) {
  scope: storage::queueService::events
  name: guid(storage::queueService::events.id, topic.id, queueMessageSender)
  properties: {
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueMessageSender)
  }
}
