#!/bin/sh
# Subscribes the app to the blobs of the drop container. azd runs it after the code is deployed;
# by hand: AZURE_RESOURCE_GROUP=... infra/postdeploy.sh, with the other names below, which are
# outputs of infra/main.bicep. May be run again: the subscription is the same each time.
# LOGFERRY_EVENT_QUEUE, of a deployment in a private network, has events put on that queue instead.
# Rule: the app's key stays in Azure (subscription.bicep reads it there); this only waits for it.
set -eu

: "${AZURE_RESOURCE_GROUP:?is not set: the resource group of the deployment}"
: "${LOGFERRY_APP:?is not set: name of the function app}"
: "${LOGFERRY_TOPIC:?is not set: name of the Event Grid system topic}"
: "${LOGFERRY_STORAGE_ID:?is not set: id of the storage account}"
: "${LOGFERRY_DROP_CONTAINER:?is not set: name of the drop container}"
: "${LOGFERRY_UNDELIVERED_CONTAINER:?is not set: name of the container for undelivered events}"
# The topic is with the storage account, which may have been there already, elsewhere.
topic_group="${LOGFERRY_TOPIC_GROUP:-$AZURE_RESOURCE_GROUP}"
topic_subscription="${LOGFERRY_TOPIC_SUBSCRIPTION:-${AZURE_SUBSCRIPTION_ID:-}}"
event_queue="${LOGFERRY_EVENT_QUEUE:-}"
tries="${POSTDEPLOY_TRIES:-30}"
pause="${POSTDEPLOY_PAUSE:-10}"

command -v az >/dev/null || {
  echo "postdeploy: the Azure CLI (az) is not installed: https://aka.ms/azure-cli" >&2
  exit 1
}

# in_subscription ID ARGUMENT...: --subscription where it is known, as az may be signed in to another one.
in_subscription() {
  subscription="$1"
  shift
  if [ -n "$subscription" ]; then
    az "$@" --subscription "$subscription"
  else
    az "$@"
  fi
}

of_app() {
  in_subscription "${AZURE_SUBSCRIPTION_ID:-}" "$@" --resource-group "$AZURE_RESOURCE_GROUP" --name "$LOGFERRY_APP"
}

# The name of the function with the blob trigger, once the host has listed it.
blob_function() {
  of_app functionapp function list --output tsv \
    --query "[?config.bindings[?type=='blobTrigger']].name | [0]"
}

# Whether the host has made its key for the blob webhook; the key itself is not asked for.
has_key() {
  of_app functionapp keys list --output tsv \
    --query "contains(keys(systemKeys || \`{}\`), 'blobs_extension')"
}

function_name=
attempt=0
while [ -z "$event_queue" ]; do
  attempt=$((attempt + 1))
  function_name=$(blob_function || true)
  if [ -n "$function_name" ] && [ "$(has_key || true)" = true ]; then
    break
  fi
  if [ "$attempt" -ge "$tries" ]; then
    echo "postdeploy: after $attempt looks $LOGFERRY_APP has no blob trigger, or no key for it." >&2
    echo "postdeploy: see whether the app starts (its log stream), then run infra/postdeploy.sh again." >&2
    exit 1
  fi
  echo "postdeploy: waiting for $LOGFERRY_APP to start ($attempt of $tries)"
  sleep "$pause"
done

app_subscription="${AZURE_SUBSCRIPTION_ID:-$(az account show --query id --output tsv)}"
# az names a function app/function.
in_subscription "$topic_subscription" deployment group create --resource-group "$topic_group" \
  --name logferry-subscription --template-file "$(dirname "$0")/subscription.bicep" --output none --parameters \
  appName="$LOGFERRY_APP" appGroup="$AZURE_RESOURCE_GROUP" appSubscription="$app_subscription" \
  functionName="${function_name##*/}" eventQueue="$event_queue" topicName="$LOGFERRY_TOPIC" \
  storageId="$LOGFERRY_STORAGE_ID" dropContainer="$LOGFERRY_DROP_CONTAINER" \
  undeliveredContainer="$LOGFERRY_UNDELIVERED_CONTAINER"
echo "postdeploy: $LOGFERRY_APP hears of every file in $LOGFERRY_DROP_CONTAINER"
