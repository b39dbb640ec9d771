// The workbook: rows by route, how late they are, the dead letter, errors of the rules, what it costs.
//
// Rule: workbook.json is the workbook as the portal's editor shows it, with names in double braces for what is
// only known here. Invariant: what is put in needs no escaping in JSON (the names of routes bring their own),
// so the text stays JSON. DCRLogErrors is a table only from its first row on: asked for alone it would be an error.

import { flows } from 'routes.bicep'

@description('A GUID.')
param name string
param displayName string
param location string
param tags object
param workspaceId string
param applicationInsightsId string
param routesFile object
param ruleNames array

var telemetry = 'AppTraces | where _ResourceId =~ \'${applicationInsightsId}\''

@description('A row for each source that came to its end. Without a table of audit rows the log has them too; a blob that grows has its total in the latest.')
var audit = contains(routesFile, 'audit')
  ? '${routesFile.audit.table} | summarize arg_max(TimeGenerated, *) by RowId'
  : '${telemetry} | where Message startswith \'audit \' | extend Row = parse_json(substring(Message, 6)) | where tostring(Row[\'outcome\']) in (\'done\', \'dead\', \'unrouted\', \'gone\', \'changed\') and tostring(Row[\'kind\']) in (\'blob\', \'message\') | project TimeGenerated, EndTime = TimeGenerated, SourceTime = todatetime(Row[\'modified\']), Source = tostring(Row[\'source\']), RouteName = tostring(Row[\'route\']), TableName = tostring(Row[\'table\']), Outcome = tostring(Row[\'outcome\']), Reason = tostring(Row[\'reason\']), RecordsRead = tolong(Row[\'read\']), RowsAccepted = tolong(Row[\'accepted\']), RecordsFiltered = tolong(Row[\'filtered\']), RecordsDeadLettered = tolong(Row[\'dead_lettered\']), RawBytes = tolong(Row[\'raw_bytes\']) | summarize arg_max(TimeGenerated, *) by Source'

var targets = union(map(flows(routesFile), f => substring(f.outputStream, indexOf(f.outputStream, '-') + 1)), [])

@description('The same rows, as they arrived: `summarize` forgets when that was.')
var arrived = contains(routesFile, 'audit') ? routesFile.audit.table : '${telemetry} | where Message startswith \'audit \''

var fragments = {
  audit: audit
  arrived: arrived
  telemetry: telemetry
  routes: join(map(items(routesFile.routes), r => '\\"${r.key}\\"'), ',')
  rules: join(map(ruleNames, r => '\'${resourceId('Microsoft.Insights/dataCollectionRules', r)}\''), ', ')
  tables: join(map(targets, t => '\'${t}\''), ', ')
  workspace: workspaceId
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: displayName
    category: 'workbook'
    sourceId: workspaceId
    version: '1.0'
    serializedData: reduce(
      items(fragments),
      loadTextContent('workbook.json'),
      (text, fragment) => replace(text, '{{${fragment.key}}}', fragment.value)
    )
  }
}
