// Logferry in one resource group: storage to drop files in, the app, the workspace with the tables
// of routes.yaml, and the rules that rows go through. What the app may do is in roles.bicep.
// Rule: nothing here has a key, a password or a secret, and no setting does.

targetScope = 'resourceGroup'

@description('Short name of this environment; part of every name.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region. The rules have to be in the workspace\'s.')
param location string = resourceGroup().location

@description('The routes: the same file that the app is deployed with.')
param routesFile object = loadYamlContent('../routes.yaml')

@description('Memory of an instance in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Instances at most.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Days that the workspace keeps rows.')
@minValue(4)
@maxValue(730)
param retentionDays int = 30

@description('Days after which dropped files are deleted, landed or not, and 30 days later what the ledger says of them. 0 keeps both.')
@minValue(0)
@maxValue(3650)
param keepDays int = 0

@description('Days after which dead-lettered records are deleted, and events that could not be delivered. 0 keeps both.')
@minValue(0)
@maxValue(3650)
param deadLetterDays int = 0

@description('When the sweep looks for files that raised no event: six fields, UTC.')
param sweepSchedule string = '0 */5 * * * *'

@description('Whether there are alerts: docs/operate.md has what each of them means.')
param alerts bool = true

@description('Who gets an e-mail when an alert fires. Empty: nobody; alerts are in the portal all the same.')
param alertEmail string = ''

@description('Id of an action group that there is already, for every alert to call.')
param alertActionGroupId string = ''

@description('Dead-lettered records of one route in an hour that are no reason for an alert.')
@minValue(0)
param alertDeadLetterRecords int = 100

@description('Without a sweep that came to its end for so long there is an alert. With a sweepSchedule of your own: its longest pause and half an hour.')
@allowed(['PT30M', 'PT1H', 'PT2H', 'PT6H', 'P1D', 'P2D'])
param alertSweepSilence string = 'PT1H'

@description('Names of routes that should always have rows: without any for alertExpectWithin there is an alert. By default none, since an app that is given no files is well.')
param alertExpectRoutes array = []

@allowed(['PT1H', 'PT2H', 'PT6H', 'P1D', 'P2D'])
param alertExpectWithin string = 'PT1H'

// -- names ---------------------------------------------------------------------------------
// An environment's name may be 64 characters of several kinds. Eight legal ones are for the reader;
// the token, made of the group and the whole name, is what makes the names unique. Short on purpose:
// the host tells apps apart by their first 32 characters, a Direct rule's name is part of a host name.
var lower = toLower(environmentName)
var legal = join(
  filter(map(range(0, length(lower)), i => substring(lower, i, 1)), c => contains('abcdefghijklmnopqrstuvwxyz0123456789', c)),
  ''
)
var token = uniqueString(resourceGroup().id, environmentName)
var suffix = '${take(legal, 8)}-${token}'
var tags = { 'azd-env-name': environmentName }

var appName = 'func-${suffix}'
var storageName = 'st${token}'
var workspaceName = 'log-${suffix}'
var applicationInsightsName = 'appi-${suffix}'
var topicName = 'evgt-${suffix}'

var dropContainer = 'drop'
var stateContainer = 'logferry-state'
var deadLetterContainer = 'logferry-deadletter'
var undeliveredContainer = 'logferry-undelivered'
var packageContainer = 'logferry-package'
var ingestQueue = 'ingest'
var workQueue = 'logferry-work'

var blobUri = 'https://${storageName}.blob.${environment().suffixes.storage}'
var queueUri = 'https://${storageName}.queue.${environment().suffixes.storage}'

