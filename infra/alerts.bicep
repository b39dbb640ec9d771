// Alerts: what somebody has to look at, and nothing else. docs/operate.md has a section for each of them.
//
// Rule: an alert of a query fires when the query gives a row, so that whoever runs it in the portal sees what
// is wrong; the queries are files in queries/, and tests run them. Invariants: each alert resolves by itself
// when its reason is gone; an app that is given no files pages nobody.
//
// Queries run each 15 minutes and look back further than that, since log lines take minutes to arrive.
// What the rules themselves count is asked for as metrics: those are there when the app cannot say anything.
// API versions are old ones on purpose: nothing here needs a newer one, and these are known in every cloud.

import { flows } from 'routes.bicep'

param namePrefix string
param location string
param tags object
param workspaceId string
param applicationInsightsId string

@description('Id of the Event Grid topic; empty where it is in another subscription, in which no alert can watch it from here.')
param topicId string
param ruleNames array
param routesFile object
param alertEmail string
param actionGroupId string

@minValue(0)
param deadLetterRecords int

@description('ISO 8601; longer than SWEEP_SCHEDULE\'s pause, and half an hour more.')
param sweepSilence string
param expectRoutes array
param expectWithin string

// -- who is told -----------------------------------------------------------------------------
resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(alertEmail)) {
  name: '${namePrefix}-people'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'logferry'
    enabled: true
    emailReceivers: [{ name: 'e-mail', emailAddress: alertEmail, useCommonAlertSchema: true }]
  }
}

var groups = concat(empty(alertEmail) ? [] : [people.id], empty(actionGroupId) ? [] : [actionGroupId])

// -- what the rules count --------------------------------------------------------------------
// An alert for one rule each: no page says that metric alerts over several resources work for this type.
// Source: Azure Monitor, supported metrics for Microsoft.Insights/datacollectionrules.

var perRule = 10
var all = flows(routesFile)

@description('Streams whose transform filters: it drops rows because it was told to, and the metric counts those too.')
var filtering = [
  for k in range(0, length(ruleNames)): map(
    filter(
      take(skip(all, k * perRule), perRule),
      f => contains(join(split(f.transform, [' ', '\n', '\r', '\t']), ''), '|where')
    ),
    f => f.stream
  )
]

var counted = [
  {
    name: 'rows-dropped'
    severity: 1
    what: 'Azure took rows and dropped them: they are in no table. Routes whose transform filters are not looked at.'
    metric: 'RowsDropped_Count'
    aggregation: 'Total'
    over: 0
    window: 'PT15M'
    codes: []
  }
  {
    name: 'transform-errors'
    severity: 1
    what: 'The transform of a rule fails on rows: they are in no table.'
    metric: 'TransformationErrors_Count'
    aggregation: 'Count'
    over: 0
    window: 'PT15M'
    codes: []
  }
  {
    name: 'refused'
    severity: 1
    what: 'A rule answers 401 or 403: who posts lacks the role. What the app holds is deferred, for DEFER_SECONDS.'
    metric: 'ApiCallReceived_Count'
    aggregation: 'Count'
    over: 0
    window: 'PT15M'
    codes: ['401', '403']
  }
  {
    name: 'throttled'
    severity: 3
    // The app slows down at the first 429 and goes on: some are how it finds the limit.
    what: 'A rule answers 429 again and again: more comes than it may take. Nothing is lost; it comes late.'
    metric: 'ApiCallReceived_Count'
    aggregation: 'Count'
    over: 100
    window: 'PT30M'
    codes: ['429']
  }
]

var onRules = flatten(map(range(0, length(ruleNames)), k => map(counted, c => union(c, {
  rule: ruleNames[k]
  number: k
  dimensions: concat(
    empty(c.codes) ? [] : [{ name: 'ResponseCode', operator: 'Include', values: c.codes }],
    c.name == 'rows-dropped' && !empty(filtering[k])
      ? [{ name: 'InputStreamId', operator: 'Exclude', values: filtering[k] }]
      : []
  )
}))))

