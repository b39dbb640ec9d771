"""Files, messages and the timer through the Functions host, by its surface alone.

Nothing here knows which host runs: with `HOST=func` in the environment, and Azure
Functions Core Tools installed, the same tests drive the real one.
"""

from __future__ import annotations

import gzip
import json
import os
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.stack.stack import Options, Stack
from shared.ledger.entry import Entry, parse

ROOT = Path(__file__).resolve().parents[2]
ZEEK = ROOT.parent / "shared" / "data" / "zeek" / "dns.json.gz"
SECONDS = 90.0


class Azure:
    """A running stack, as a user's tools see it."""

    def __init__(self, stack: Stack) -> None:
        self.state = stack.state
        self.blobs = BlobServiceClient.from_connection_string(self.state.connection_string)
        self.queues = QueueServiceClient.from_connection_string(self.state.connection_string)
        self.drop = self.blobs.get_container_client(self.state.drop_container)

    def query(self, kql: str) -> list[dict[str, Any]]:
        """Rows of a query of the workspace."""
        body = json.dumps({"query": kql}).encode()
        request = urllib.request.Request(self.state.query_url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            (table,) = json.loads(reply.read())["tables"]
        names = [column["name"] for column in table["columns"]]
        return [dict(zip(names, row, strict=True)) for row in table["rows"]]

    def run(self, function: str, text: str = "") -> int:
        """Start a function through the host's admin surface; the status."""
        url = f"{self.state.host_url}/admin/functions/{function}"
        body = json.dumps({"input": text}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            return int(reply.status)

    def entry(self, name: str) -> Entry | None:
        """A dropped blob's entry in the ledger."""
        blob = self.blobs.get_blob_client(
            self.state.state_container, f"blobs/{self.state.drop_container}/{name}"
        )
        return parse(blob.download_blob().readall()) if blob.exists() else None

    def losses(self) -> list[Any]:
        """What Azure would have lost in silence."""
        with urllib.request.urlopen(f"{self.state.monitor_url}/local/losses") as reply:
            return list(json.loads(reply.read())["losses"])

    def done(self, name: str) -> Callable[[], Entry | None]:
        """Whether a dropped blob is done."""

        def look() -> Entry | None:
            entry = self.entry(name)
            return entry if entry is not None and entry.state == "done" else None

        return look


def wait(found: Callable[[], Any]) -> Any:
    """What `found` gives, as soon as it gives something."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    kind = "func" if os.environ.get("HOST") == "func" else "python"
    options = Options(
        state_dir=tmp_path_factory.mktemp("stack"),
        host=kind,
        settings={"SWEEP_SETTLE_SECONDS": "0"},
        event_options=("--twice",),
    )
    with Stack(options) as stack:
        azure = Azure(stack)
        yield azure
        azure.blobs.close()
        azure.queues.close()


def test_a_dropped_file_lands_once_though_its_event_comes_twice(azure: Azure) -> None:
    """Every event is delivered twice here; every row is there once."""
    azure.drop.upload_blob("events/a b/ü#1.json", b'[{"name": "one"}, {"name": "two"}]')
    wait(azure.done("events/a b/ü#1.json"))
    time.sleep(1)  # the second delivery has had its chance
    assert azure.query('Events_CL | where Name in ("one", "two") | count') == [{"Count": 2}]


def test_a_message_lands(azure: Azure) -> None:
    """Records in a queue message are rows."""
    azure.queues.get_queue_client(azure.state.ingest_queue).send_message(
        '{"name": "by queue", "severity": 3}'
    )
    rows = wait(lambda: azure.query('Events_CL | where Name == "by queue" | project Severity'))
    assert rows == [{"Severity": 3}]


def test_the_timer_takes_what_raised_no_event(azure: Azure) -> None:
    """An append raises no event: the sweep, run through the admin surface, finds what was added."""
    blob = azure.drop.get_blob_client("apps/growing.ndjson")
    blob.create_append_blob()
    wait(azure.done("apps/growing.ndjson"))
    line = b'{"Level": "info", "Service": "growing", "Message": "%d"}\n'
    for number in range(2):
        blob.append_block(line % number)
        assert azure.run("sweep") == 202
        query = 'AppEvents_CL | where Service == "growing" | project Message'
        wait(lambda: len(azure.query(query)) > number)  # noqa: B023 - called before the next turn
        wait(azure.done("apps/growing.ndjson"))
    assert sorted(row["Message"] for row in azure.query(query)) == ["0", "1"]


@pytest.mark.skipif(not ZEEK.exists(), reason="the Zeek records are not beside this checkout")
def test_53615_real_records_land_complete(azure: Azure) -> None:
    """Zeek's DNS log, names with dots and times of 2018: every row equals its source, field by field."""
    azure.drop.upload_blob("zeek/2018/dns.json.gz", ZEEK.read_bytes())
    entry = wait(azure.done("zeek/2018/dns.json.gz"))
    source = [json.loads(line) for line in gzip.decompress(ZEEK.read_bytes()).splitlines()]
    assert len(source) == entry.counts.read == entry.counts.accepted == 53_615
    assert entry.counts.changed["time_replaced"] == 53_615
    columns = ", ".join(_COLUMNS)
    rows = azure.query(f"ZeekDns_CL | project {columns}, EventTime, Answers, Extra")
    assert Counter(_landed(row) for row in rows) == Counter(_expected(record) for record in source)
    assert azure.losses() == []


_COLUMNS = {
    "Uid": "uid",
    "OrigHost": "id.orig_h",
    "OrigPort": "id.orig_p",
    "RespHost": "id.resp_h",
    "RespPort": "id.resp_p",
    "Protocol": "proto",
    "TransId": "trans_id",
    "Query": "query",
    "QType": "qtype_name",
    "RCode": "rcode_name",
    "RttSeconds": "rtt",
}


def _same(value: Any) -> str:
    """A JSON value as text that does not depend on the order of keys."""
    value = json.loads(value) if isinstance(value, str) and value[:1] in {"{", "["} else value
    return json.dumps(value, sort_keys=True)


def _landed(row: dict[str, Any]) -> tuple[Any, ...]:
    when = datetime.fromisoformat(row["EventTime"])
    return (*(row[name] for name in _COLUMNS), when, _same(row["Answers"]), _same(row["Extra"]))


def _expected(record: dict[str, Any]) -> tuple[Any, ...]:
    taken = {*_COLUMNS.values(), "ts", "answers"}
    rest = {key: value for key, value in record.items() if key not in taken and value is not None}
    # A column without a value is null; an empty string stays what it is.
    values = (record.get(key) for key in _COLUMNS.values())
    when = datetime.fromisoformat(record["ts"])
    return (*values, when, _same(record.get("answers")), _same(rest))
