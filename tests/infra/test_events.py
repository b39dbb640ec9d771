"""Event Grid's subscription, and the script that makes it after the code is there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .compiler import GROUP, REPOSITORY, Compiler, Snapshot

FAKES = Path(__file__).parent / "fakes"
NAMES = {
    "AZURE_RESOURCE_GROUP": "rg",
    "LOGFERRY_APP": "func-a",
    "LOGFERRY_TOPIC": "evgt-a",
    "LOGFERRY_STORAGE_ID": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/sta",
    "LOGFERRY_DROP_CONTAINER": "drop",
    "LOGFERRY_UNDELIVERED_CONTAINER": "logferry-undelivered",
}
PARAMETERS = {
    "appName": "func-a",
    "functionName": "on_blob",
    "topicName": "evgt-a",
    "storageId": NAMES["LOGFERRY_STORAGE_ID"],
    "dropContainer": "drop",
    "undeliveredContainer": "logferry-undelivered",
}


@pytest.fixture(scope="session")
def subscription(compiler: Compiler, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The subscription, evaluated with the parameters that the script gives."""
    return compiler.snapshot(
        tmp_path_factory.mktemp("subscription"), "routes: {}", PARAMETERS, "subscription"
    )


def test_subscription(subscription: Snapshot) -> None:
    """Each new blob of the drop container, and of no other, is told to the app for a day, then noted."""
    made = subscription.one("Microsoft.EventGrid/systemTopics/eventSubscriptions")
    properties = made["properties"]
    assert made["name"] == "evgt-a/dropped-files"
    assert properties["filter"] == {
        "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
        "subjectBeginsWith": "/blobServices/default/containers/drop/",
    }
    assert properties["retryPolicy"] == {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440}
    assert properties["deadLetterWithResourceIdentity"] == {
        "identity": {"type": "SystemAssigned"},
        "deadLetterDestination": {
            "endpointType": "StorageBlob",
            "properties": {
                "resourceId": NAMES["LOGFERRY_STORAGE_ID"],
                "blobContainerName": "logferry-undelivered",
            },
        },
    }
    url = properties["destination"]["properties"]["endpointUrl"]
    assert properties["destination"]["endpointType"] == "WebHook"
    assert "/runtime/webhooks/blobs?functionName=Host.Functions.{1}&code={2}" in url
    assert "'on_blob'" in url
    assert ".systemKeys.blobs_extension" in url


def test_topic(own: Snapshot) -> None:
    """The topic is the storage account's, with an identity to write down what is undelivered."""
    topic = own.one("Microsoft.EventGrid/systemTopics")
    assert topic["identity"] == {"type": "SystemAssigned"}
    assert topic["properties"] == {
        "source": own.one("Microsoft.Storage/storageAccounts")["id"],
        "topicType": "Microsoft.Storage.StorageAccounts",
    }


def test_outputs_feed_the_script(own: Snapshot) -> None:
    """Every name that the script wants is an output of the deployment."""
    assert set(NAMES) <= set(own.outputs)


def _run(tmp_path: Path, **environment: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    log = tmp_path / "az.log"
    log.touch()
    given = {"PATH": f"{FAKES}{os.pathsep}{os.environ['PATH']}", "AZ_LOG": str(log), "POSTDEPLOY_PAUSE": "0"}
    done = subprocess.run(
        ["sh", REPOSITORY / "infra" / "postdeploy.sh"],
        env=given | environment, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    return done, log.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(("trigger", "key"), [("2", "0"), ("0", "2")])
def test_script_waits_then_deploys_once(tmp_path: Path, trigger: str, key: str) -> None:
    """The script waits for trigger and key, then deploys once, with every parameter, where azd says."""
    ready = {"AZ_TRIGGER_AFTER": trigger, "AZ_KEY_AFTER": key}
    done, calls = _run(tmp_path, **NAMES, **ready, AZURE_SUBSCRIPTION_ID="sub-1")
    assert done.returncode == 0, done.stderr
    (deployed,) = [call for call in calls if call.startswith("deployment group create")]
    assert deployed == calls[-1]
    assert all(f" {name}={value}" in deployed for name, value in PARAMETERS.items())
    assert all(call.endswith("--subscription sub-1") for call in calls)
    assert sum(call.startswith("functionapp function list") for call in calls) == 3


def test_script_gives_up_in_words(tmp_path: Path) -> None:
    """An app that never gets ready ends the script with an error and a remedy, and nothing is deployed."""
    done, calls = _run(tmp_path, **NAMES, AZ_KEY_AFTER="99", POSTDEPLOY_TRIES="3")
    assert done.returncode == 1
    assert "run infra/postdeploy.sh again" in done.stderr
    assert not [call for call in calls if call.startswith("deployment")]


@pytest.mark.parametrize("name", NAMES)
def test_script_names_what_is_missing(tmp_path: Path, name: str) -> None:
    """A missing name is said before anything is done."""
    done, calls = _run(tmp_path, **{key: value for key, value in NAMES.items() if key != name})
    assert done.returncode != 0
    assert f"{name}: is not set" in done.stderr
    assert calls == []


def test_script_never_sees_the_key(tmp_path: Path) -> None:
    """The script asks whether the key is there, never for the key."""
    _, calls = _run(tmp_path, **NAMES)
    (asked,) = [call for call in calls if "keys list" in call]
    assert "contains(keys(" in asked
