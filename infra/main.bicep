// Logferry in one resource group: storage to drop files in, the app, the workspace with the tables
// of routes.yaml, and the rules that rows go through. What the app may do is in roles.bicep.
// Rule: nothing here has a key, a password or a secret, and no setting does.

targetScope = 'resourceGroup'

import { placeOf } from 'places.bicep'
import { rulesFor } from 'lifecycle.bicep'
import * as routes from 'routes.bicep'

@description('Short name of this environment; part of every name.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region. The rules have to be in the workspace\'s.')
param location string = resourceGroup().location

@description('The routes, if not those of routes.yaml as it was when the template was compiled. The app is deployed with the same.')
param routesFile object = {}

@description('Memory of an instance in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Instances at most, for each of the app\'s functions by itself. Not every region takes less than 40.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Days that the workspace keeps rows. A workspace takes no less than 30; a table by itself does.')
@minValue(30)
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

@description('Further settings of the app, by name (docs/settings.md). Secrets as Key Vault references only. Those that the template gives cannot be changed here.')
param moreSettings object = {}

@description('Container that files are dropped in.')
@minLength(3)
@maxLength(63)
param dropContainer string = 'drop'

@description('Queue that users put messages on.')
@minLength(3)
@maxLength(63)
param ingestQueue string = 'ingest'

@description('Resource id of a Log Analytics workspace that is there already, in any group or subscription. The tables are made in it; nothing else about it is changed. Empty makes one.')
param workspaceId string = ''

@description('Resource id of a storage account that is there already, in any group or subscription. Containers and queues are made in it and roles given on it; its own properties, its firewall and its lifecycle rules stay as they are. Empty makes one.')
param storageId string = ''

@description('Resource id of the Event Grid system topic that the storage account has already: there can be only one. It needs a system-assigned identity. Empty makes one.')
param topicId string = ''

@description('Whether storage and ingestion are reached through private endpoints in a virtual network made here, and the app takes no request from outside.')
param privateNetworking bool = false

@description('Addresses of that network, a /24 or larger: the first 64 are the app\'s, the next 64 the private endpoints\'.')
param addressPrefix string = '10.71.0.0/24'

@description('The cloud that this is deployed to: its name and its suffixes. Azure knows it.')
param cloud object = environment()

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

@description('How long the routes of alertExpectRoutes may have none.')
@allowed(['PT1H', 'PT2H', 'PT6H', 'P1D', 'P2D'])
param alertExpectWithin string = 'PT1H'

// Not a parameter's default: the compiler would write variables() there, which Azure does not take.
var file = empty(routesFile) ? loadYamlContent('../routes.yaml') : routesFile

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
var storageName = empty(storageId) ? 'st${token}' : last(split(storageId, '/'))
var workspaceName = empty(workspaceId) ? 'log-${suffix}' : last(split(workspaceId, '/'))
var applicationInsightsName = 'appi-${suffix}'
var topicName = empty(topicId) ? 'evgt-${suffix}' : last(split(topicId, '/'))

var stateContainer = 'logferry-state'
var deadLetterContainer = 'logferry-deadletter'
var undeliveredContainer = 'logferry-undelivered'
var packageContainer = 'logferry-package'
var workQueue = 'logferry-work'

var blobUri = 'https://${storageName}.blob.${cloud.suffixes.storage}'
var queueUri = 'https://${storageName}.queue.${cloud.suffixes.storage}'
var tableUri = 'https://${storageName}.table.${cloud.suffixes.storage}'

// -- where: what is there already may be in another group, subscription or region ------------
var here = { subscription: subscription().subscriptionId, group: resourceGroup().name }
var storagePlace = placeOf(storageId, here)
var workspacePlace = placeOf(workspaceId, here)
var topicPlace = empty(topicId) ? storagePlace : placeOf(topicId, here)

resource givenStorage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = if (!empty(storageId)) {
  scope: resourceGroup(storagePlace.subscription, storagePlace.group)
  name: storageName
}

resource givenWorkspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = if (!empty(workspaceId)) {
  scope: resourceGroup(workspacePlace.subscription, workspacePlace.group)
  name: workspaceName
}

// A topic has to be in its account's region, a rule in its workspace's.
var storageLocation = givenStorage.?location ?? location
var workspaceLocation = givenWorkspace.?location ?? location

// Event Grid posts to public addresses only, so a private app finds its events on the queue.
var eventQueue = privateNetworking ? ingestQueue : ''

var lifecycleRules = rulesFor({
  drop: dropContainer
  state: stateContainer
  dead: [deadLetterContainer, undeliveredContainer]
  keepDays: keepDays
  deadLetterDays: deadLetterDays
})

// -- what the app is told ------------------------------------------------------------------
// Settings that have a good default in the app and no resource here are left to the app.
var appSettings = {
  // The host's own account. Deliberately no connection string, and no __accountName: the host would
  // append the public cloud's suffix to it.
  AzureWebJobsStorage__blobServiceUri: blobUri
  AzureWebJobsStorage__queueServiceUri: queueUri
  AzureWebJobsStorage__tableServiceUri: tableUri
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
  // One of each for every rule, in the rules' order; a private endpoint is one for all. The app takes the
  // audience of its tokens from the address's suffix, so this tells it the cloud too.
  DATA_COLLECTION_ENDPOINT: privateNetworking ? monitorLink!.outputs.endpoint : join(rules.outputs.endpoints, ',')
  LOGS_DCR_RULE_ID: join(rules.outputs.immutableIds, ',')
  APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD'
}

