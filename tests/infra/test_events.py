"""Event Grid's subscription, and the script that makes it after the code is there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from .cases import CASES, GROUP, REPOSITORY
from .snapshot import Snapshot, committed

FAKES = Path(__file__).parent / "fakes"
NAMES = {
    "AZURE_RESOURCE_GROUP": "rg",
    "LOGFERRY_APP": "func-a",
    "LOGFERRY_TOPIC": "evgt-a",
    "LOGFERRY_STORAGE_ID": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/sta",
    "LOGFERRY_DROP_CONTAINER": "drop",
    "LOGFERRY_UNDELIVERED_CONTAINER": "logferry-undelivered",
}
PARAMETERS = CASES["subscription"].parameters
FILTER = {
    "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
    "subjectBeginsWith": "/blobServices/default/containers/drop/",
}


@pytest.fixture(scope="module")
def subscription() -> Snapshot:
    """The subscription, evaluated with the parameters that the script gives."""
    return committed("subscription")


def test_subscription(subscription: Snapshot) -> None:
    """Each new blob of the drop container, and of no other, is told to the app for a day, then noted."""
    made = subscription.one("Microsoft.EventGrid/systemTopics/eventSubscriptions")
    properties = made["properties"]
    assert made["name"] == "evgt-a/dropped-files"
    assert properties["filter"] == FILTER
    assert properties["eventDeliverySchema"] == "EventGridSchema"
    assert properties["deliveryWithResourceIdentity"] is None
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
    assert ".defaultHostName" in url
    assert ".systemKeys.blobs_extension" in url


def test_filter_is_the_triggers_path() -> None:
    """What the filter lets through is what the blob trigger's path names: files of the drop container."""
    code = (REPOSITORY / "function_app.py").read_text(encoding="utf-8")
    paths = re.findall(r'blob_trigger\(.*?path="([^"]+)"', code, re.DOTALL)
    container, _, name = paths[0].partition("/")
    assert (paths, name) == ([paths[0]], "{name}")
    for case in ("default", "storage", "private"):
        deployed = committed(case)
        told = deployed.settings()[container.strip("%")]
        assert told == deployed.outputs["LOGFERRY_DROP_CONTAINER"]
    made = committed("subscription").one("Microsoft.EventGrid/systemTopics/eventSubscriptions")
    begins = made["properties"]["filter"]["subjectBeginsWith"]
    assert begins == f"/blobServices/default/containers/{PARAMETERS['dropContainer']}/"


def test_subscription_by_queue() -> None:
    """In a private network the same events are put on the queue, with the topic's identity, and no key is read."""
    deployed = committed("subscription-queue")
    properties = deployed.one("Microsoft.EventGrid/systemTopics/eventSubscriptions")["properties"]
    assert properties["filter"] == FILTER
    assert properties["eventDeliverySchema"] == "EventGridSchema"
    assert (
        properties["deadLetterWithResourceIdentity"]["deadLetterDestination"]["endpointType"] == "StorageBlob"
    )
    assert properties.get("destination") is None
    assert properties["deliveryWithResourceIdentity"] == {
        "identity": {"type": "SystemAssigned"},
        "destination": {
            "endpointType": "StorageQueue",
            "properties": {"resourceId": PARAMETERS["storageId"], "queueName": "ingest"},
        },
    }
    assert "listKeys" not in json.dumps(deployed.resources)


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
    script = (REPOSITORY / "infra" / "postdeploy.sh").read_text(encoding="utf-8")
    read = set(re.findall(r"\$\{((?:LOGFERRY|AZURE)_\w+)", script)) - {"AZURE_SUBSCRIPTION_ID"}
    assert set(NAMES) < read <= set(own.outputs)


