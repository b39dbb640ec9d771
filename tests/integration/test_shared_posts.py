"""Many small messages and files at once: they share posts, and each answers for itself."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shared.upload import uploader
from tests.azurite import Azurite
from tests.build import lines
from tests.ferry import Ferry, ferry

MANY = 200


@pytest.fixture
def app(azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ferry]:
    monkeypatch.setattr(uploader, "FIRST_WAIT", 0.01)
    with ferry(azurite, tmp_path, RETRY_SECONDS="30") as made:
        yield made


def send_all(app: Ferry, names: list[str]) -> None:
    """A message of one record each, all at once."""
    app.send({"name": "first"})  # the token, and the connection
    ready = threading.Barrier(len(names))

    def send(name: str) -> None:
        ready.wait()
        app.send({"name": name})

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(send, names))


def posts(app: Ferry) -> int:
    """How many there were, refused ones included."""
    (metric,) = app.server.call("GET", "/local/metrics")
    return sum(metric["ApiCallReceived_Count"].values())


def landed(app: Ferry) -> list[str]:
    return sorted(row["Name"] for row in app.server.rows("Events_CL") if row["Name"] != "first")


def named(count: int = MANY) -> list[str]:
    return [f"m{number:03d}" for number in range(count)]


def test_many_messages_share_posts(app: Ferry) -> None:
    """Two hundred messages of one record to a service that takes its time: each lands once, in a tenth of the posts."""
    app.server.faults({"delay": 0.5, "times": 1000})
    send_all(app, named())
    assert landed(app) == named()
    assert posts(app) <= MANY // 10


def test_many_files_share_posts(app: Ferry) -> None:
    """Small files too: each is done in the ledger, and the posts that they say they had are those that there were."""
    for name in named(40):
        app.drop(f"lines/{name}", lines([{"Name": name, "Size": 1}] * 3))
    with ThreadPoolExecutor(40) as pool:
        list(pool.map(lambda name: app.take(f"lines/{name}"), named(40)))
    entries = [app.entry(f"lines/{name}") for name in named(40)]
    assert {entry.state for entry in entries} == {"done"}
    assert {(entry.counts.read, entry.counts.accepted) for entry in entries} == {(3, 3)}
    assert sum(entry.counts.batches for entry in entries) == posts(app) < 40
    assert len(app.server.rows("Lines_CL")) == 120


@pytest.mark.parametrize(("status", "reason"), [(400, "RefusedByService"), (413, "TooLargeForService")])
def test_one_bad_record_among_many_messages_harms_only_its_own(app: Ferry, status: int, reason: str) -> None:
    """The service refuses every post that holds one record: it alone is dead-lettered, all others land once."""
    app.server.faults({"match": {"contains": "poison"}, "status": status, "times": 100})
    send_all(app, [*named(MANY - 1), "poison"])
    assert landed(app) == named(MANY - 1)
    (dead,) = app.dead()
    assert (dead["reason"], json.loads(dead["raw"])["Name"]) == (reason, "poison")
    assert app.queued() == []


def test_a_lost_reply_among_many_messages_repeats_no_more_than_its_post(app: Ferry) -> None:
    """A connection that breaks after the rows were taken: all land, and only rows of that post do so twice."""
    app.send({"name": "first"})
    app.server.faults({"match": {"contains": "m007"}, "reset": "after"})
    send_all(app, named())
    twice = [name for name in named() if landed(app).count(name) == 2]
    assert sorted(set(landed(app))) == named()
    assert "m007" in twice
    assert len(landed(app)) == MANY + len(twice)
    assert app.dead() == app.queued() == []


def test_no_role_defers_every_message_and_none_is_lost(app: Ferry, caplog: pytest.LogCaptureFixture) -> None:
    """403 for all: every message is put aside whole, with one ERROR; with the role they all land once."""
    app.server.call("POST", "/local/roles", {"granted": False})
    send_all(app, named(40))
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    held = [blob.name.removeprefix("held/") for blob in _state(app).list_blobs(name_starts_with="held/")]
    assert len(held) == 41
    app.server.call("POST", "/local/roles", {"granted": True})
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda id_: app.work({"do": "held", "id": id_}), held))
    assert landed(app) == named(40)
    assert app.dead() == []


def _state(app: Ferry) -> Any:
    return app.blobs.get_container_client(app.environ["STATE_CONTAINER"])


def test_a_source_that_ends_in_between_is_no_loss(app: Ferry) -> None:
    """Messages of rejects only, of no route and of records, all at once: each has its own fate."""
    texts: list[Any] = []
    for number in range(60):
        texts += [
            {"name": f"m{number:03d}"},
            b"{broken",
            {"route": f"none-{uuid.uuid4().hex}", "records": []},
        ]
    with ThreadPoolExecutor(60) as pool:
        list(pool.map(app.send, texts))
    assert landed(app) == named(60)
    assert len(app.dead()) == 120
