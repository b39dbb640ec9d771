// The account's events, where it has no topic yet: Azure allows one to an account. The subscription comes
// after the code (subscription.bicep): Event Grid shakes hands with the app before it believes in the address.
// What it cannot deliver in a day it writes down with its own identity, in a container of its own:
// the sweep finds the files all the same, so these are there to be looked at, not to be replayed.

param topicName string
param location string
param tags object
param storageId string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: topicName
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    source: storageId
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}