// -- what the app is told ------------------------------------------------------------------
// Settings that have a good default in the app and no resource here are left to the app.
var appSettings = {
  // The host's own account. Deliberately no connection string.
  AzureWebJobsStorage__accountName: storageName
  DropStorage__blobServiceUri: blobUri
  DropStorage__queueServiceUri: queueUri
  DROP_CONTAINER: dropContainer
  STATE_CONTAINER: stateContainer
  DEADLETTER_CONTAINER: deadLetterContainer
  INGEST_QUEUE: ingestQueue
  WORK_QUEUE: workQueue
  SWEEP_SCHEDULE: sweepSchedule
  // As many as host.json lets run at once: 96 messages and 32 files wait for shared posts together.
  // The worker's own default, processors + 4, is 5 on a small instance.
  PYTHON_THREADPOOL_THREAD_COUNT: '128'
  // One of each for every rule, in the rules' order.
  DATA_COLLECTION_ENDPOINT: join(rules.outputs.endpoints, ',')
  LOGS_DCR_RULE_ID: join(rules.outputs.immutableIds, ',')
  APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD'
}

// -- what there is -------------------------------------------------------------------------
module storage 'storage.bicep' = {
  name: 'storage'
  params: {
    name: storageName
    location: location
    tags: tags
    containers: [dropContainer, stateContainer, deadLetterContainer, undeliveredContainer, packageContainer]
    queues: [ingestQueue, workQueue]
    dropContainer: dropContainer
    stateContainer: stateContainer
    deadLetterContainers: [deadLetterContainer, undeliveredContainer]
    keepDays: keepDays
    deadLetterDays: deadLetterDays
  }
}

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  params: {
    workspaceName: workspaceName
    applicationInsightsName: applicationInsightsName
    location: location
    tags: tags
    retentionDays: retentionDays
  }
}

module tables 'tables.bicep' = {
  name: 'tables'
  params: { workspaceName: workspaceName, routesFile: routesFile }
  dependsOn: [monitoring]
}

// After the tables: a rule is refused when its table, or a column of it, is not there.
module rules 'rules.bicep' = {
  name: 'rules'
  params: {
    namePrefix: 'dcr-${suffix}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    routesFile: routesFile
  }
  dependsOn: [tables]
}

module app 'function-app.bicep' = {
  name: 'function-app'
  params: {
    name: appName
    planName: 'plan-${suffix}'
    location: location
    tags: tags
    pythonVersion: '3.13'
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    deploymentContainerUrl: '${blobUri}/${packageContainer}'
    settings: appSettings
  }
  dependsOn: [storage]
}

module roles 'roles.bicep' = {
  name: 'roles'
  params: {
    appName: appName
    principalId: app.outputs.principalId
    storageName: storageName
    applicationInsightsName: applicationInsightsName
    ruleNames: rules.outputs.names
  }
}

module events 'events.bicep' = {
  name: 'events'
  params: {
    topicName: topicName
    location: location
    tags: tags
    storageName: storageName
    undeliveredContainer: undeliveredContainer
  }
  dependsOn: [storage]
}

module watch 'watch.bicep' = {
  name: 'watch'
  params: {
    namePrefix: 'logferry-${suffix}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    applicationInsightsId: resourceId('Microsoft.Insights/components', applicationInsightsName)
    topicId: resourceId('Microsoft.EventGrid/systemTopics', topicName)
    ruleNames: rules.outputs.names
    routesFile: routesFile
    alerts: alerts
    alertEmail: alertEmail
    actionGroupId: alertActionGroupId
    deadLetterRecords: alertDeadLetterRecords
    sweepSilence: alertSweepSilence
    expectRoutes: alertExpectRoutes
    expectWithin: alertExpectWithin
  }
  dependsOn: [events]
}

// -- what one needs to know of it; azd keeps these in its environment, postdeploy.sh reads them --
output AZURE_RESOURCE_GROUP string = resourceGroup().name
output DATA_COLLECTION_ENDPOINT string = appSettings.DATA_COLLECTION_ENDPOINT
output LOGS_DCR_RULE_ID string = appSettings.LOGS_DCR_RULE_ID
output LOGFERRY_APP string = appName
output LOGFERRY_STORAGE string = storageName
output LOGFERRY_STORAGE_ID string = storage.outputs.id
output LOGFERRY_TOPIC string = topicName
output LOGFERRY_DROP_CONTAINER string = dropContainer
output LOGFERRY_UNDELIVERED_CONTAINER string = undeliveredContainer
output LOGFERRY_WORKSPACE string = workspaceName
