"""Blob events: webhook -> the host's own queue -> function.

Rule: as in the real host (Microsoft.Azure.WebJobs.Extensions.Storage.Blobs, source
EventGrid): an event is on the queue `azure-webjobs-blobtrigger-<hostid>` of
AzureWebJobsStorage before the webhook says yes; it is tried poisonBlobThreshold
times, then goes to `webjobs-blobtrigger-poison` in the trigger connection's account.
There is no ETag check and no receipt: the same event twice runs twice. A blob that
is gone when its turn comes is left out.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueClient

from .bindings import Data, ModelBindingData, is_deferred
from .config import HostError
from .loader import Function
from .log import HOST
from .queues import Message, send
from .worker import Worker

POISON = "webjobs-blobtrigger-poison"
CREATED = "Microsoft.Storage.BlobCreated"

_SUBJECT = re.compile(r"/blobServices/default/containers/([^/]+)/blobs/(.+)", re.DOTALL)


def queue_name(host_id: str) -> str:
    """The host's own queue of blob events."""
    return f"azure-webjobs-blobtrigger-{host_id}"


class BlobMessage(msgspec.Struct, rename="pascal"):
    """What is on that queue: the real host's BlobTriggerMessage."""

    function_id: str
    blob_type: str
    container_name: str
    blob_name: str
    e_tag: str = msgspec.field(name="ETag", default="")
    type: str = "BlobTrigger"


class Pattern:
    """A blob trigger's path, `container/{name}` or with text around the parameters.

    Raises:
        HostError: it has no container.
    """

    def __init__(self, path: str, function: str) -> None:
        self.path = path
        self.container, _, blob = path.partition("/")
        if not self.container or "{" in self.container:
            raise HostError(f"Function {function}: the path {path!r} names no container.")
        self._blob = re.compile("".join(_pieces(blob)), re.DOTALL)

    def match(self, container: str, blob: str) -> dict[str, str] | None:
        """The path's parameters, None for another container or name."""
        found = self._blob.fullmatch(blob) if container == self.container else None
        return None if found is None else found.groupdict()


def _pieces(blob: str) -> Iterator[str]:
    if not blob:
        yield ".+"
    for text, name in re.findall(r"([^{]+)|\{(\w+)\}", blob):
        yield re.escape(text) if text else f"(?P<{name}>.+)"


@dataclass(frozen=True, slots=True)
class Created:
    """A BlobCreated event, in whichever schema it came."""

    container: str
    blob: str
    e_tag: str
    blob_type: str


def created(event: Any, account_path: str) -> Created | None:
    """Read an event; None if it tells of something else.

    Args:
        event: Event Grid schema (`eventType`) or CloudEvents (`type`).
        account_path: path of the account's blob endpoint: "" in Azure,
            "/devstoreaccount1" on Azurite.

    Raises:
        ValueError: a BlobCreated event that names no blob.
    """
    if not isinstance(event, dict) or (event.get("eventType") or event.get("type")) != CREATED:
        return None
    data = event.get("data") or {}
    container, blob = _named(str(data.get("url", "")), str(event.get("subject", "")), account_path)
    return Created(container, blob, str(data.get("eTag", "")), str(data.get("blobType", "BlockBlob")))


def _named(url: str, subject: str, account_path: str) -> tuple[str, str]:
    path = urlsplit(url).path.removeprefix(account_path.rstrip("/"))
    container, _, blob = path.removeprefix("/").partition("/")
    if container and blob:
        return unquote(container), unquote(blob)
    if match := _SUBJECT.fullmatch(subject):
        return match[1], match[2]
    raise ValueError("the event names no blob, neither in data.url nor in subject")


class BlobTrigger:
    """One function that blob events run.

    Args:
        function: it.
        pattern: its path, settings resolved.
        blobs: the trigger connection's account.
        events: the host's own queue.
        poison: where events go after their last try.
    """

    def __init__(
        self,
        function: Function,
        pattern: Pattern,
        *,
        blobs: BlobServiceClient,
        events: QueueClient,
        poison: QueueClient,
    ) -> None:
        self.function = function
        self.pattern = pattern
        self.poison = poison
        self._blobs = blobs
        self._events = events

    async def take(self, event: Any) -> bool:
        """Put an event on the host's queue; False if it is not for this function.

        Raises:
            ValueError: an event that cannot be read.
        """
        found = created(event, urlsplit(self._blobs.url).path)
        if found is None or self.pattern.match(found.container, found.blob) is None:
            return False
        message = BlobMessage(self.function.id, found.blob_type, found.container, found.blob, found.e_tag)
        await send(self._events, base64.b64encode(msgspec.json.encode(message)).decode())
        return True

    async def run(self, worker: Worker, container: str, blob: str, reason: str) -> bool:
        """Run the function for a blob; True if it may be forgotten."""
        client = self._blobs.get_blob_client(container, blob)
        try:
            properties = await client.get_blob_properties()
        except ResourceNotFoundError:
            HOST.warning(
                "Blob '%s/%s' is gone; 'Functions.%s' is not run.", container, blob, self.function.name
            )
            return True
        if is_deferred(self.function.annotation):
            return await worker.run(self.function, self._reference(container, blob), reason)
        # InputStream, str and bytes: the whole blob in memory, as in the real worker.
        content = await (await client.download_blob()).readall()
        metadata = {
            "BlobTrigger": f"{container}/{blob}",
            "Uri": client.url,
            "Properties": {
                "Length": properties.size,
                "ContentLength": properties.size,
                "ETag": properties.etag,
            },
            "Metadata": dict(properties.metadata or {}),
            **(self.pattern.match(container, blob) or {}),
        }
        return await worker.run(self.function, Data(content, "bytes", metadata), reason)

    def _reference(self, container: str, blob: str) -> Data:
        content = {
            "Connection": connection_of(self.function.trigger),
            "ContainerName": container,
            "BlobName": blob,
        }
        return Data(ModelBindingData(json.dumps(content)), "model_binding_data")


def connection_of(trigger: Mapping[str, Any]) -> str:
    """Name of a trigger's connection."""
    return str(trigger.get("connection") or "AzureWebJobsStorage")


class BlobQueue:
    """Hands the messages of the host's own queue to the functions that they name."""

    def __init__(self, worker: Worker, triggers: Mapping[str, BlobTrigger]) -> None:
        self._worker = worker
        self._triggers = {trigger.function.id: trigger for trigger in triggers.values()}

    async def handle(self, message: Message) -> bool:
        """Run the function; True if it succeeded or is not there any more."""
        told = msgspec.json.decode(message.body or b"", type=BlobMessage)
        trigger = self._triggers.get(told.function_id)
        if trigger is None:
            HOST.warning("A blob event for %s, which this app does not have: left out.", told.function_id)
            return True
        reason = f"New blob detected(EventGrid): {told.container_name}/{told.blob_name}"
        return await trigger.run(self._worker, told.container_name, told.blob_name, reason)

    async def bury(self, message: Message) -> str:
        """After the last try: to the poison queue of the trigger's own account."""
        told = msgspec.json.decode(message.body or b"", type=BlobMessage)
        await send(self._triggers[told.function_id].poison, message.text)
        return POISON
