"""What the host gave up ends in the dead letter, with a reason, and once."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient

from shared.errors import BadMessage, Unexpected
from shared.handlers import blob, message, poison, work
from shared.ledger.claims import PREFIX
from shared.ledger.entry import Entry
from tests.azurite import Azurite
from tests.ferry import Ferry, ferry


@pytest.fixture
def app(azurite: Azurite, tmp_path: Path) -> Iterator[Ferry]:
    with ferry(azurite, tmp_path) as made:
        made.app.state.put("meta/born", b"9999999999")
        made.environ["INGEST_QUEUE"] = f"ingest-{made.environ['WORK_QUEUE']}"
        made.again()
        yield made
        for name in _queues(made):
            try:
                made.queues.delete_queue(name)
            except ResourceNotFoundError:
                continue


def _queues(app: Ferry) -> list[str]:
    return [f"{app.environ['INGEST_QUEUE']}-poison", f"{app.environ['WORK_QUEUE']}-poison", poison.BLOBS]


def _put(app: Ferry, index: int, text: str) -> QueueClient:
    queue = app.queues.get_queue_client(_queues(app)[index])
    with suppress(ResourceExistsError):
        queue.create_queue()
    queue.send_message(text)
    return queue


def _event(app: Ferry, name: str, **more: Any) -> str:
    told = {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.on_blob",
        "BlobType": "BlockBlob",
        "ContainerName": app.environ["DROP_CONTAINER"],
        "BlobName": name,
        "ETag": '"0x1"',
    }
    return json.dumps({**told, **more})


def _count(queue: QueueClient) -> int:
    return queue.get_queue_properties().approximate_message_count or 0


def _entry(app: Ferry, name: str, **parts: Any) -> None:
    """An entry as a worker left it."""
    client = app.drop_container.get_blob_client(name)
    source = f"{app.environ['DROP_CONTAINER']}/{name}"
    version = client.get_blob_properties().etag.strip('"')
    entry = Entry(source=source, version=version, size=1, route="lines", received=1_795_500_000.0, **parts)
    app.app.state.put(f"{PREFIX}{source}", entry.dump())


def test_messages_that_the_host_gave_up_are_dead_lettered(app: Ferry) -> None:
    """Text, base64 and bytes that are none: each is in the dead letter as it was, and off the queue."""
    queue = _put(app, 0, '{"name":"a"}')
    _put(app, 0, base64.b64encode(b'{"name":"b"}').decode())
    other = _put(app, 1, "no work")
    app.sweep()
    assert sorted((d["kind"], d["reason"], d["raw"]) for d in app.dead()) == [
        ("message", "Poison", base64.b64encode(b'{"name":"b"}').decode()),
        ("message", "Poison", '{"name":"a"}'),
        ("work", "Poison", "no work"),
    ]
    assert (_count(queue), _count(other)) == (0, 0)


def test_a_crash_before_the_message_is_deleted_repeats_the_same_document(
    app: Ferry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dead letter first, then delete: whoever dies in between leaves one document, not two."""
    queue = _put(app, 0, '{"name":"a"}')
    monkeypatch.setattr(poison, "HIDDEN", 1)

    def dies(*_: Any, **__: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(QueueClient, "delete_message", dies)
        with pytest.raises(MemoryError):
            app.sweep()
    assert len(app.dead()) == 1
    while _count(queue) and len(app.dead()) == 1:
        app.sweep()
    assert (_count(queue), len(app.dead())) == (0, 1)


def test_a_run_takes_no_more_than_it_should(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, one run takes MOST, and the next ones go on."""
    monkeypatch.setattr(poison, "MOST", 3)
    for number in range(5):
        queue = _put(app, 0, f"{number}")
    app.sweep()
    assert len(app.dead()) == 3
    app.sweep()
    assert (len(app.dead()), _count(queue)) == (5, 0)


@pytest.mark.parametrize("coded", [False, True])
def test_a_blob_that_killed_its_workers_is_dead(app: Ferry, coded: bool) -> None:
    """An entry that is not done is dead the next time it is taken, with its own reason; its event is deleted."""
    app.drop("lines/a", b"x")
    _entry(
        app,
        "lines/a",
        state="deferred",
        crashes=5,
        failure="ValueError at x.py:1",
        reason="ValueError at x.py:1",
    )
    text = _event(app, "lines/a")
    queue = _put(app, 2, base64.b64encode(text.encode()).decode() if coded else text)
    poison.drain(app.app)
    assert _count(queue) == 0
    (again,) = app.queued()
    app.work(again)
    assert app.entry("lines/a").state == "dead"
    ((kind, reason, detail),) = [(d["kind"], d["reason"], d["detail"]) for d in app.dead()]
    assert (kind, reason) == ("blob", "UnexpectedError")
    assert "ValueError at x.py:1" in detail


def test_a_blob_that_is_taken_up_again_is_not_given_up(app: Ferry) -> None:
    """Whoever has taken the claim between the look at the entry and the writing of it goes on."""
    app.drop("lines/a", b"x")
    _entry(app, "lines/a", state="running", owner="the dead one")
    seen = app.entry("lines/a")
    _entry(app, "lines/a", state="running", owner="the living one")
    assert app.app.ledger.amend(seen, lambda entry: setattr(entry, "state", "dead")) is None
    assert app.entry("lines/a").owner == "the living one"


def test_one_message_does_not_stop_the_others(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A blob event without a name is told; one that cannot be settled at all stays, and those behind it are settled."""
    queue = _put(app, 2, _event(app, ""))
    _put(app, 2, _event(app, "lines/bad"))
    _put(app, 2, _event(app, "lines/gone"))
    real = poison._settle

    def settle(inner: Any, told: poison.BlobPoison, message: Any) -> bool:
        if told.blob_name == "lines/bad":
            raise ValueError
        return real(inner, told, message)

    monkeypatch.setattr(poison, "_settle", settle)
    poison.drain(app.app)
    assert sorted(d["reason"] for d in app.dead()) == ["BadMessage", "BlobGone"]
    assert _count(queue) == 1


def test_a_held_message_is_given_up_like_any_other(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put aside, and then failing in a way nobody expected: each try is a try, the last one dead-letters the message."""
    app.server.faults({"status": 403, "times": 1})
    app.send({"name": "a"}, "m1")
    app.queued()
    body = b'{"do":"held","id":"m1"}'

    def fails(*_: Any, **__: Any) -> None:
        raise ValueError

    monkeypatch.setattr(app.app.corridor, "run", fails)
    for tries in range(1, 5):
        with pytest.raises(Unexpected, match="ValueError"):
            work.take(app.app, body, "w1", 1_795_500_000.0, tries)
    work.take(app.app, body, "w1", 1_795_500_000.0, 5)
    assert [(d["kind"], d["source"], d["raw"]) for d in app.dead()] == [("message", "m1", '{"name": "a"}')]
    assert (list(app.app.state.listing("held/")), app.queued()) == ([], [])


def test_a_held_message_that_kills_its_workers_is_given_up(app: Ferry) -> None:
    """Five workers died on it one after the other: it is dead, and the sweep finds nothing any more."""
    app.server.faults({"status": 403, "times": 1})
    app.send({"name": "a"}, "m1")
    app.queued()
    stored = app.app.state.read("held/m1")
    assert stored is not None
    left = {**json.loads(stored.document), "taken": True, "crashes": 4}
    app.again(CLAIM_SECONDS="5")
    object.__setattr__(app.app.settings, "claim_seconds", -1)
    app.app.state.put("held/m1", json.dumps(left).encode(), {"state": "held"})
    app.work({"do": "held", "id": "m1"})
    assert [(d["kind"], d["reason"], d["raw"]) for d in app.dead()] == [
        ("message", "WorkerDied", '{"name": "a"}')
    ]
    assert list(app.app.state.listing("held/")) == []


@pytest.mark.parametrize("state", ["done", "deferred", "split", "unrouted"])
def test_a_blob_that_somebody_looks_after_is_left_to_them(app: Ferry, state: str) -> None:
    """Done, or going on by itself: the event is deleted, and nothing is dead."""
    app.drop("lines/a", b"x")
    _entry(app, "lines/a", state=state)
    queue = _put(app, 2, _event(app, "lines/a"))
    poison.drain(app.app)
    assert app.entry("lines/a").state == state
    assert (app.dead(), _count(queue)) == ([], 0)


def test_a_blob_in_work_is_looked_at_later(app: Ferry) -> None:
    """While a worker shows signs of life the event stays on its queue; without them the blob is dead."""
    app.drop("lines/a", b"x")
    _entry(app, "lines/a", state="running", owner="somebody")
    queue = _put(app, 2, _event(app, "lines/a"))
    poison.drain(app.app)
    assert (app.dead(), _count(queue)) == ([], 1)


def test_a_blob_that_nobody_ever_looked_at_is_queued(app: Ferry) -> None:
    """The app could not begin, because of its routes file for instance: the blob is taken, not dead."""
    app.drop("lines/a", b'{"Name":"a"}\n')
    queue = _put(app, 2, _event(app, "lines/a"))
    poison.drain(app.app)
    assert (app.dead(), _count(queue)) == ([], 0)
    assert [w["name"] for w in app.queued()] == ["lines/a"]


def test_a_blob_that_is_gone_is_told(app: Ferry) -> None:
    """Its event was given up, and the blob removed before anybody read it: that is written down."""
    _put(app, 2, _event(app, "lines/gone"))
    poison.drain(app.app)
    assert [(d["reason"], d["source"].partition("/")[2]) for d in app.dead()] == [("BlobGone", "lines/gone")]


def test_only_blobs_that_the_settings_allow(app: Ferry) -> None:
    """An event that names another container is dead-lettered as it is; another app's is left alone; nonsense is told."""
    queue = _put(app, 2, _event(app, "x", ContainerName="secret"))
    _put(app, 2, _event(app, "../secret/x"))
    _put(app, 2, _event(app, "x", FunctionId="Host.Functions.other_app"))
    _put(app, 2, "nonsense")
    poison.drain(app.app)
    assert sorted(d["reason"] for d in app.dead()) == ["BadMessage", "Forbidden", "Forbidden"]
    assert _count(queue) == 1
    assert app.queued() == []


def test_the_last_try_says_why(
    app: Ferry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error that nobody expected: raised while tries are left, then dead-lettered, by type and place, no value told."""

    def fails(*_: Any, **__: Any) -> None:
        raise ValueError(secret)

    secret = "secret " + "value"
    monkeypatch.setattr(app.app.corridor, "run", fails)
    with pytest.raises(Unexpected, match=r"^ValueError at test_poison\.py:\d+$"):
        message.take(app.app, b'{"name":"a"}', "id1", 1_795_500_000.0, 4)
    assert app.dead() == []
    message.take(app.app, b'{"name":"a"}', "id1", 1_795_500_000.0, 5)
    (line,) = app.dead()
    assert (line["reason"], line["raw"], line["source"]) == ("ValueError", '{"name":"a"}', "id1")
    assert "ValueError at test_poison.py:" in line["detail"]
    assert "secret value" not in json.dumps(line)
    assert "secret value" not in caplog.text
    assert "test_poison.py" in caplog.text


def test_the_last_try_of_work_that_is_none(app: Ferry) -> None:
    """What is no work of this app is dead-lettered with the sentence that says so."""
    with pytest.raises(BadMessage):
        work.take(app.app, b"nonsense", "id2", 1_795_500_000.0, 1)
    work.take(app.app, b"nonsense", "id2", 1_795_500_000.0, 5)
    assert [(d["kind"], d["reason"], d["raw"]) for d in app.dead()] == [("work", "BadMessage", "nonsense")]
    assert "no work of this app" in app.dead()[0]["detail"]


def test_work_that_was_given_up_is_replayed(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A work message from the dead letter goes back on its queue."""
    text = {"do": "blob", "container": app.environ["DROP_CONTAINER"], "name": "lines/a"}

    def fails(*_: Any, **__: Any) -> None:
        raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr(blob, "take", fails)
        work.take(app.app, json.dumps(text).encode(), "id3", 1_795_500_000.0, 5)
    (row,) = app.app.dead_letter.store.listing("")
    app.work({"do": "replay", "document": row.name})
    (again,) = app.queued()
    assert {key: again[key] for key in text} == text
    assert app.dead() == []
