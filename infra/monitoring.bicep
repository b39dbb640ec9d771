// The workspace that the rows land in, and the app's own telemetry in the same workspace.
// Rule: neither takes a key; both take Microsoft Entra tokens only.

param workspaceName string
param applicationInsightsName string
param location string
param tags object

@minValue(4)
@maxValue(730)
param retentionDays int

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    features: { disableLocalAuth: true }
  }
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' = {
  name: applicationInsightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

output workspaceId string = workspace.id
@description('An address, not a secret: with DisableLocalAuth the instrumentation key in it opens nothing.')
output connectionString string = applicationInsights.properties.ConnectionString
