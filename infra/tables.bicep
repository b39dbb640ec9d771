// The custom tables of routes.yaml. Built-in tables are there already.

param workspaceName string
@description('As routes.bicep has them. Worked out by the caller, once: a loop would do it again for every name in it.')
param tables array

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

resource table 'Microsoft.OperationalInsights/workspaces/tables@2025-07-01' = [
  for t in tables: {
    parent: workspace
    name: t.name
    properties: {
      // Azure's own tables keep the plan that their owner chose; only columns are added to them.
      plan: endsWith(t.name, '_CL') ? 'Analytics' : null
      schema: { name: t.name, columns: t.columns }
    }
  }
]
