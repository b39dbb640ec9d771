using 'main.bicep'

// azd sets these from its environment; `az deployment group create` takes the defaults or --parameters.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'logferry')
