"""All of the host together: functions, their listeners, the HTTP face.

Rule: everything that can be wrong with an app is found before anything listens.
Invariant: after `stop` nothing new begins; what runs has a few seconds, and what
does not finish in them comes back by its queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web
from azure.core.exceptions import AzureError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from . import blobs, queues, settings
from .bindings import Data, encode_queue
from .config import HostConfig
from .loader import Function, Output
from .log import HOST
from .schedule import Schedule
from .timers import Timer
from .web import build
from .worker import Worker

OWN = "AzureWebJobsStorage"
HOST_ID = "AzureFunctionsWebHost__hostid"
"""Setting that names the host; without it, the app's folder does."""


class Host:
    """A host for one app.

    Args:
        app: its folder.
        functions: what it has.
        config: its host.json.
        lock_seconds: how long a message stays hidden while it runs.
        key: of the webhook, None for no check.

    Raises:
        HostError: a setting, connection or schedule cannot be used.
    """

    def __init__(
        self,
        app: Path,
        functions: list[Function],
        config: HostConfig,
        *,
        lock_seconds: int = 600,
        key: str | None = None,
    ) -> None:
        self.id = os.environ.get(HOST_ID) or hashlib.sha256(str(app).encode()).hexdigest()[:32]
        self.functions = {function.name: function for function in functions}
        self.blob_triggers: dict[str, blobs.BlobTrigger] = {}
        self._config = config
        self._lock = lock_seconds
        self._key = key
        self._worker = Worker(str(app), config.timeout, self._write)
        self._blob_services: dict[str, BlobServiceClient] = {}
        self._queue_services: dict[str, QueueServiceClient] = {}
        self._listeners: list[queues.Listener] = []
        self._timers: dict[str, Timer] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        for function in functions:
            HOST.info("%s: %s", function.name, self._prepare(function))
        self._blob_listener = self._listen_to_blob_events() if self.blob_triggers else None

    def _prepare(self, function: Function) -> str:
        """Make the function's listener; gives a sentence on what it listens to."""
        for output in function.outputs:
            self._queue_client(output)
        kind = function.trigger["type"]
        if kind == "queueTrigger":
            return self._prepare_queue(function)
        return self._prepare_blob(function) if kind == "blobTrigger" else self._prepare_timer(function)

    def _prepare_queue(self, function: Function) -> str:
        name = settings.resolve(function.trigger["queueName"], function.name)
        connection = blobs.connection_of(function.trigger)

        async def handle(message: queues.Message) -> bool:
            reason = f"New queue message detected on '{name}'."
            return await self._worker.run(
                function, _queue_data(message.body or b"", message.metadata), reason
            )

        self._listeners.append(
            queues.Listener(
                self._queues(connection), name, self._config.queues, lock_seconds=self._lock, handle=handle
            )
        )
        return f"queueTrigger on queue '{name}' ({connection})"

    def _prepare_blob(self, function: Function) -> str:
        pattern = blobs.Pattern(settings.resolve(function.trigger["path"], function.name), function.name)
        connection = blobs.connection_of(function.trigger)
        self.blob_triggers[function.name] = blobs.BlobTrigger(
            function,
            pattern,
            blobs=self._blobs(connection),
            events=self._queues(OWN).get_queue_client(blobs.queue_name(self.id)),
            poison=self._queues(connection).get_queue_client(blobs.POISON),
        )
        return f"blobTrigger on '{pattern.path}' ({connection}), events by /runtime/webhooks/blobs"

    def _prepare_timer(self, function: Function) -> str:
        expression = settings.resolve(function.trigger["schedule"], function.name)
        timer = Timer(function, Schedule(expression, function.name), self.id, self._blobs(OWN))
        self._timers[function.name] = timer
        following = timer.schedule.after(datetime.now(UTC))
        return f"timerTrigger '{expression}', next {following:%Y-%m-%d %H:%M:%S} UTC"

    def _listen_to_blob_events(self) -> queues.Listener:
        handler = blobs.BlobQueue(self._worker, self.blob_triggers)
        listener = queues.Listener(
            self._queues(OWN),
            blobs.queue_name(self.id),
            self._config.blobs.as_queue(),
            lock_seconds=self._lock,
            handle=handler.handle,
            bury=handler.bury,
        )
        self._listeners.append(listener)
        return listener

    def _blobs(self, connection: str) -> BlobServiceClient:
        if connection not in self._blob_services:
            self._blob_services[connection] = settings.blob_service(connection)
        return self._blob_services[connection]

    def _queues(self, connection: str) -> QueueServiceClient:
        if connection not in self._queue_services:
            self._queue_services[connection] = settings.queue_service(connection)
        return self._queue_services[connection]

    def _queue_client(self, output: Output) -> Any:
        return self._queues(output.connection).get_queue_client(settings.resolve(output.queue, "an output"))

    async def _write(self, output: Output, value: Any) -> None:
        queue = self._queue_client(output)
        for body in encode_queue(value, output.annotation):
            await queues.send(queue, queues.encode_body(body, self._config.queues.encoding))

    async def start(self, port: int) -> tuple[web.AppRunner, str]:
        """Listen to everything; gives the server and its URL."""
        if self.blob_triggers:
            await self._make_blob_queue()
        for listener in self._listeners:
            self._spawn(listener.run())
        for timer in self._timers.values():
            self._spawn(timer.run(self._worker))
        runner = web.AppRunner(build(self, self._key), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def _make_blob_queue(self) -> None:
        with contextlib.suppress(
            AzureError
        ):  # there already, or storage is not up yet: made when first needed
            await self._queues(OWN).create_queue(blobs.queue_name(self.id))

    async def take_event(self, name: str, event: Any) -> bool:
        """Put a blob event on the host's queue; False if it is not for this function."""
        taken = await self.blob_triggers[name].take(event)
        if taken and self._blob_listener is not None:
            self._blob_listener.nudge()
        return taken

    def run_now(self, name: str, given: str) -> None:
        """Run a function without its trigger, in the background.

        Args:
            name: of the function.
            given: a queue message's text, a blob as container/path; timers ignore it.

        Raises:
            ValueError: a blob function and no container/path.
        """
        function = self.functions[name]
        reason = "This function was programmatically called via the host APIs."
        if name in self._timers:
            self._spawn(self._timers[name].now(self._worker))
        elif name in self.blob_triggers:
            container, _, blob = given.partition("/")
            if not blob:
                raise ValueError('The input of a blob function is "container/path".')
            self._spawn(self.blob_triggers[name].run(self._worker, container, blob, reason))
        else:
            self._spawn(self._worker.run(function, _queue_data(given.encode(), _made_up()), reason))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            HOST.error("The host's own work failed.", exc_info=error)

    async def stop(self, seconds: float) -> bool:
        """Take nothing new, wait for what runs; True if all of it finished."""
        for listener in self._listeners:
            listener.stop()
        for timer in self._timers.values():
            timer.stop()
        finished = await self._drained(seconds)
        for task in list(self._tasks):
            task.cancel()
        for blob_service in self._blob_services.values():
            await blob_service.close()
        for queue_service in self._queue_services.values():
            await queue_service.close()
        return finished

    async def _drained(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while self._worker.running or any(listener.running for listener in self._listeners):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return False
        return True


def _queue_data(body: bytes, metadata: dict[str, Any]) -> Data:
    try:
        return Data(body.decode(), "string", metadata)
    except UnicodeDecodeError:
        return Data(body, "bytes", metadata)


def _made_up() -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "Id": str(uuid4()),
        "DequeueCount": 1,
        "InsertionTime": now.isoformat(),
        "ExpirationTime": (now + timedelta(days=7)).isoformat(),
        "NextVisibleTime": now.isoformat(),
        "PopReceipt": "",
    }