def _run(
    tmp_path: Path, script: str | Path = "postdeploy.sh", *arguments: str, **environment: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    log = tmp_path / "az.log"
    log.touch()
    given = {"PATH": f"{FAKES}{os.pathsep}{os.environ['PATH']}", "AZ_LOG": str(log), "POSTDEPLOY_PAUSE": "0"}
    done = subprocess.run(
        [REPOSITORY / "infra" / script, *arguments],
        env=given | environment, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    return done, log.read_text(encoding="utf-8").splitlines()


def _parameters_of(template: str) -> set[str]:
    text = (REPOSITORY / "infra" / f"{template}.bicep").read_text(encoding="utf-8")
    return set(re.findall(r"^param (\w+) ", text, re.MULTILINE))


@pytest.mark.parametrize(("trigger", "key"), [("2", "0"), ("0", "2")])
def test_script_waits_then_deploys_once(tmp_path: Path, trigger: str, key: str) -> None:
    """The script waits for trigger and key, then deploys once, with every parameter, where azd says."""
    ready = {"AZ_TRIGGER_AFTER": trigger, "AZ_KEY_AFTER": key}
    done, calls = _run(tmp_path, **NAMES, **ready, AZURE_SUBSCRIPTION_ID="sub-1")
    assert done.returncode == 0, done.stderr
    (deployed,) = [call for call in calls if call.startswith("deployment group create")]
    assert deployed == calls[-1]
    assert all(f" {name}={value}" in deployed for name, value in PARAMETERS.items())
    assert set(re.findall(r" (\w+)=", deployed)) == _parameters_of("subscription")
    assert all(call.endswith("--subscription sub-1") for call in calls)
    assert sum(call.startswith("functionapp function list") for call in calls) == 3


def test_script_goes_where_the_topic_is(tmp_path: Path) -> None:
    """The subscription is made in the topic's group and subscription, which may be others than the app's."""
    where = {"LOGFERRY_TOPIC_GROUP": "data", "LOGFERRY_TOPIC_SUBSCRIPTION": "sub-2"}
    done, calls = _run(tmp_path, **NAMES, **where, AZURE_SUBSCRIPTION_ID="sub-1")
    assert done.returncode == 0, done.stderr
    assert "--resource-group data " in calls[-1]
    assert " appGroup=rg appSubscription=sub-1 " in calls[-1]
    assert calls[-1].endswith("--subscription sub-2")
    assert all(call.endswith("--subscription sub-1") for call in calls[:-1])


def test_script_waits_for_no_key_where_there_is_a_queue(tmp_path: Path) -> None:
    """In a private network the app is not asked for anything: its events go to the queue."""
    done, calls = _run(tmp_path, **NAMES, LOGFERRY_EVENT_QUEUE="ingest", AZ_KEY_AFTER="99")
    assert done.returncode == 0, done.stderr
    assert not [call for call in calls if call.startswith("functionapp")]
    assert " eventQueue=ingest " in calls[-1]


def test_code_is_pushed_after_the_portal(tmp_path: Path) -> None:
    """Names are taken from the last deployment that has them, in whatever case; then code, then subscription."""
    deployments = [
        _deployment("older", 1, {"LOGFERRY_APP": "func-old"}),
        _deployment(
            "portal", 3, {**NAMES, "LOGFERRY_TOPIC_GROUP": "data", "LOGFERRY_TOPIC_SUBSCRIPTION": "sub-2"}
        ),
        _deployment("nested", 4, {}),
    ]
    done, calls = _run(tmp_path, "push-code.sh", "rg", AZ_DEPLOYMENTS=json.dumps(deployments))
    assert done.returncode == 0, done.stderr
    pushed = next(call for call in calls if call.startswith("functionapp deployment source config-zip"))
    assert "--name func-a " in pushed
    assert "--build-remote true" in pushed
    assert calls.index(pushed) < len(calls) - 1
    assert " appName=func-a " in calls[-1]
    assert calls[-1].endswith("--subscription sub-2")


def test_code_pushed_is_what_runs(tmp_path: Path) -> None:
    """The zip has all that the app loads: what .funcignore leaves of this folder, and nothing of the rest."""
    deployments = [_deployment("portal", 3, NAMES)]
    done, _ = _run(
        tmp_path,
        "push-code.sh",
        "rg",
        "portal",
        AZ_DEPLOYMENTS=json.dumps(deployments),
        AZ_KEEP=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    names = set(zipfile.ZipFile(tmp_path / "code.zip").namelist())
    assert {"function_app.py", "host.json", "requirements.txt", "routes.yaml", "shared/app.py"} <= names
    assert {name.partition("/")[0] for name in names} == {
        "function_app.py", "host.json", "requirements.txt", "routes.yaml", "shared",
    }  # fmt: skip


def test_packages_of_ones_own_are_pushed(tmp_path: Path) -> None:
    """Packages that are there already are pushed with the code, and Azure builds none."""
    code = tmp_path / "code"
    shutil.copytree(REPOSITORY / "infra", code / "infra")
    for name in ("function_app.py", "host.json", "requirements.txt", "routes.yaml", "shared/app.py"):
        (code / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, code / name)
    (code / ".python_packages").mkdir()
    (code / ".python_packages" / "a.py").touch()
    told = {"AZ_DEPLOYMENTS": json.dumps([_deployment("portal", 3, NAMES)]), "AZ_KEEP": str(tmp_path)}
    done, calls = _run(tmp_path, code / "infra" / "push-code.sh", "rg", **told)
    assert done.returncode == 0, done.stderr
    assert ".python_packages/a.py" in zipfile.ZipFile(tmp_path / "code.zip").namelist()
    assert any("--build-remote false" in call for call in calls)


def test_code_that_is_refused_is_told(tmp_path: Path) -> None:
    """Where the app takes no code, the script says what that mostly is, and subscribes nothing."""
    told = {"AZ_DEPLOYMENTS": json.dumps([_deployment("portal", 3, NAMES)]), "AZ_REFUSES": "403"}
    done, calls = _run(tmp_path, "push-code.sh", "rg", **told)
    assert done.returncode == 1
    assert "the app's role on its storage is new" in done.stderr
    assert not [call for call in calls if call.startswith("deployment group create")]


def test_nothing_to_push_to(tmp_path: Path) -> None:
    """A group without a deployment is told in a sentence, and nothing is pushed."""
    done, calls = _run(tmp_path, "push-code.sh", "rg", AZ_DEPLOYMENTS="[]")
    assert done.returncode == 1
    assert "rg has no finished deployment of Logferry" in done.stderr
    assert [call.partition(" --")[0] for call in calls] == ["deployment group list"]


def test_a_group_that_there_is_not(tmp_path: Path) -> None:
    """What az says of it is the last word: no traceback of the script's own after it."""
    done, calls = _run(tmp_path, "push-code.sh", "rg")
    assert done.returncode != 0
    assert done.stderr == "ERROR: the resource group could not be found\n"
    assert len(calls) == 1


def _deployment(name: str, hour: int, outputs: dict[str, str]) -> dict[str, object]:
    """As az lists it: Azure gives names of outputs back in a case of its own."""
    mangled = {key[0].lower() + key[1:]: {"type": "String", "value": value} for key, value in outputs.items()}
    return {"name": name, "properties": {"timestamp": f"2026-11-28T0{hour}:00:00Z", "outputs": mangled}}


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
