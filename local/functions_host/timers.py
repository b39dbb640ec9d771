"""Runs on a schedule, past due included.

Rule: one run at a time; runs that were missed, because one took long or the host was
not there, collapse into one that is past due; an exception neither stops the
schedule nor repeats the run. When the next run is due is kept in a blob
(azure-webjobs-hosts/timers/<hostid>/Host.Functions.<name>/status, as the real host
does), unless use_monitor is off. One host is assumed: there is no lease.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from .bindings import Data
from .loader import Function
from .log import HOST
from .schedule import Schedule
from .worker import Worker

CONTAINER = "azure-webjobs-hosts"


class Timer:
    """One function that a schedule runs.

    Args:
        function: it.
        schedule: when.
        host_id: part of the status blob's name.
        blobs: AzureWebJobsStorage.
    """

    def __init__(
        self, function: Function, schedule: Schedule, host_id: str, blobs: BlobServiceClient
    ) -> None:
        self.function = function
        self.schedule = schedule
        self._monitored = function.trigger.get("useMonitor") is not False
        self._container = blobs.get_container_client(CONTAINER)
        self._status = self._container.get_blob_client(f"timers/{host_id}/{function.id}/status")
        self._last: datetime | None = None
        self._stopping = False

    async def run(self, worker: Worker) -> None:
        """Keep the schedule until cancelled."""
        now = datetime.now(UTC)
        stored = await self._read()
        due = stored if stored is not None and stored < now else self.schedule.after(now)
        if self.function.trigger.get("runOnStartup"):
            due = await self._once(worker, past_due=due < now)
        while True:
            await self._write(due)
            late = due < datetime.now(UTC)  # before any waiting: it was missed
            await _until(due)
            if self._stopping:
                return
            due = await self._once(worker, past_due=late)

    def stop(self) -> None:
        """Begin no run any more; one that runs goes on."""
        self._stopping = True

    async def now(self, worker: Worker) -> None:
        """Run it once, apart from the schedule (admin call)."""
        await self._invoke(worker, self._data(past_due=False), "This function was programmatically called.")

    async def _once(self, worker: Worker, *, past_due: bool) -> datetime:
        self._last = datetime.now(UTC)
        await self._invoke(worker, self._data(past_due=past_due), f"Timer fired at {self._last.isoformat()}")
        # Counted from the run's beginning: whatever was missed before it is settled by it, and
        # what was missed while it ran is in the past now and will be run once.
        return self.schedule.after(self._last)

    async def _invoke(self, worker: Worker, data: Data, reason: str) -> None:
        await worker.run(self.function, data, reason)

    def _data(self, *, past_due: bool) -> Data:
        following = self.schedule.after(datetime.now(UTC))
        status = {"Last": _text(self._last), "Next": _text(following), "LastUpdated": _text(self._last)}
        schedule = {"AdjustForDST": False}
        info = {"Schedule": schedule, "ScheduleStatus": status, "IsPastDue": past_due}
        return Data(json.dumps(info), "json")

    async def _read(self) -> datetime | None:
        if not self._monitored:
            return None
        try:
            raw = json.loads(await (await self._status.download_blob()).readall())
            return datetime.fromisoformat(raw["Next"])
        except ResourceNotFoundError:
            return None
        except (AzureError, ValueError, KeyError, TypeError) as error:
            HOST.warning("The status of the timer '%s' cannot be read: %s", self.function.name, error)
            return None

    async def _write(self, due: datetime) -> None:
        if not self._monitored:
            return
        status = {"Last": _text(self._last), "Next": _text(due), "LastUpdated": _text(datetime.now(UTC))}
        try:
            with contextlib.suppress(ResourceExistsError):
                await self._container.create_container()
            await self._status.upload_blob(json.dumps(status), overwrite=True)
        except AzureError as error:
            HOST.warning("The status of the timer '%s' cannot be written: %s", self.function.name, error)


def _text(moment: datetime | None) -> str:
    return (moment or datetime.min.replace(tzinfo=UTC)).isoformat()


async def _until(due: datetime) -> None:
    while (left := (due - datetime.now(UTC)).total_seconds()) > 0:
        await asyncio.sleep(min(left, 60))  # the clock may be set
