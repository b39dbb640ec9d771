"""Workers that look at a blob, and find that it, or its entry, is another one by the time they can write."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from azure.storage.blob import BlobType

from shared.errors import Unexpected
from shared.handlers import blob
from shared.ledger.claims import Claim, Ledger
from tests.azurite import Azurite
from tests.ferry import ROUTES, Ferry, ferry

PART = 150_000
OTHER = """
  second:
    from: { blobs: ["second/**"] }
    format: ndjson
    table: Second_CL
    columns: { Name: {} }
  odd:
    from: { blobs: ["odd/**"] }
    format: ndjson
    table: Odd_CL
    columns: { Name: {} }
    on_undeclared: dead_letter
"""


@pytest.fixture
def app(azurite: Azurite, tmp_path: Path) -> Iterator[Ferry]:
    with ferry(azurite, tmp_path, ROUTES + OTHER, PART_BYTES=str(PART), BATCH_BYTES="100000") as made:
        yield made


def lines(first: int, end: int, *, pad: int = 20) -> bytes:
    return b"".join(b'{"Name":"n%d","Pad":"%s"}\n' % (n, b"x" * pad) for n in range(first, end))


def landed(app: Ferry, table: str = "Lines_CL") -> Counter[str]:
    return Counter(row["Name"] for row in app.server.rows(f"{table} | project Name"))


def once(first: int, end: int) -> Counter[str]:
    return Counter(f"n{n}" for n in range(first, end))


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """`act` happens once, after a worker has opened a blob and before it claims it."""
    real, left = Ledger.claim, [act]

    def claim(self: Ledger, *args: Any, **more: Any) -> Any:
        if left:
            left.pop()()
        return real(self, *args, **more)

    monkeypatch.setattr(Ledger, "claim", claim)


def append(app: Ferry, data: bytes) -> None:
    app.drop_container.get_blob_client("lines/a").upload_blob(
        data, blob_type=BlobType.APPENDBLOB, overwrite=False
    )


def work_off(app: Ferry) -> None:
    for _ in range(20):
        messages = [json.loads(m.content) for m in app.work_queue.receive_messages(visibility_timeout=60)]
        app.work_queue.clear_messages()
        for message in messages:
            app.work(message)


def give_up(app: Ferry, data: bytes, *, landed_parts: int) -> None:
    """A blob in parts that is dead because the role went after some of them had landed; it is back now."""
    app.drop("lines/a", data)
    app.take("lines/a")
    messages = [json.loads(m.content) for m in app.work_queue.receive_messages()]
    app.queued()
    for message in messages[:landed_parts]:
        app.work(message)
    app.server.call("POST", "/local/roles", {"granted": False})
    app.again(DEFER_SECONDS="0")
    for message in messages[landed_parts:] * 2:
        app.work(message)
    assert app.entry("lines/a").state == "dead"
    app.queued()
    app.server.call("POST", "/local/roles", {"granted": True})


def test_an_append_blob_that_grew_and_landed_meanwhile(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker took the blob with what was added: the one that opened it before adds nothing."""
    append(app, lines(0, 50))

    def other() -> None:
        append(app, lines(50, 51))
        app.take("lines/a")
        assert app.entry("lines/a").state == "done"

    meanwhile(monkeypatch, other)
    app.take("lines/a")
    assert landed(app) == once(0, 51)
    assert app.entry("lines/a").counts.read == 51


@pytest.mark.parametrize("pad", [20, 300], ids=["small", "large"])
def test_a_blob_that_was_replaced_and_landed_meanwhile(
    app: Ferry, monkeypatch: pytest.MonkeyPatch, pad: int
) -> None:
    """The newer version was taken by another worker: neither the older nor the newer lands again."""
    app.drop("lines/a", lines(0, 500, pad=pad))

    def other() -> None:
        app.drop("lines/a", lines(1_000, 1_500, pad=pad))
        app.take("lines/a")

    meanwhile(monkeypatch, other)
    app.take("lines/a")
    assert landed(app) == once(1_000, 1_500)


