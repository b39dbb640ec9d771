// What routes.yaml means for Azure: streams, tables and their columns.
//
// Rule: the same as the app's own reading of the file, so that a column is written once.
// Invariant: every route has exactly one stream here and one table; TimeGenerated is there
// always, and the dynamic column Extra wherever undeclared fields are kept and nothing takes "*".
// The table of audit rows is one more route, the last, with columns of its own.
// These are functions only; nothing is deployed from here.

@description('A route\'s place among the others as digits. Bicep hands out keys sorted, never in the file\'s order, and says nothing of the collation: digits sort alike in all of them, hyphen before digits before letters as in ASCII.')
func rank(name string) string =>
  join(
    map(
      range(0, length(name)),
      i => format('{0:00}', indexOf('-0123456789abcdefghijklmnopqrstuvwxyz', substring(name, i, 1)))
    ),
    ''
  )

@description('Every route in the order of the names; that of audit rows, if the file asks for them, is the last, so that it moves no other stream.')
func inOrder(file object) array =>
  concat(
    map(
      sort(map(items(file.routes), r => { rank: rank(r.key), route: r.value }), (a, b) => a.rank < b.rank),
      r => r.route
    ),
    auditing(file)
  )

@description('The table of audit rows as a route. The app reads its columns from the same file.')
func auditing(file object) array =>
  contains(file, 'audit')
    ? [{ table: file.audit.table, columns: loadJsonContent('../shared/routes/audit.json'), on_undeclared: 'drop' }]
    : []

@description('Not endsWith(), which does not mind upper and lower case.')
func isCustom(table string) bool => skip(table, length(table) - 3) == '_CL'

func baseName(table string) string => isCustom(table) ? take(table, length(table) - 3) : table

func streamOf(route object) string => route.?stream ?? 'Custom-${baseName(route.table)}'

@description('Azure\'s own tables whose columns are known: {columns, rest}, by table. The app reads the same file.')
func builtin(table string) object => loadJsonContent('../shared/routes/builtin.json')[?table] ?? {}

func takesEverything(columns object) bool => contains(map(items(columns), c => string(c.value.?from ?? '')), '*')

func keepsExtra(route object) bool =>
  (route.?on_undeclared ?? 'keep_in_extra') == 'keep_in_extra' && !takesEverything(route.?columns ?? {})

@description('The column for everything else, where the route has none of its own: Azure\'s own tables have another one than Extra.')
func rest(route object) object =>
  keepsExtra(route) ? (builtin(route.table).?rest ?? { Extra: { type: 'dynamic' } }) : {}

@description('Columns that stream and table have: the declared ones and those that every route gets.')
func effective(route object) object =>
  union(
    { TimeGenerated: { type: 'datetime' } },
    typesOf(builtin(route.table).?columns ?? {}),
    route.?columns ?? {},
    typesOf(rest(route))
  )

@description('Of a column only its type: a description comes from routes.yaml alone.')
func typesOf(columns object) object =>
  toObject(items(columns), c => c.key, c => { type: c.value.type })

func streamColumns(columns object) array => map(items(columns), c => { name: c.key, type: c.value.?type ?? 'string' })

@description('The table API spells one type differently: dateTime.')
func tableType(type string) string => type == 'datetime' ? 'dateTime' : type

func tableColumns(columns object) array =>
  map(
    items(columns),
    c =>
      union(
        { name: c.key, type: tableType(c.value.?type ?? 'string') },
        contains(c.value, 'description') ? { description: c.value.description } : {}
      )
  )

func flow(route object) object => {
  stream: streamOf(route)
  columns: streamColumns(effective(route))
  transform: route.?transform ?? 'source'
  outputStream: '${isCustom(route.table) ? 'Custom' : 'Microsoft'}-${route.table}'
}

@export()
@description('Distinct streams, ordered by the name of the first route that uses each: {stream, columns, transform, outputStream}. Stream k belongs to rule k / 10.')
func flows(file object) array =>
  reduce(
    map(inOrder(file), r => flow(r)),
    [],
    (found, next) => contains(map(found, f => f.stream), next.stream) ? found : concat(found, [next])
  )

@export()
@description('What of a table is made here: all columns of a custom one, and of one of Azure\'s own those that are added to it.')
func made(route object) object =>
  isCustom(route.table)
    ? effective(route)
    : toObject(filter(items(effective(route)), c => isAdded(c.key)), c => c.key, c => c.value)

func isAdded(column string) bool => skip(column, length(column) - 3) == '_CF'

@export()
@description('Tables to make, or to add columns to: {name, columns}. Routes that fill one table through several streams add up their columns.')
func tables(file object) array =>
  filter(
    map(
      items(reduce(
        inOrder(file),
        {},
        (found, next) => union(found, { '${next.table}': made(next) })
      )),
      t => { name: t.key, columns: tableColumns(t.value) }
    ),
    t => !empty(t.columns)
  )
