// The workspace that the rows land in, and the app's own telemetry in the same workspace.
// Rule: neither takes a key; both take Microsoft Entra tokens only.

param workspaceName string

@description('Resource id of the workspace, where it is there already. Nothing of it is changed.')
param givenWorkspaceId string
param applicationInsightsName string
param location string
param tags object

@minValue(30)
@maxValue(730)
param retentionDays int

@description('Whether rows and telemetry come through the private link only.')
param private bool

var ingestion = private ? 'Disabled' : 'Enabled'

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = if (empty(givenWorkspaceId)) {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    features: { disableLocalAuth: true }
    publicNetworkAccessForIngestion: ingestion
  }
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' = {
  name: applicationInsightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: empty(givenWorkspaceId) ? workspace.id : givenWorkspaceId
    DisableLocalAuth: true
    publicNetworkAccessForIngestion: ingestion
  }
}

output workspaceId string = empty(givenWorkspaceId) ? workspace.id : givenWorkspaceId
@description('What queries name the workspace by; empty where it is there already.')
output customerId string = empty(givenWorkspaceId) ? workspace!.properties.customerId : ''
output applicationInsightsId string = applicationInsights.id
@description('An address, not a secret: with DisableLocalAuth the instrumentation key in it opens nothing.')
output connectionString string = applicationInsights.properties.ConnectionString
