// What the app's identity may do: each role is the least that works, on the smallest scope that works.
// Rule: names come from the app's id, which is known beforehand, so that what-if shows every role.
// An app that is deleted and made anew has a new principal, and Azure does not move an assignment
// (RoleAssignmentUpdateNotPermitted): delete the old assignments first, shown as "identity not found".

param appName string
param principalId string
param storageName string
param applicationInsightsName string
param ruleNames array

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName
}

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource rule 'Microsoft.Insights/dataCollectionRules@2024-03-11' existing = [
  for name in ruleNames: {
    name: name
  }
]

// On the account: the host makes and leases containers of its own (azure-webjobs-hosts and others),
// which Contributor does not cover in full; the blob trigger asks for Owner too.
var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
// On the account: the host makes the blob trigger's queue and the poison queues, whose names
// cannot all be known beforehand; the app also puts its own work on a queue.
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
// On the account: the host's diagnostic events are a table that it makes.
var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
// On each rule: send rows. On the component: send telemetry with a token, there being no key.
var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource storageRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in [blobDataOwner, queueDataContributor, tableDataContributor]: {
    scope: storage
    name: guid(storage.id, app.id, role)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]

resource rowsRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (name, k) in ruleNames: {
    scope: rule[k]
    name: guid(rule[k].id, app.id, monitoringMetricsPublisher)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
    }
  }
]

resource telemetryRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: applicationInsights
  name: guid(applicationInsights.id, app.id, monitoringMetricsPublisher)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
  }
}
