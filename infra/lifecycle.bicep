// What is deleted of the storage account, and when. Functions only; nothing is deployed from here.
//
// Rule: by the time since a blob was last written, since lifecycle rules know nothing of what is in
// it; by name, so that nothing is deleted that was not thought of. Never deleted: messages and audit
// rows that are put aside (held/), and the day the app was set up (meta/).
//
// An entry of the ledger makes the second look at a file repeat nothing, so it must outlive the file. It is
// written each time the file is taken, after the file was: so 30 days more than the file's are enough, also
// for one that keeps growing. Entries of files in other containers stay, because the files do.

@export()
@description('Rules for the account\'s lifecycle policy, from {drop, state, dead, keepDays, deadLetterDays}; 0 days keep all.')
func rulesFor(kept object) array =>
  concat(
    kept.keepDays == 0
      ? []
      : [
          rule('dropped-files', ['${kept.drop}/'], kept.keepDays)
          rule(
            'entries-of-deleted-files',
            map(['blobs/${kept.drop}/', 'parts/'], e => '${kept.state}/${e}'),
            kept.keepDays + 30
          )
        ],
    kept.deadLetterDays == 0 ? [] : [rule('dead-letter', map(kept.dead, c => '${c}/'), kept.deadLetterDays)]
  )

func rule(name string, prefixes array, days int) object => {
  name: name
  enabled: true
  type: 'Lifecycle'
  definition: {
    // Append blobs too: a file that grows is one, and they can be deleted, if nothing else.
    filters: { blobTypes: ['blockBlob', 'appendBlob'], prefixMatch: prefixes }
    actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: days } } }
  }
}
