"""Handshake, delivery, another try.

Rule: as Event Grid does it: SubscriptionValidation first; then each event in a post
of its own (an array of one with `aeg-event-type: Notification`), tried again on every
answer but 2xx, except 400 and 413, which mean never. To a storage queue it goes as
base64, as Event Grid writes it. Invariant: at least once; at most PENDING events are
held, the rest waits in the log.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from uuid import uuid4

import aiohttp
from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueClient

from .access_log import Written
from .event import TOPIC, Properties, pauses

LOG = logging.getLogger("events")

MAX_ATTEMPTS = 30
"""Event Grid's default."""
PENDING = 500
AT_ONCE = 16
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"


class RefusedError(Exception):
    """The other side will never take it."""


class NotTakenError(Exception):
    """The other side did not take it now."""


class Target(Protocol):
    """Where events go."""

    async def send(self, event: dict[str, Any]) -> None:
        """Deliver one.

        Raises:
            NotTakenError: try again.
            RefusedError: do not.
        """
        ...


class Webhook:
    """A subscription's webhook."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def subscribe(self) -> None:
        """The handshake: the webhook proves that it wants events.

        Raises:
            NotTakenError: no answer, or not a good one.
            RefusedError: an answer without the code.
        """
        code = str(uuid4())
        event = {
            "id": str(uuid4()),
            "topic": TOPIC,
            "subject": "",
            "eventType": VALIDATION,
            "data": {"validationCode": code},
            "dataVersion": "2",
            "metadataVersion": "1",
        }
        answer = await self._post([event], "SubscriptionValidation")
        try:
            said = json.loads(answer)["validationResponse"]
        except (ValueError, LookupError, TypeError) as error:
            raise RefusedError(f"its answer has no validationResponse: {answer[:200]!r}") from error
        if said != code:
            raise RefusedError("it answered the handshake with another code")

    async def send(self, event: dict[str, Any]) -> None:
        """Post one event."""
        await self._post([event], "Notification")

    async def _post(self, events: list[dict[str, Any]], kind: str) -> bytes:
        headers = {"aeg-event-type": kind, "aeg-subscription-name": "LOCAL", "aeg-delivery-count": "0"}
        try:
            async with self._session.post(self._url, json=events, headers=headers) as reply:
                body = await reply.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotTakenError(str(error) or type(error).__name__) from error
        if reply.status in {400, 413}:
            raise RefusedError(f"{reply.status} {body[:200].decode('utf-8', 'replace')}")
        if not 200 <= reply.status < 300:
            raise NotTakenError(f"{reply.status} {body[:200].decode('utf-8', 'replace')}")
        return body


class StorageQueue:
    """A subscription's storage queue."""

    def __init__(self, queue: QueueClient) -> None:
        self._queue = queue

    async def send(self, event: dict[str, Any]) -> None:
        """Put one event on the queue."""
        try:
            await self._queue.send_message(base64.b64encode(json.dumps(event).encode()).decode())
        except AzureError as error:
            raise NotTakenError(str(error).splitlines()[0]) from error


Make = Callable[[Written, Properties], dict[str, Any]]


class Deliveries:
    """Delivers what was written, several at a time.

    Args:
        target: where to.
        make: makes the event.
        head: a blob's properties.
        copies: how often each event is sent: 2 shows what a repeat does.
        late: seconds; each sending waits a random part of it, so events come out of order.
    """

    def __init__(
        self,
        target: Target,
        make: Make,
        head: Callable[[Written], Awaitable[Properties]],
        *,
        copies: int = 1,
        late: float = 0.0,
    ) -> None:
        self._target = target
        self._make = make
        self._head = head
        self._copies = copies
        self._late = late
        self._room = asyncio.Semaphore(PENDING)
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def add(self, written: Written) -> None:
        """Deliver in the background; waits while too many are."""
        await self._room.acquire()
        task = asyncio.create_task(self._deliver(written))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()):
            LOG.error("An event was lost by a mistake of this program.", exc_info=error)

    async def _deliver(self, written: Written) -> None:
        event = self._make(written, await self._head(written))
        await asyncio.gather(*(self._send(event) for _ in range(self._copies)))

    async def _send(self, event: dict[str, Any]) -> None:
        if self._late:
            await asyncio.sleep(random.uniform(0, self._late))  # noqa: S311 - no secret
        said = f"{event['subject']} ({event['data']['api']})"
        waits = pauses()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                async with self._at_once:
                    await self._target.send(event)
            except RefusedError as error:
                LOG.error("Refused, not sent again: %s: %s", said, error)  # noqa: TRY400 - expected
                return
            except NotTakenError as error:
                if attempt == 1:
                    LOG.warning("Not taken, sent again: %s: %s", said, error)
                await asyncio.sleep(next(waits))
            else:
                LOG.info("Delivered: %s", said)
                return
        LOG.error("Dropped after %d tries: %s", MAX_ATTEMPTS, said)


async def head(blobs: BlobServiceClient, written: Written) -> Properties:
    """A blob's properties as they are now; it may be newer than the event, or gone."""
    try:
        found = await blobs.get_blob_client(written.container, written.blob).get_blob_properties()
    except HttpResponseError:
        return Properties()
    except AzureError as error:
        LOG.warning("The blob %s/%s was not asked: %s", written.container, written.blob, error)
        return Properties()
    kind = found.blob_type
    return Properties(
        e_tag=str(found.etag).strip('"'),
        content_type=found.content_settings.content_type or "application/octet-stream",
        content_length=found.size,
        blob_type=str(getattr(kind, "value", kind)),
    )
