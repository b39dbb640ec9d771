// What watches over the app: errors of the rules kept, alerts, and a workbook to look at.
// Rule: nothing that the app needs is here, so that all of it can be left out or be changed.

param namePrefix string
param location string
param tags object
param workspaceId string
param applicationInsightsId string
param topicId string

@description('The data collection rules, in their order.')
param ruleNames array
param routesFile object

@description('Whether there are alerts.')
param alerts bool

@description('Who gets an e-mail when an alert fires; empty for nobody.')
param alertEmail string

@description('Id of an action group that there is already, which every alert calls; empty for none.')
param actionGroupId string

@description('Dead-lettered records of one route in an hour that are no reason for an alert.')
param deadLetterRecords int

@description('Without a sweep that ended for so long the app counts as silent.')
param sweepSilence string

@description('Names of routes of which some row has to land in each `expectWithin`.')
param expectRoutes array
param expectWithin string

module diagnostics 'diagnostics.bicep' = {
  name: 'diagnostics'
  params: { ruleNames: ruleNames, workspaceId: workspaceId }
}

module alerting 'alerts.bicep' = if (alerts) {
  name: 'alerts'
  params: {
    namePrefix: namePrefix
    location: location
    tags: tags
    workspaceId: workspaceId
    applicationInsightsId: applicationInsightsId
    topicId: topicId
    ruleNames: ruleNames
    routesFile: routesFile
    alertEmail: alertEmail
    actionGroupId: actionGroupId
    deadLetterRecords: deadLetterRecords
    sweepSilence: sweepSilence
    expectRoutes: expectRoutes
    expectWithin: expectWithin
  }
}

module workbook 'workbook.bicep' = {
  name: 'workbook'
  params: {
    name: guid(resourceGroup().id, namePrefix, 'workbook')
    displayName: 'Logferry: ${namePrefix}'
    location: location
    tags: tags
    workspaceId: workspaceId
    applicationInsightsId: applicationInsightsId
    routesFile: routesFile
    ruleNames: ruleNames
  }
}
