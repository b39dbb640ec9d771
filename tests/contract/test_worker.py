"""The app on Microsoft's own worker library: indexed, its bindings as the host needs them, each function run."""

from __future__ import annotations

import importlib.util
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.routes import load
from tests.azurite import Azurite
from tests.ferry import Ferry
from tests.monitor import monitor
from tests.workerlib import Worker, typed

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("azure_functions_runtime") is None,
    reason="azure-functions-runtime needs Python 3.13: `make test` runs this file there (.venv313)",
)


@pytest.fixture(scope="module")
def ferry(azurite: Azurite) -> Iterator[Ferry]:
    with monitor(load(ROOT / "routes.yaml")) as server:
        made = Ferry(azurite, ROOT, server.url, server, INGEST_QUEUE="ingest", SWEEP_SCHEDULE="0 */5 * * * *")
        before = dict(os.environ)
        os.environ.update(made.environ)
        yield made
        for name in made.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
        made.close()


@pytest.fixture(scope="module")
def worker(ferry: Ferry) -> Worker:
    return Worker(ROOT)


def test_the_library_indexes_the_functions(worker: Worker) -> None:
    """The four functions are found, each by its name."""
    assert sorted(worker.functions()) == ["on_blob", "on_message", "on_work", "sweep"]


@pytest.mark.parametrize(
    ("name", "binding"),
    [
        (
            "on_blob",
            {
                "type": "blobTrigger",
                "name": "file",
                "direction": "IN",
                "path": "%DROP_CONTAINER%/{name}",
                "connection": "DropStorage",
                "source": "EventGrid",
                "properties": {"SupportsDeferredBinding": True},
            },
        ),
        (
            "on_message",
            {
                "type": "queueTrigger",
                "name": "message",
                "direction": "IN",
                "queueName": "%INGEST_QUEUE%",
                "connection": "DropStorage",
            },
        ),
        (
            "on_work",
            {
                "type": "queueTrigger",
                "name": "message",
                "direction": "IN",
                "queueName": "%WORK_QUEUE%",
                "connection": "DropStorage",
            },
        ),
        (
            "sweep",
            {
                "type": "timerTrigger",
                "name": "timer",
                "direction": "IN",
                "schedule": "%SWEEP_SCHEDULE%",
                "useMonitor": True,
                "runOnStartup": False,
            },
        ),
    ],
)
def test_the_host_gets_the_bindings_it_needs(worker: Worker, name: str, binding: dict[str, Any]) -> None:
    """One binding a function, with the type, names and the deferred blob client that the host acts on."""
    (found,) = worker.bindings(name)
    assert {key: found.get(key) for key in binding} == binding


def test_a_blob_event_runs_the_blob_function(worker: Worker, ferry: Ferry) -> None:
    """The library makes the BlobClient from the reference; the rows land, and no content went through it."""
    ferry.drop("apps/a.ndjson", b'{"Level": "info", "Service": "worker", "Message": "hello"}\n')
    reference = {
        "Connection": "DropStorage",
        "ContainerName": ferry.environ["DROP_CONTAINER"],
        "BlobName": "apps/a.ndjson",
    }
    model = typed("content", json.dumps(reference))
    model.version, model.source, model.content_type = "1.0", "AzureStorageBlobs", "application/json"
    worker.invoke("on_blob", "file", typed("model_binding_data", model))
    assert ferry.server.rows("AppEvents_CL | project Service, Message") == [
        {"Service": "worker", "Message": "hello"}
    ]


def message_metadata(text: str) -> dict[str, Any]:
    """What the host says of a queue message."""
    when = '"2026-11-20T10:00:00+00:00"'
    return {
        "Id": typed("string", str(uuid.uuid4())),
        "DequeueCount": typed("json", "1"),
        "InsertionTime": typed("json", when),
        "ExpirationTime": typed("json", when),
        "NextVisibleTime": typed("json", when),
        "PopReceipt": typed("string", "x"),
        "QueueTrigger": typed("string", text),
    }


def test_a_queue_message_runs_the_message_function(worker: Worker, ferry: Ferry) -> None:
    """A message's records land, whether the host hands it over as text or as bytes."""
    for kind in ("string", "bytes"):
        text = json.dumps({"route": "events", "records": [{"name": f"by {kind}"}]})
        data = typed(kind, text if kind == "string" else text.encode())
        worker.invoke("on_message", "message", data, message_metadata(text))
    found = {row["Name"] for row in ferry.server.rows("Events_CL | project Name")}
    assert found == {"by string", "by bytes"}


def test_a_work_message_and_the_timer_run_their_functions(worker: Worker, ferry: Ferry) -> None:
    """The sweep queues a blob that raised no event; the work function takes it."""
    ferry.app.state.put("meta/born", b"0")
    ferry.drop("events/swept.json", b'{"name": "swept"}')
    timer = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}
    worker.invoke("sweep", "timer", typed("json", json.dumps(timer)))
    (work,) = ferry.queued()
    worker.invoke("on_work", "message", typed("string", json.dumps(work)), message_metadata(""))
    assert ferry.server.rows('Events_CL | where Name == "swept" | count') == [{"Count": 1}]


def test_a_failure_is_told_to_the_host(worker: Worker) -> None:
    """What is no work of this app fails the invocation, so that the host's own retries and poison queue see it."""
    with pytest.raises(RuntimeError, match="no work of this app"):
        worker.invoke("on_work", "message", typed("string", "nonsense"), message_metadata(""))
