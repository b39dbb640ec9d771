"""Puts the samples in, waits for their audit rows, and reads the books.

Rule: an input is over when the host's log has an audit row of it that is an end.
Invariant: an input that never got one is in the result all the same, with what is
known of it.
"""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from shared.audit import Audit
from shared.cli.audit import Tail, audit_of
from shared.cli.local import Local
from shared.cli.workspace import Local as Workspace
from shared.routes import load

from . import inputs, tally

NOT_THE_END = frozenset({"continued", "deferred", "changed"})


@dataclass(slots=True)
class Fate:
    """One input, and what became of it."""

    name: str
    source: str
    version: str
    """"" where any version of the source will do."""
    audit: Audit | None = None
    """The latest row; the last one where the input is over."""

    @property
    def over(self) -> bool:
        """Whether it has come to an end."""
        return self.audit is not None and self.audit.outcome not in NOT_THE_END

    def is_of(self, row: Audit) -> bool:
        """Whether an audit row is about this input."""
        return self.source == row.source and self.version in {"", row.version}


@dataclass(frozen=True, slots=True)
class Dead:
    """One line of the dead letter."""

    name: str
    place: str
    reason: str
    detail: str
    whole: bool
    """Whether it is the source as a whole, not one record of it."""


@dataclass(slots=True)
class Result:
    """What the tour saw."""

    fates: list[Fate]
    tables: list[tally.Landed]
    dead: list[Dead]
    swept: str
    seconds: float
    problems: list[str] = field(default_factory=list)

    @property
    def audits(self) -> list[Audit]:
        """The last row of every input that has one."""
        return [fate.audit for fate in self.fates if fate.audit is not None]


class Drive:
    """One tour over a running local Azure.

    Args:
        local: where it is.
        timeout: seconds to wait for audit rows.
        pulse: called all along; whatever it raises ends the tour.
    """

    def __init__(self, local: Local, timeout: float, pulse: Callable[[], None] = lambda: None) -> None:
        self._local = local
        self._timeout = timeout
        self._pulse = pulse
        self._tail = Tail(local.log)
        self._fates: list[Fate] = []
        self._swept = ""
        self._streams = {route.stream: route.table for route in load(local.routes).by_name.values()}

    def run(self) -> Result:
        """Everything in, everything waited for, all books read."""
        began = time.monotonic()
        before = self._books()
        later = self._put()
        self._sweep()
        self._wait()
        for message in later:
            self._send(message)
        self._wait()
        after = self._books()
        return self._result(before, after, time.monotonic() - began)

    # -- in ---------------------------------------------------------------------------------

    def _put(self) -> list[inputs.Message]:
        """Upload the files and send the messages; gives those that have to wait for a file's end."""
        local = self._local
        with BlobServiceClient.from_connection_string(local.connection_string) as service:
            with contextlib.suppress(ResourceExistsError):
                service.create_container(inputs.ARCHIVE)
            for file in inputs.files(local.drop_container):
                answer = service.get_blob_client(file.container, file.path).upload_blob(
                    file.data, overwrite=True
                )
                if file.container == local.drop_container:
                    self._fates.append(Fate(file.path, file.source, answer["etag"].strip('"')))
        waiting = []
        for message in inputs.messages(local.blob_url):
            if {fate.source for fate in self._fates} & set(local.sources_of(message.text)):
                waiting.append(message)
            else:
                self._send(message)
        return waiting

    def _send(self, message: inputs.Message) -> None:
        with QueueClient.from_connection_string(
            self._local.connection_string, self._local.ingest_queue
        ) as queue:
            identity = queue.send_message(message.text).id
        name = f"message {message.name}"
        named = [Fate(name, source, "") for source in self._local.sources_of(message.text)]
        self._fates += named or [Fate(name, identity, identity)]

    def _sweep(self) -> None:
        """Run the timer now, as an operator would."""
        post(f"{self._local.host_url}/admin/functions/sweep", {"input": ""})

    # -- through ----------------------------------------------------------------------------

    def _wait(self) -> None:
        until = time.monotonic() + self._timeout
        while not (self._swept and all(fate.over for fate in self._fates)) and time.monotonic() < until:
            self._pulse()
            self._look()
            time.sleep(0.05)

    def _look(self) -> None:
        for line in self._tail.lines():
            row = audit_of(line)
            if row is None:
                self._swept = self._swept or line.partition("sweep: ")[2]
                continue
            fate = next((fate for fate in self._fates if not fate.over and fate.is_of(row)), None)
            if fate is not None:
                fate.audit = row

    # -- the books --------------------------------------------------------------------------

    def _books(self) -> dict[str, dict[str, int]]:
        """Rows received and dropped by stream, rows by table, losses by kind, as they are now."""
        metrics = get(f"{self._local.monitor_url}/local/metrics")
        losses = get(f"{self._local.monitor_url}/local/losses")["counts"]
        tables, workspace = dict.fromkeys(self._streams.values()), Workspace(self._local.query_url)
        return {
            "received": {m["InputStreamId"]: m["RowsReceived_Count"] for m in metrics},
            "dropped": {m["InputStreamId"]: m["RowsDropped_Count"] for m in metrics},
            "rows": {table: int(workspace.ask(f"{table} | count").rows[0][0]) for table in tables},
            "losses": {kind: found["count"] for kind, found in losses.items()},
        }

    def _result(
        self, before: dict[str, dict[str, int]], after: dict[str, dict[str, int]], seconds: float
    ) -> Result:
        new = {
            book: {name: count - before[book].get(name, 0) for name, count in counts.items()}
            for book, counts in after.items()
        }
        result = Result(self._fates, [], self._dead(), self._swept, seconds)
        result.tables = tally.landed(
            self._streams, result.audits, new["received"], new["dropped"], new["rows"]
        )
        records = sum(not line.whole for line in result.dead)
        result.problems = [
            *self._missing(),
            *tally.problems(result.audits, result.tables, records, new["losses"]),
        ]
        return result

    def _missing(self) -> Iterable[str]:
        for fate in self._fates:
            if fate.audit is None:
                yield f"{fate.name}: no audit row within {self._timeout:g} s."
            elif not fate.over:
                yield f"{fate.name}: {fate.audit.outcome} after {self._timeout:g} s: {fate.audit.reason}"
        if not self._swept:
            yield f"the sweep: no word of it within {self._timeout:g} s."

    def _dead(self) -> list[Dead]:
        """Every line of the dead letter that is about this tour's inputs."""
        names = {(f.audit.source, f.audit.version): f.name for f in self._fates if f.audit is not None}
        found = []
        with BlobServiceClient.from_connection_string(self._local.connection_string) as service:
            container = service.get_container_client(self._local.deadletter_container)
            if not container.exists():
                return []
            for blob in container.list_blobs():
                for text in container.download_blob(blob.name).readall().splitlines():
                    line = json.loads(text)
                    name = names.get((line["source"], line["version"]))
                    if name is not None:
                        found.append(_dead_line(name, line))
        order = [fate.name for fate in self._fates]
        return sorted(found, key=lambda dead: order.index(dead.name))


def _dead_line(name: str, line: dict[str, Any]) -> Dead:
    whole = "ordinal" not in line
    place = f"line {line['line']:,}" if line.get("line") else f"record {line.get('ordinal', 0) + 1:,}"
    return Dead(name, "as a whole" if whole else place, line["reason"], line["detail"], whole)


def get(url: str) -> Any:
    """JSON from local Azure."""
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - loopback
        return json.load(response)


def post(url: str, value: Any) -> None:
    """JSON to local Azure."""
    body = json.dumps(value).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        pass
