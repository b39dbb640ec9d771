// The storage account, where none is there already. What is in it: containers.bicep.
// Rule: signed in by identity only; there is no account key that works.

param name string
param location string
param tags object

@description('Whether its public address is closed.')
param private bool

@description('Rules of its lifecycle policy, as lifecycle.bicep makes them.')
param rules array

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    // Closed, no network or address is let in. What is left is Azure's list of trusted services, by their
    // identities and roles: Event Grid writes on the queue that way. `publicNetworkAccess: Disabled` would shut
    // it out too.
    networkAcls: {
      defaultAction: private ? 'Deny' : 'Allow'
      bypass: 'AzureServices'
      ipRules: []
      virtualNetworkRules: []
    }
  }
}

// An account has one policy: this is why one that was there already is left to its owner.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = if (!empty(rules)) {
  parent: account
  name: 'default'
  properties: { policy: { rules: rules } }
}