def test_a_blob_that_was_replaced_and_cut_meanwhile(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts of the newer version, which another worker has cut, stay."""
    app.drop("lines/a", lines(0, 10))

    def other() -> None:
        app.drop("lines/a", lines(0, 2_000, pad=300))
        app.take("lines/a")
        assert app.entry("lines/a").state == "split"

    meanwhile(monkeypatch, other)
    app.take("lines/a")
    work_off(app)
    assert app.entry("lines/a").state == "done"
    assert landed(app) == once(0, 2_000)


def test_an_append_blob_that_never_rests_is_taken(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """More is added between every look at it and the reading: it is the same blob as far as it was there."""
    append(app, lines(0, 1_000, pad=100))
    app.take("lines/a")
    append(app, lines(1_000, 1_001))
    meanwhile(monkeypatch, lambda: append(app, lines(1_001, 1_002)))
    app.take("lines/a")
    assert once(0, 1_001) - landed(app) == Counter()
    app.take("lines/a")
    assert landed(app) == once(0, 1_002)


def test_a_blob_of_which_parts_are_dead_is_begun_anew_when_it_grows(app: Ferry) -> None:
    """What is added lands, and so does what no part had brought; what had landed may come twice."""
    data = lines(0, 2_000, pad=300)
    give_up(app, data, landed_parts=1)
    app.drop("lines/a", data + lines(2_000, 2_001))
    app.take("lines/a")
    work_off(app)
    assert app.entry("lines/a").state == "done"
    assert set(landed(app)) == set(once(0, 2_001))


def test_another_route_has_parts_of_its_own(app: Ferry) -> None:
    """A version that is dead under one route is cut again under another, and lands there whole."""
    give_up(app, lines(0, 2_000, pad=300), landed_parts=0)
    blob.take(app.app, app.environ["DROP_CONTAINER"], "lines/a", "second")
    work_off(app)
    assert landed(app, "Second_CL") == once(0, 2_000)
    app.sweep()
    assert list(app.app.state.listing("parts/")) == []


def test_the_sweep_keeps_the_route_that_a_message_named(app: Ferry) -> None:
    """A worker that died on a blob whose path has no route, or another: the sweep has it go on with the same one."""
    app.drop("nowhere/a", lines(0, 10))
    container = app.environ["DROP_CONTAINER"]
    client = app.drop_container.get_blob_client("nowhere/a")
    blob.take(app.app, container, "nowhere/a", "lines")
    entry = app.entry("nowhere/a")
    entry.state, entry.owner, entry.version = "running", "dead", client.get_blob_properties().etag.strip('"')
    app.app.state.put(
        f"blobs/{container}/nowhere/a",
        entry.dump(),
        {"state": "running", "version": entry.version, "route": "lines", "counts": "10,10,0,0"},
    )
    object.__setattr__(app.app.settings, "claim_seconds", -1.0)
    app.sweep()
    assert [(work["name"], work["route"]) for work in app.queued()] == [("nowhere/a", "lines")]


def test_a_blob_that_is_removed_after_its_worker_died(app: Ferry) -> None:
    """Nobody works on it and it is not there: the entry says so; as long as there are signs of life it waits."""
    app.drop("lines/a", lines(0, 10))
    name = f"{app.environ['DROP_CONTAINER']}/lines/a"
    fresh = msgspec.structs.replace
    app.take("lines/a")
    entry = fresh(app.entry("lines/a"), version="0xOLDER", state="deferred")
    app.app.state.put(f"blobs/{name}", entry.dump())
    assert isinstance(app.app.ledger.claim(fresh(entry)), Claim)
    app.drop_container.delete_blob("lines/a")
    app.take("lines/a")
    assert (app.entry("lines/a").state, len(app.queued())) == ("running", 1)
    app.app.ledger._claim_seconds = 0
    app.take("lines/a")
    assert app.entry("lines/a").state == "gone"


def test_a_run_that_fails_counts_nothing(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody expected before the first checkpoint: position and counts of the entry belong together."""
    app.drop("lines/a", lines(0, 1_500, pad=300)[: 2 * PART - 1])
    real = app.app.corridor.run

    def fails(*args: Any, **more: Any) -> Any:
        real(*args, **more)
        raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr(app.app.corridor, "run", fails)
        with pytest.raises(Unexpected, match="ValueError"):
            app.take("lines/a")
    entry = app.entry("lines/a")
    assert entry.counts.read == entry.position.ordinal
    app.take("lines/a")
    entry = app.entry("lines/a")
    assert entry.counts.read == len(lines(0, 1_500, pad=300)[: 2 * PART - 1].splitlines())


def test_a_key_that_no_utf8_can_hold_costs_its_record(app: Ferry) -> None:
    """Half of a surrogate pair in a key that is named in a reject's detail: written out, and its neighbours land once."""
    app.drop("odd/a", b'{"Name":"a"}\n{"Name":"b","\\ud800":1}\n{"Name":"c"}\n')
    app.take("odd/a")
    assert landed(app, "Odd_CL") == Counter("ac")
    assert [json.loads(line["raw"])["Name"] for line in app.dead()] == ["b"]
    app.send({"route": "\ud800", "records": [{"name": "a"}]}, "m1")
    assert "m1" in [line["source"] for line in app.dead()]


def test_the_sweep_looks_at_the_clock_first(app: Ferry) -> None:
    """What it last knew of the service's clock, which has whole seconds, may lie behind: a new file is none of the future."""
    app.app.state.put("meta/born", b"0")
    app.app.state.now()
    app.app.state._ahead = -30.0
    app.drop("lines/a", lines(0, 1))
    assert app.sweep() == 1


def test_a_message_that_comes_again_after_midnight_writes_over_its_rejects(
    app: Ferry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker died before it was off the queue; one record is in the dead letter once, on whichever day."""
    real = time.time
    for later in (0.0, 86_400.0):
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda later=later: real() + later)
            app.send([{"name": "good"}, 42], key="one")
    assert len(app.dead()) == 1
