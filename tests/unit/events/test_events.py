"""The Event Grid stand-in, as a process, between a real Azurite and a webhook."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobBlock, BlobServiceClient, ContainerClient
from azure.storage.queue import QueueClient

from local.stack.process import Part, PartDiedError
from tests.azurite import Azurite
from tests.unit.events.webhook import Webhook

ROOT = Path(__file__).parents[3]
SECONDS = 30.0
_number = itertools.count(1)


def until(true: Callable[[], Any]) -> Any:
    """Wait for something to become true; gives it."""
    end = time.monotonic() + SECONDS
    while not (value := true()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return value


@pytest.fixture
def container(azurite: Azurite) -> Iterator[ContainerClient]:
    """A new container."""
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        yield service.create_container(f"events-{next(_number)}")


@pytest.fixture
def hooks() -> Iterator[Callable[..., Webhook]]:
    """Makes webhooks, and closes them."""
    with contextlib.ExitStack() as made:

        def make(*statuses: int) -> Webhook:
            webhook = Webhook(*statuses)
            made.callback(webhook.close)
            return webhook

        yield make


@pytest.fixture
def run(azurite: Azurite, tmp_path: Path) -> Iterator[Callable[..., Part]]:
    """Starts the program, and ends it."""
    with contextlib.ExitStack() as started:

        def begin(container: ContainerClient, *options: str) -> Part:
            command = [sys.executable, "-m", "local.events", "--log", str(azurite.log_path)]
            command += ["--blob-endpoint", azurite.blob_endpoint, "--container", container.container_name]
            environment = {"PATH": os.environ["PATH"], "EVENTS_STORAGE": azurite.connection_string}
            log = tmp_path / f"events-{next(_number)}.log"
            part = Part("events", [*command, *options], environment=environment, log_path=log, cwd=ROOT)
            started.callback(part.stop)
            return part

        yield begin


def ready(printed: str) -> bool | None:
    """Whether it is subscribed."""
    return True if re.search(r'^\{"ready": true', printed, re.MULTILINE) else None


Hooks = Callable[..., Webhook]
Run = Callable[..., Part]


def test_every_kind_of_write_and_every_name_is_told_once(
    container: ContainerClient, hooks: Hooks, run: Run
) -> None:
    """Each write that raises an event in Azure raises one here, with the blob's very name; others none."""
    webhook = hooks()
    container.upload_blob("before", b"x")
    run(container, "--webhook", webhook.url).wait_for(ready, SECONDS)
    names = ["a/b c#d%e?ä😀+&=.txt", "x/%41%2Fy", "dir//two", 'it\'s "quoted"']
    for name in names:
        container.upload_blob(name, b"12345", content_type="text/x")
    blocks = container.get_blob_client("blocks")
    blocks.stage_block("YQ==", b"hello")
    blocks.commit_block_list([BlobBlock("YQ==")])
    append = container.get_blob_client("append")
    append.create_append_blob()
    append.append_block(b"more")
    append.set_blob_metadata({"a": "b"})
    container.get_blob_client("copy").start_copy_from_url(blocks.url)
    container.upload_blob("last", b"x")
    until(lambda: any(event["subject"].endswith("/last") for event in webhook.events))
    until(lambda: len(webhook.events) >= len(names) + 4)
    prefix = f"/blobServices/default/containers/{container.container_name}/blobs/"
    told = {event["subject"].removeprefix(prefix): event for event in webhook.events}
    assert sorted(told) == sorted([*names, "blocks", "append", "copy", "last"])
    assert len(webhook.events) == len(told)
    assert {told[name]["data"]["api"] for name in [*names, "append"]} == {"PutBlob"}
    assert (told["blocks"]["data"]["api"], told["copy"]["data"]["api"]) == ("PutBlockList", "CopyBlob")
    first = told[names[0]]
    assert first["data"]["contentLength"] == 5
    assert first["data"]["contentType"] == "text/x"
    assert first["data"]["eTag"] == container.get_blob_client(names[0]).get_blob_properties().etag.strip('"')
    assert first["data"]["url"] == container.get_blob_client(names[0]).url.replace("%27", "'")
    assert told["append"]["data"]["blobType"] == "AppendBlob"
    assert webhook.kinds[0] == "SubscriptionValidation"


def test_event_is_sent_again_while_the_webhook_is_down(
    container: ContainerClient, hooks: Hooks, run: Run
) -> None:
    """An event that is not taken (5xx, 401, 404) is tried again; one that is refused (400) is not."""
    webhook = hooks(503, 404, 202)
    part = run(container, "--webhook", webhook.url)
    part.wait_for(ready, SECONDS)
    container.upload_blob("a", b"x")
    until(lambda: webhook.events)
    assert webhook.kinds.count("Notification") == 3
    refusing = hooks(400)
    part = run(container, "--webhook", refusing.url)
    part.wait_for(ready, SECONDS)
    container.upload_blob("b", b"x")
    until(lambda: "Refused, not sent again" in part.printed())
    assert refusing.kinds.count("Notification") == 1


def test_twice_and_late_deliver_every_event_twice(container: ContainerClient, hooks: Hooks, run: Run) -> None:
    """With --twice and --late each event comes twice, the same one, sooner or later."""
    webhook = hooks()
    run(container, "--webhook", webhook.url, "--twice", "--late", "0.3").wait_for(ready, SECONDS)
    for number in range(5):
        container.upload_blob(str(number), b"x")
    until(lambda: len(webhook.events) == 10)
    ids = [event["id"] for event in webhook.events]
    assert all(ids.count(one) == 2 for one in ids)


def test_sibling_container_is_not_told(
    container: ContainerClient, azurite: Azurite, hooks: Hooks, run: Run
) -> None:
    """The filter ends with a slash: a container whose name only begins the same raises nothing."""
    webhook = hooks()
    run(container, "--webhook", webhook.url).wait_for(ready, SECONDS)
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        service.create_container(f"{container.container_name}-more").upload_blob("other", b"x")
    container.upload_blob("own", b"x")
    until(lambda: webhook.events)
    assert [event["subject"].rpartition("/")[2] for event in webhook.events] == ["own"]


def test_queue_gets_cloud_events_in_base64(container: ContainerClient, azurite: Azurite, run: Run) -> None:
    """A storage queue as the target gets one event a message, in base64, in the schema asked for."""
    with QueueClient.from_connection_string(azurite.connection_string, container.container_name) as queue:
        with contextlib.suppress(ResourceExistsError):
            queue.create_queue()
        part = run(container, "--queue", container.container_name, "--schema", "cloudevents")
        part.wait_for(ready, SECONDS)
        container.upload_blob("a", b"x")
        message = until(queue.peek_messages)[0]
    event = json.loads(base64.b64decode(message.content))
    assert (event["type"], event["specversion"]) == ("Microsoft.Storage.BlobCreated", "1.0")


def test_webhook_without_handshake_is_refused(container: ContainerClient, azurite: Azurite, run: Run) -> None:
    """A webhook that does not give the code back gets no subscription, and the program says why."""
    part = run(container, "--webhook", azurite.blob_endpoint)
    with pytest.raises(PartDiedError, match="No subscription"):
        part.wait_for(ready, SECONDS)