resource ofRule 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for a in onRules: {
    name: '${namePrefix}-${a.name}-${a.number}'
    location: 'global'
    tags: tags
    properties: {
      description: '${a.what} What to do: docs/operate.md#${a.name}'
      severity: a.severity
      enabled: true
      scopes: [resourceId('Microsoft.Insights/dataCollectionRules', a.rule)]
      evaluationFrequency: 'PT5M'
      windowSize: a.window
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: a.name
            metricNamespace: 'Microsoft.Insights/dataCollectionRules'
            metricName: a.metric
            timeAggregation: a.aggregation
            operator: 'GreaterThan'
            threshold: a.over
            dimensions: a.dimensions
          }
        ]
      }
      actions: map(groups, id => { actionGroupId: id })
    }
  }
]

resource undelivered 'Microsoft.Insights/metricAlerts@2018-03-01' = if (!empty(topicId)) {
  name: '${namePrefix}-events-undelivered'
  location: 'global'
  tags: tags
  properties: {
    description: 'Event Grid gave up telling the app of files, after a day of tries. The sweep finds them all the same. What to do: docs/operate.md#events-undelivered'
    severity: 3
    enabled: true
    scopes: [topicId]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'events-undelivered'
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          metricName: 'DeadLetteredCount'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: map(groups, id => { actionGroupId: id })
  }
}

// -- what the app says, and the workspace ----------------------------------------------------
var asked = concat(
  [
    {
      name: 'does-not-add-up'
      severity: 0
      what: 'A source is done, and what was read of it is more than what landed, was filtered or is dead-lettered.'
      query: loadTextContent('queries/does-not-add-up.kql')
      window: 'PT30M'
    }
    {
      name: 'sweep-silent'
      severity: 1
      what: 'No sweep came to its end: the app does not start, cannot reach its storage, or stands still.'
      query: loadTextContent('queries/sweep-silent.kql')
      window: sweepSilence
    }
    {
      name: 'waits-for-setup'
      severity: 1
      what: 'A rule, its stream or the role on it is missing; the message says which. It is deferred, for DEFER_SECONDS.'
      query: loadTextContent('queries/waits-for-setup.kql')
      window: 'PT30M'
    }
    {
      name: 'nothing-lands'
      severity: 1
      what: 'There was work for an hour, and no row landed.'
      query: loadTextContent('queries/nothing-lands.kql')
      window: 'PT1H'
    }
    {
      name: 'poison'
      severity: 1
      what: 'The host gave up messages or files: a worker died on them, or the app could not begin.'
      query: loadTextContent('queries/poison.kql')
      window: 'PT30M'
    }
    {
      name: 'dead-letter-grows'
      severity: 2
      what: 'Sources are in the dead letter as a whole, or over ${deadLetterRecords} records of a route in an hour.'
      query: replace(loadTextContent('queries/dead-letter-grows.kql'), '{records}', string(deadLetterRecords))
      window: 'PT1H'
    }
    {
      name: 'invocations-fail'
      severity: 2
      what: 'Over a tenth of a function\'s invocations fail.'
      query: loadTextContent('queries/invocations-fail.kql')
      window: 'PT30M'
    }
    {
      name: 'workspace-limits'
      severity: 1
      what: 'The workspace takes no more: its daily cap is reached, or its ingestion rate. What is posted then is not kept.'
      query: loadTextContent('queries/workspace-limits.kql')
      window: 'PT30M'
    }
  ],
  empty(expectRoutes)
    ? []
    : [
        {
          name: 'route-silent'
          severity: 2
          what: 'A route that should always have rows had none for ${expectWithin}.'
          query: replace(
            loadTextContent('queries/route-silent.kql'),
            '{routes}',
            join(map(expectRoutes, r => '\'${r}\''), ', ')
          )
          window: expectWithin
        }
      ]
)

resource ofQuery 'Microsoft.Insights/scheduledQueryRules@2021-08-01' = [
  for a in asked: {
    name: '${namePrefix}-${a.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: '${namePrefix}-${a.name}'
      description: '${a.what} What to do: docs/operate.md#${a.name}'
      severity: a.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT15M'
      windowSize: a.window
      autoMitigate: true
      // A new workspace knows no table before its first row; the queries are checked where they are kept.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: replace(a.query, '{component}', applicationInsightsId)
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: groups }
    }
  }
]
