// Azure Monitor through a private endpoint: a data collection endpoint, which a rule's own address cannot
// replace there, and the private link scope that lets the network reach it, the workspace and the telemetry.
// Rule: rows come in privately and nowhere else (PrivateOnly); queries stay open, for people at their desks.

param suffix string
param location string

@description('Region of the workspace, which the data collection endpoint has to be in.')
param workspaceLocation string
param tags object
param workspaceId string
param applicationInsightsId string
param subnetId string
param zoneIds array

resource collection 'Microsoft.Insights/dataCollectionEndpoints@2024-03-11' = {
  name: 'dce-${suffix}'
  location: workspaceLocation
  tags: tags
  properties: { networkAcls: { publicNetworkAccess: 'Disabled' } }
}

resource scope 'Microsoft.Insights/privateLinkScopes@2021-09-01' = {
  name: 'ampls-${suffix}'
  location: 'global'
  tags: tags
  properties: { accessModeSettings: { ingestionAccessMode: 'PrivateOnly', queryAccessMode: 'Open' } }
}

// One after another: the scope takes one change at a time.
resource workspaceLink 'Microsoft.Insights/privateLinkScopes/scopedResources@2021-09-01' = {
  parent: scope
  name: 'workspace'
  properties: { linkedResourceId: workspaceId }
}

resource telemetryLink 'Microsoft.Insights/privateLinkScopes/scopedResources@2021-09-01' = {
  parent: scope
  name: 'telemetry'
  properties: { linkedResourceId: applicationInsightsId }
  dependsOn: [workspaceLink]
}

resource collectionLink 'Microsoft.Insights/privateLinkScopes/scopedResources@2021-09-01' = {
  parent: scope
  name: 'collection'
  properties: { linkedResourceId: collection.id }
  dependsOn: [telemetryLink]
}

// After what is in it: the endpoint takes its names from there.
resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {
  name: 'pe-monitor-${suffix}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      { name: 'monitor', properties: { privateLinkServiceId: scope.id, groupIds: ['azuremonitor'] } }
    ]
  }
  dependsOn: [collectionLink]

  resource names 'privateDnsZoneGroups' = {
    name: 'default'
    properties: {
      privateDnsZoneConfigs: map(zoneIds, id => {
        name: replace(last(split(id, '/')), '.', '-')
        properties: { privateDnsZoneId: id }
      })
    }
  }
}

output endpointId string = collection.id
output endpoint string = collection.properties.logsIngestion.endpoint
