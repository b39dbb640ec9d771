// What the app's identity may do with the storage account; the account's group is not always the app's.
// Rule: as in roles.bicep, each role is the least that works, and names come from the app's id.

@description('Resource id of the app: the names of the assignments come from it.')
param appId string
param principalId string
param storageName string

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName
}

// On the account: the host makes and leases containers of its own (azure-webjobs-hosts and others),
// which Contributor does not cover in full; the blob trigger asks for Owner too.
var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
// On the account: the host makes the blob trigger's queue and the poison queues, whose names
// cannot all be known beforehand; the app also puts its own work on a queue.
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
// On the account: the host's diagnostic events are a table that it makes.
var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'

resource storageRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in [blobDataOwner, queueDataContributor, tableDataContributor]: {
    scope: storage
    name: guid(storage.id, appId, role)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]
