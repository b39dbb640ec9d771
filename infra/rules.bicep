// Data collection rules: the door that rows go through, one stream and one data flow each.
// Rule: kind Direct, so that a rule has its own ingestion endpoint. A rule holds ten streams at
// most (Azure's limit), so there are as many rules as it takes: stream k is in rule k / 10.
// A stream of a built-in table (Microsoft-...) is known to Azure; only Custom- streams are declared.

@description('Names get -0, -1, ... appended. Kept to 30 characters together.')
@maxLength(27)
param namePrefix string
param location string
param tags object
param workspaceId string

@description('Id of the data collection endpoint that rows come through. Empty where each rule\'s own is used.')
param endpointId string
@description('As routes.bicep has them, worked out once by the caller.')
param flows array

var perRule = 10
var count = (length(flows) + perRule - 1) / perRule
var grouped = [for k in range(0, count): take(skip(flows, k * perRule), perRule)]

resource rule 'Microsoft.Insights/dataCollectionRules@2024-03-11' = [
  for k in range(0, count): {
    name: '${namePrefix}-${k}'
    location: location
    tags: tags
    kind: 'Direct'
    properties: {
      dataCollectionEndpointId: empty(endpointId) ? null : endpointId
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
