// What the app's identity may do beside the storage (storage-roles.bicep): each role is the least that works, on the smallest scope that works.
// Rule: names come from the app's id, which is known beforehand, so that what-if shows every role.
// An app that is deleted and made anew has a new principal, and Azure does not move an assignment
// (RoleAssignmentUpdateNotPermitted): delete the old assignments first, shown as "identity not found".

param appName string
param principalId string
param applicationInsightsName string
param ruleNames array

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource rule 'Microsoft.Insights/dataCollectionRules@2024-03-11' existing = [
  for name in ruleNames: {
    name: name
  }
]

// On each rule: send rows. On the component: send telemetry with a token, there being no key.
var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

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
