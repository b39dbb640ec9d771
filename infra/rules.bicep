// Data collection rules: the door that rows go through, one stream and one data flow each.
// Rule: kind Direct, so that a rule has its own ingestion endpoint. A rule holds ten streams at
// most (Azure's limit), so there are as many rules as it takes: stream k is in rule k / 10.
// A stream of a built-in table (Microsoft-...) is known to Azure; only Custom- streams are declared.

import { flows } from 'routes.bicep'

@description('Names get -0, -1, ... appended. Kept to 30 characters together.')
@maxLength(27)
param namePrefix string
param location string
param tags object
param workspaceId string
param routesFile object

var perRule = 10
var all = flows(routesFile)
var count = (length(all) + perRule - 1) / perRule
var grouped = [for k in range(0, count): take(skip(all, k * perRule), perRule)]

resource rule 'Microsoft.Insights/dataCollectionRules@2024-03-11' = [
  for k in range(0, count): {
    name: '${namePrefix}-${k}'
    location: location
    tags: tags
    kind: 'Direct'
    properties: {
      description: 'Streams ${k * perRule} to ${k * perRule + length(grouped[k]) - 1} of routes.yaml.'
      streamDeclarations: toObject(
        filter(grouped[k], f => startsWith(f.stream, 'Custom-')),
        f => f.stream,
        f => { columns: f.columns }
      )
      destinations: { logAnalytics: [{ name: 'workspace', workspaceResourceId: workspaceId }] }
      dataFlows: map(grouped[k], f => {
        streams: [f.stream]
        destinations: ['workspace']
        transformKql: f.transform
        outputStream: f.outputStream
      })
    }
  }
]

output names array = [for k in range(0, count): rule[k].name]
output endpoints array = [for k in range(0, count): rule[k].properties.endpoints.logsIngestion]
output immutableIds array = [for k in range(0, count): rule[k].properties.immutableId]
