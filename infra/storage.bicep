// One storage account: what is dropped, what is still to do, what is done, what could not be.
// Rule: signed in by identity only; there is no account key that works.

param name string
param location string
param tags object
param containers array
param queues array

@description('Container of the files, and of the ledger about them.')
param dropContainer string
param stateContainer string

@description('Days after which a dropped file is deleted. 0 keeps all.')
@minValue(0)
param keepDays int

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
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [
  for c in containers: {
    parent: blobs
    name: c
    properties: { publicAccess: 'None' }
  }
]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = [
  for q in queues: {
    parent: queueService
    name: q
  }
]

// The ledger is what makes the second look at a file repeat nothing, so an entry must outlive its
// file: it goes 30 days after the file went, and where files stay, entries stay.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = if (keepDays > 0) {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'dropped-files'
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob', 'appendBlob'], prefixMatch: ['${dropContainer}/'] }
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: keepDays } } }
          }
        }
        {
          name: 'state-of-deleted-files'
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['${stateContainer}/'] }
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: keepDays + 30 } } }
          }
        }
      ]
    }
  }
}

output id string = account.id
