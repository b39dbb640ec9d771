// Event Grid tells the app of every blob in the drop container. Deployed after the code, by
// postdeploy.sh: the app has to answer Event Grid's handshake, and its key for the blob webhook
// does not exist before the host has seen a blob trigger.
// In a private network they are put on a queue instead, with the topic's identity; then no key is asked for.
// Deployed into the topic's group, which is not always the app's. Rule: that key is read in Azure, at deployment; it passes through no shell, file or log.

@description('Name of the function app, its group and its subscription.')
param appName string
param appGroup string = resourceGroup().name
param appSubscription string = az.subscription().subscriptionId

@description('Name of the function with the blob trigger. Empty where events go to a queue.')
param functionName string

@description('Queue of the storage account that events are put on. Empty where they are posted to the app.')
param eventQueue string = ''

@description('Name of the account\'s system topic.')
param topicName string

@description('Id of the storage account, for what cannot be delivered.')
param storageId string

param dropContainer string
param undeliveredContainer string

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  scope: resourceGroup(appSubscription, appGroup)
  name: appName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

var key = listKeys('${app.id}/host/default', '2025-03-01').systemKeys.blobs_extension

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'dropped-files'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    destination: empty(eventQueue)
      ? {
          endpointType: 'WebHook'
          properties: {
            endpointUrl: 'https://${app.properties.defaultHostName}/runtime/webhooks/blobs?functionName=Host.Functions.${functionName}&code=${key}'
          }
        }
      : null
    deliveryWithResourceIdentity: empty(eventQueue)
      ? null
      : {
          identity: { type: 'SystemAssigned' }
          destination: {
            endpointType: 'StorageQueue'
            properties: { resourceId: storageId, queueName: eventQueue }
          }
        }
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      // With the slash: without it, containers whose names only begin alike would match too.
      subjectBeginsWith: '/blobServices/default/containers/${dropContainer}/'
    }
    // The most that Event Grid offers: thirty tries in a day.
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
    deadLetterWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: { resourceId: storageId, blobContainerName: undeliveredContainer }
      }
    }
  }
}