// -- what there is -------------------------------------------------------------------------
// A deployment into a group of somebody else's has a name that is nobody else's.
module storage 'storage.bicep' = if (empty(storageId)) {
  name: 'storage'
  params: {
    name: storageName
    location: location
    tags: tags
    private: privateNetworking
    rules: lifecycleRules
  }
}

module containers 'containers.bicep' = {
  name: 'logferry-containers-${token}'
  scope: resourceGroup(storagePlace.subscription, storagePlace.group)
  params: {
    storageName: storageName
    containers: [dropContainer, stateContainer, deadLetterContainer, undeliveredContainer, packageContainer]
    queues: [ingestQueue, workQueue]
  }
  dependsOn: [storage]
}

module network 'network.bicep' = if (privateNetworking) {
  name: 'network'
  params: {
    suffix: suffix
    location: location
    tags: tags
    addressPrefix: addressPrefix
    storageId: resourceId(storagePlace.subscription, storagePlace.group, 'Microsoft.Storage/storageAccounts', storageName)
    cloud: cloud
  }
  dependsOn: [storage]
}

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  params: {
    workspaceName: workspaceName
    givenWorkspaceId: workspaceId
    applicationInsightsName: applicationInsightsName
    location: location
    tags: tags
    retentionDays: retentionDays
    private: privateNetworking
  }
}

module monitorLink 'monitor-link.bicep' = if (privateNetworking) {
  name: 'monitor-link'
  params: {
    suffix: suffix
    location: location
    workspaceLocation: workspaceLocation
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    subnetId: network!.outputs.endpointSubnetId
    zoneIds: network!.outputs.monitorZoneIds
  }
}

module tables 'tables.bicep' = {
  name: 'logferry-tables-${token}'
  scope: resourceGroup(workspacePlace.subscription, workspacePlace.group)
  params: { workspaceName: workspaceName, tables: routes.tables(file) }
  dependsOn: [monitoring]
}

// After the tables: a rule is refused when its table, or a column of it, is not there.
module rules 'rules.bicep' = {
  name: 'rules'
  params: {
    namePrefix: 'dcr-${suffix}'
    location: workspaceLocation
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    endpointId: privateNetworking ? monitorLink!.outputs.endpointId : ''
    flows: routes.flows(file)
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
    settings: union(moreSettings, appSettings)
    subnetId: privateNetworking ? network!.outputs.appSubnetId : ''
  }
  dependsOn: [containers]
}

module storageRoles 'storage-roles.bicep' = {
  name: 'logferry-storage-roles-${token}'
  scope: resourceGroup(storagePlace.subscription, storagePlace.group)
  params: {
    appId: resourceId('Microsoft.Web/sites', appName)
    principalId: app.outputs.principalId
    storageName: storageName
  }
}

module roles 'roles.bicep' = {
  name: 'roles'
  params: {
    appName: appName
    principalId: app.outputs.principalId
    applicationInsightsName: applicationInsightsName
    ruleNames: rules.outputs.names
  }
}

module events 'events.bicep' = if (empty(topicId)) {
  name: 'logferry-events-${token}'
  scope: resourceGroup(topicPlace.subscription, topicPlace.group)
  params: {
    topicName: topicName
    location: storageLocation
    tags: tags
    storageId: containers.outputs.storageId
  }
}

module eventRoles 'event-roles.bicep' = {
  name: 'logferry-event-roles-${token}'
  scope: resourceGroup(storagePlace.subscription, storagePlace.group)
  params: {
    topicSubscription: topicPlace.subscription
    topicGroup: topicPlace.group
    topicName: topicName
    storageName: storageName
    undeliveredContainer: undeliveredContainer
    eventQueue: eventQueue
  }
  dependsOn: [events, containers]
}

module watch 'watch.bicep' = {
  name: 'watch'
  params: {
    namePrefix: 'logferry-${suffix}'
    location: workspaceLocation
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    applicationInsightsId: resourceId('Microsoft.Insights/components', applicationInsightsName)
    // A metric alert and what it watches are in one subscription.
    topicId: topicPlace.subscription != here.subscription
      ? ''
      : resourceId(topicPlace.subscription, topicPlace.group, 'Microsoft.EventGrid/systemTopics', topicName)
    ruleNames: rules.outputs.names
    routesFile: file
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
output LOGFERRY_STORAGE_ID string = containers.outputs.storageId
output LOGFERRY_TOPIC string = topicName
output LOGFERRY_TOPIC_GROUP string = topicPlace.group
output LOGFERRY_TOPIC_SUBSCRIPTION string = topicPlace.subscription
output LOGFERRY_EVENT_QUEUE string = eventQueue
output LOGFERRY_DROP_CONTAINER string = dropContainer
output LOGFERRY_UNDELIVERED_CONTAINER string = undeliveredContainer
output LOGFERRY_WORKSPACE string = workspaceName
output LOGFERRY_WORKSPACE_ID string = empty(workspaceId) ? monitoring.outputs.customerId : givenWorkspace!.properties.customerId
@description('What keepDays and deadLetterDays ask for, where the account was there already: it has one policy, which is not touched.')
output LOGFERRY_LIFECYCLE_RULES array = empty(storageId) ? [] : lifecycleRules
