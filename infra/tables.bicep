// The custom tables of routes.yaml. Built-in tables are there already.

import { tables } from 'routes.bicep'

param workspaceName string
param routesFile object

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

resource table 'Microsoft.OperationalInsights/workspaces/tables@2025-07-01' = [
  for t in tables(routesFile): {
    parent: workspace
    name: t.name
    properties: {
      plan: 'Analytics'
      schema: { name: t.name, columns: t.columns }
    }
  }
]
