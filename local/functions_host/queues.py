"""Storage queues: poll, hold, retry, poison.

Rule: the real host's behaviour (Microsoft.Azure.WebJobs.Extensions.Storage.Queues):
up to batchSize messages a poll, more as soon as no more than newBatchThreshold are
running; empty polls back off from 100 ms to maxPollingInterval; a message is hidden
for the lock time while it runs and renewed at half of it. Invariant: deleted after
success, shown again after visibilityTimeout on failure, moved to the poison queue
after maxDequeueCount tries; whatever is not settled comes back by itself.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from .config import QueueOptions
from .log import HOST

FIRST_PAUSE = 0.1


@dataclass(slots=True)
class Message:
    """A message that this host holds."""

    id: str
    text: str
    """As it is on the queue."""
    body: bytes | None
    """Decoded; None when the text is not what messageEncoding says."""
    dequeue_count: int
    pop_receipt: str
    inserted: datetime
    expires: datetime
    next_visible: datetime

    @property
    def metadata(self) -> dict[str, Any]:
        """As trigger metadata, under the names that azure-functions reads."""
        return {
            "Id": self.id,
            "DequeueCount": self.dequeue_count,
            "InsertionTime": self.inserted.isoformat(),
            "ExpirationTime": self.expires.isoformat(),
            "NextVisibleTime": self.next_visible.isoformat(),
            "PopReceipt": self.pop_receipt,
        }


Handle = Callable[[Message], Awaitable[bool]]
"""Works on a message; True if it may be deleted."""
Bury = Callable[[Message], Awaitable[str]]
"""Puts a message on a poison queue; gives that queue's name."""


def decode_text(text: str, encoding: str) -> bytes | None:
    """The body of a message, None if it is not in that encoding (base64 or none)."""
    if encoding == "none":
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def encode_body(body: bytes, encoding: str) -> str:
    """The text of a message with this body."""
    return base64.b64encode(body).decode() if encoding == "base64" else body.decode("utf-8", "replace")


async def send(queue: QueueClient, text: str) -> None:
    """Put a message on a queue, which is created if it is not there."""
    try:
        await queue.send_message(text, time_to_live=-1)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):  # another message had the same idea
            await queue.create_queue()
        await queue.send_message(text, time_to_live=-1)


class Listener:
    """Polls one queue.

    Args:
        service: the account; it stays open as long as the listener.
        name: of the queue.
        options: sizes and times.
        lock_seconds: how long a message stays hidden while it runs.
        handle: works on a message.
        bury: where messages go after their last try; `<name>-poison` if not given.
    """

    def __init__(
        self,
        service: QueueServiceClient,
        name: str,
        options: QueueOptions,
        *,
        lock_seconds: int,
        handle: Handle,
        bury: Bury | None = None,
    ) -> None:
        self.name = name
        self._queue = service.get_queue_client(name)
        self._poison = service.get_queue_client(f"{name}-poison")
        self._options = options
        self._lock = lock_seconds
        self._handle = handle
        self._bury = bury or self._to_poison_queue
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()
        self._trouble = ""

    @property
    def running(self) -> int:
        """How many messages are worked on."""
        return len(self._running)

    def nudge(self) -> None:
        """There is something on the queue: do not wait for the next poll."""
        self._wake.set()

    def stop(self) -> None:
        """Take no more messages; those that run go on."""
        self._stopping.set()
        self._wake.set()

    async def finish(self) -> None:
        """Wait for the messages that run."""
        while self._running:
            await asyncio.wait(self._running)

    async def run(self) -> None:
        """Poll until stopped."""
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            self._wake.clear()
            messages = await self._fetch()
            if self._stopping.is_set():
                await self._give_back(messages)
                return
            for message in messages:
                task = asyncio.create_task(self._work(message), name=message.id)
                self._running.add(task)
                task.add_done_callback(self._ended)
            if messages:
                pause = FIRST_PAUSE
                await self._room()
                continue
            await self._sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - only spreads the polls
            pause = min(pause * 2, max(FIRST_PAUSE, self._options.max_polling_interval))

    async def _fetch(self) -> list[Message]:
        try:
            pages = self._queue.receive_messages(
                messages_per_page=self._options.batch_size, visibility_timeout=self._lock
            ).by_page()
            received = [raw async for raw in await anext(pages)]
        except StopAsyncIteration:
            received = []
        except ResourceNotFoundError:
            return self._no_luck("does not exist (yet)")
        except (AzureError, OSError) as error:
            return self._no_luck(f"cannot be read: {str(error).splitlines()[0]}")
        self._trouble = ""
        return [self._message(raw) for raw in received]

    def _no_luck(self, trouble: str) -> list[Message]:
        if trouble != self._trouble:  # once, not at every poll
            HOST.warning("The queue '%s' %s; polling goes on.", self.name, trouble)
            self._trouble = trouble
        return []

    def _message(self, raw: Any) -> Message:
        return Message(
            id=raw.id,
            text=raw.content,
            body=decode_text(raw.content, self._options.encoding),
            dequeue_count=raw.dequeue_count,
            pop_receipt=raw.pop_receipt,
            inserted=raw.inserted_on,
            expires=raw.expires_on,
            next_visible=raw.next_visible_on,
        )

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()):
            HOST.error(
                "The message %s of the queue '%s' could not be settled; it comes back.",
                task.get_name(),
                self.name,
                exc_info=error,
            )

    async def _room(self) -> None:
        while len(self._running) > self._options.new_batch_threshold and not self._stopping.is_set():
            self._wake.clear()
            await self._wake.wait()

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    async def _work(self, message: Message) -> None:
        done = asyncio.Event()
        renewing = asyncio.create_task(self._renew(message, done))
        try:
            succeeded = await self._try(message)
        finally:
            done.set()
            await renewing  # the pop receipt is final from here on
        if succeeded:
            await self._queue.delete_message(message.id, message.pop_receipt)
        else:
            await self._failed(message)

    async def _try(self, message: Message) -> bool:
        if message.dequeue_count > self._options.max_dequeue_count:
            return False  # its last try ended with a host, not with an exception
        if message.body is None:
            HOST.error("The message %s of the queue '%s' is not valid base64.", message.id, self.name)
            return False
        return await self._handle(message)

    async def _renew(self, message: Message, done: asyncio.Event) -> None:
        while True:
            try:
                await asyncio.wait_for(done.wait(), self._lock / 2)
            except TimeoutError:
                try:
                    await self._hide(message, self._lock)
                except AzureError as error:
                    HOST.warning("The message %s could not be held on to: %s", message.id, error)
            else:
                return

    async def _hide(self, message: Message, seconds: float) -> None:
        updated = await self._queue.update_message(
            message.id, message.pop_receipt, visibility_timeout=round(seconds)
        )
        message.pop_receipt = str(updated.pop_receipt)

    async def _failed(self, message: Message) -> None:
        if message.dequeue_count < self._options.max_dequeue_count:
            await self._hide(message, self._options.visibility_timeout)
            return
        where = await self._bury(message)
        await self._queue.delete_message(message.id, message.pop_receipt)
        HOST.error(
            "Message has reached MaxDequeueCount of %d. Moving message %s of '%s' to queue '%s'.",
            self._options.max_dequeue_count,
            message.id,
            self.name,
            where,
        )

    async def _to_poison_queue(self, message: Message) -> str:
        await send(self._poison, message.text)
        return f"{self.name}-poison"

    async def _give_back(self, messages: list[Message]) -> None:
        for message in messages:
            await self._hide(message, 0)
