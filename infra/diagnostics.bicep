// What Azure says of rows that it could not take, in the workspace: the table DCRLogErrors. A rule does
// not write it by itself. The metrics of a rule are there without any of this. The category has that table
// only, so there is no destination type to choose.

param ruleNames array

@description('Id of the workspace that the errors go to.')
param workspaceId string

resource rule 'Microsoft.Insights/dataCollectionRules@2024-03-11' existing = [
  for name in ruleNames: {
    name: name
  }
]

// Only errors: the other category, LogTroubleshooting, is for looking for something and is paid for by the line.
// The one that the linter would have, 2016-09-01, knows no log tables.
#disable-next-line use-recent-api-versions
resource errors 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = [
  for (name, k) in ruleNames: {
    scope: rule[k]
    name: 'errors'
    properties: {
      workspaceId: workspaceId
      logs: [{ category: 'LogErrors', enabled: true }]
    }
  }
]
