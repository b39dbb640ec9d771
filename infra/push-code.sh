#!/bin/sh
# After a deployment of the template without azd (the portal's button, `az deployment group create`): pushes
# this folder's code and routes, then subscribes the app to its events. Runs in the portal's Cloud Shell.
#   infra/push-code.sh RESOURCE_GROUP [DEPLOYMENT]      the last deployment of Logferry unless one is named
# Azure builds the packages of requirements.txt, unless they are in .python_packages already (docs/deploy.md).
# Rule: names come from the deployment's outputs, so that nobody copies one.
set -eu

group="${1:?say the resource group: infra/push-code.sh RESOURCE_GROUP [DEPLOYMENT]}"
deployment="${2:-}"
here=$(cd "$(dirname "$0")/.." && pwd)

command -v az >/dev/null || {
  echo "push-code: the Azure CLI (az) is not installed: https://aka.ms/azure-cli" >&2
  exit 1
}

# Outputs of the deployment that was named, or of the last one that has them, as assignments. Azure gives names
# of outputs back in a case of its own (logferrY_APP), so theirs is not looked at.
outputs() {
  listed=$(az deployment group list --resource-group "$group" --output json) || return
  printf '%s' "$listed" | python3 -c '
import json, shlex, sys
found = {}
for one in sorted(json.load(sys.stdin), key=lambda one: one["properties"]["timestamp"]):
    outputs = {name.upper(): value for name, value in (one["properties"].get("outputs") or {}).items()}
    if "LOGFERRY_APP" in outputs and sys.argv[1] in ("", one["name"]):
        found = outputs
for name, value in found.items():
    if value["type"].lower() == "string" and name.isidentifier():
        print("export " + name + "=" + shlex.quote(value["value"]))
' "$deployment"
}

assignments=$(outputs)
if [ -z "$assignments" ]; then
  echo "push-code: $group has no finished deployment of Logferry${deployment:+ called $deployment};" \
    "the group's Deployments page says what there is." >&2
  exit 1
fi
eval "$assignments"
AZURE_SUBSCRIPTION_ID=$(az account show --query id --output tsv)
export AZURE_SUBSCRIPTION_ID

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$here"
set -- function_app.py host.json requirements.txt routes.yaml shared
build=true
if [ -d .python_packages ]; then
  set -- "$@" .python_packages
  build=false
fi
python3 -m zipfile -c "$folder/code.zip" "$@"
echo "push-code: pushing the code to $LOGFERRY_APP"
az functionapp deployment source config-zip --resource-group "$group" --name "$LOGFERRY_APP" \
  --src "$folder/code.zip" --build-remote "$build" --output none || {
  echo "push-code: $LOGFERRY_APP did not take the code. If it says 403 or InaccessibleStorageException, the app's role" \
    "on its storage is new: run this again in some minutes." >&2
  exit 1
}
"$here/infra/postdeploy.sh"
