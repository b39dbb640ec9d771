// The network of an app that is reached by nobody: a subnet for the app, one for private endpoints, and
// the names by which the app finds them. The storage's endpoints are here, Azure Monitor's in monitor-link.bicep.
// Rule: the app's subnet is delegated as Flex Consumption demands (Microsoft.App/environments, no underscore
// in its name, /27 or larger). Invariant: every service that the app calls has a name in this network.

param suffix string
param location string
param tags object
param addressPrefix string

@description('Resource id of the storage account.')
param storageId string

@description('As environment() has it: {name, suffixes: {storage}}.')
param cloud object

var storageServices = ['blob', 'queue', 'table']
// Domains of Azure Monitor by cloud. Its private link also answers for the blobs that agents fetch their
// packages from, under the storage's own zone.
var monitorDomains = {
  AzureCloud: ['monitor.azure.com', 'oms.opinsights.azure.com', 'ods.opinsights.azure.com', 'agentsvc.azure-automation.net']
  AzureUSGovernment: ['monitor.azure.us', 'oms.opinsights.azure.us', 'ods.opinsights.azure.us', 'agentsvc.azure-automation.us']
  AzureChinaCloud: ['monitor.azure.cn', 'oms.opinsights.azure.cn', 'ods.opinsights.azure.cn', 'agentsvc.azure-automation.cn']
}
var zoneNames = concat(
  map(storageServices, s => 'privatelink.${s}.${cloud.suffixes.storage}'),
  map(monitorDomains[cloud.name], d => 'privatelink.${d}')
)

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: 'vnet-${suffix}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 0)
          delegations: [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 1)
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }

  resource appSubnet 'subnets' existing = {
    name: 'app'
  }

  resource endpointSubnet 'subnets' existing = {
    name: 'endpoints'
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for name in zoneNames: {
    name: name
    location: 'global'
    tags: tags
  }
]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (name, k) in zoneNames: {
    parent: zone[k]
    name: 'vnet-${suffix}'
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: network.id } }
  }
]

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for service in storageServices: {
    name: 'pe-${service}-${suffix}'
    location: location
    tags: tags
    properties: {
      subnet: { id: network::endpointSubnet.id }
      privateLinkServiceConnections: [
        { name: service, properties: { privateLinkServiceId: storageId, groupIds: [service] } }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (service, k) in storageServices: {
    parent: endpoint[k]
    name: 'default'
    properties: { privateDnsZoneConfigs: [{ name: service, properties: { privateDnsZoneId: zone[k].id } }] }
  }
]

output appSubnetId string = network::appSubnet.id
output endpointSubnetId string = network::endpointSubnet.id
@description('Zones that Azure Monitor\'s private endpoint writes its names to, the storage\'s for blobs first.')
output monitorZoneIds array = [
  for k in range(0, length(zoneNames) - 2): zone[k == 0 ? 0 : k + 2].id
]
