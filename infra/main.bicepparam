using 'main.bicep'

// azd sets these from its environment (`azd env set NAME VALUE`); `az deployment group create` takes the
// defaults or --parameters. No name here is an output's: azd writes outputs into the same environment, and
// what a deployment made must not come back as what the next one is told.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'logferry')
param instanceMemoryMB = any(int(readEnvironmentVariable('LOGFERRY_INSTANCE_MEMORY_MB', '2048')))
param maximumInstanceCount = int(readEnvironmentVariable('LOGFERRY_MAXIMUM_INSTANCES', '40'))
param retentionDays = int(readEnvironmentVariable('LOGFERRY_RETENTION_DAYS', '30'))
param keepDays = int(readEnvironmentVariable('LOGFERRY_KEEP_DAYS', '0'))
param deadLetterDays = int(readEnvironmentVariable('LOGFERRY_DEAD_LETTER_DAYS', '0'))
param sweepSchedule = readEnvironmentVariable('LOGFERRY_SWEEP_SCHEDULE', '0 */5 * * * *')
param moreSettings = json(readEnvironmentVariable('LOGFERRY_SETTINGS', '{}'))
param dropContainer = readEnvironmentVariable('LOGFERRY_CONTAINER', 'drop')
param ingestQueue = readEnvironmentVariable('LOGFERRY_QUEUE', 'ingest')
param workspaceId = readEnvironmentVariable('LOGFERRY_EXISTING_WORKSPACE', '')
param storageId = readEnvironmentVariable('LOGFERRY_EXISTING_STORAGE', '')
param topicId = readEnvironmentVariable('LOGFERRY_EXISTING_TOPIC', '')
param privateNetworking = bool(readEnvironmentVariable('LOGFERRY_PRIVATE', 'false'))
param addressPrefix = readEnvironmentVariable('LOGFERRY_ADDRESS_PREFIX', '10.71.0.0/24')
param alerts = bool(readEnvironmentVariable('LOGFERRY_ALERTS', 'true'))
param alertEmail = readEnvironmentVariable('LOGFERRY_ALERT_EMAIL', '')
param alertActionGroupId = readEnvironmentVariable('LOGFERRY_ALERT_ACTION_GROUP', '')
param alertDeadLetterRecords = int(readEnvironmentVariable('LOGFERRY_ALERT_DEAD_LETTER_RECORDS', '100'))
param alertSweepSilence = any(readEnvironmentVariable('LOGFERRY_ALERT_SWEEP_SILENCE', 'PT1H'))
param alertExpectRoutes = json(readEnvironmentVariable('LOGFERRY_ALERT_EXPECT_ROUTES', '[]'))
param alertExpectWithin = any(readEnvironmentVariable('LOGFERRY_ALERT_EXPECT_WITHIN', 'PT1H'))
