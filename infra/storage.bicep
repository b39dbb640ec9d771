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

@description('Containers of what could not land.')
param deadLetterContainers array

@description('Days after which a dropped file is deleted. 0 keeps all.')
@minValue(0)
param keepDays int

@description('Days after which what could not land is deleted. 0 keeps all.')
@minValue(0)
param deadLetterDays int

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

// What is deleted, and when. Rule: by the time since a blob was last written, since lifecycle rules know
// nothing of what is in it; by name, so that nothing is deleted that was not thought of. Never deleted:
// messages and audit rows that are put aside (held/), and the day the app was set up (meta/).
//
// An entry of the ledger makes the second look at a file repeat nothing, so it must outlive the file. It is
// written each time the file is taken, after the file was: so 30 days more than the file's are enough, also
// for one that keeps growing. Entries of files in other containers stay, because the files do.
var entries = ['blobs/${dropContainer}/', 'parts/']
var rules = concat(
  keepDays == 0
    ? []
    : [
        {
          name: 'dropped-files'
          prefixes: ['${dropContainer}/']
          days: keepDays
        }
        {
          name: 'entries-of-deleted-files'
          prefixes: map(entries, e => '${stateContainer}/${e}')
          days: keepDays + 30
        }
      ],
  deadLetterDays == 0
    ? []
    : [
        {
          name: 'dead-letter'
          prefixes: map(deadLetterContainers, c => '${c}/')
          days: deadLetterDays
        }
      ]
)

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = if (!empty(rules)) {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: map(rules, r => {
        name: r.name
        type: 'Lifecycle'
        definition: {
          // Append blobs too: a file that grows is one, and they can be deleted, if nothing else.
          filters: { blobTypes: ['blockBlob', 'appendBlob'], prefixMatch: r.prefixes }
          actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: r.days } } }
        }
      })
    }
  }
}

output id string = account.id
