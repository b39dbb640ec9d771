"""The sweep over more than a page: stopped anywhere it is gone on with, and nothing is met twice or missed."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from azure.core.exceptions import HttpResponseError

from shared.errors import ServiceUnavailable
from shared.handlers import sweep as handler
from shared.handlers import sweep_mark
from shared.handlers.sweep_mark import PLACE
from shared.handlers.sweep_pass import Place, stretches
from shared.ledger import listing
from shared.ledger.entry import parse
from tests.azurite import Azurite
from tests.build import lines
from tests.ferry import ROUTES, Ferry, ferry

FILES = 23
ONE = lines([{"Name": "a"}])


@pytest.fixture
def app(azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ferry]:
    monkeypatch.setattr(listing, "PAGE_ROWS", 3)
    with ferry(azurite, tmp_path, CLAIM_SECONDS="5") as made:
        made.app.state.put("meta/x", b"")  # the app is set up before the files come
        yield made


def dropped(app: Ferry, done: int) -> list[str]:
    """Files in an order of their own, some of them done; the names of the others."""
    names = [f"lines/{number:02d} ü" for number in range(FILES)]
    for name in names:
        app.drop(name, ONE)
    random.Random(1).shuffle(names)
    for name in names[:done]:
        app.take(name)
    return sorted(names[done:])


def swept(app: Ferry) -> list[str]:
    """What one sweep queues."""
    app.sweep()
    return sorted(work["name"] for work in taken_whole(app))


def taken_whole(app: Ferry) -> list[dict[str, Any]]:
    """All that is on the work queue, off it."""
    found = []
    while messages := list(app.work_queue.receive_messages(max_messages=32, visibility_timeout=30)):
        for message in messages:
            found.append(msgspec.json.decode(message.content))
            app.work_queue.delete_message(message)
    return found


@pytest.mark.parametrize("done", [0, 9, FILES])
def test_sweeps_without_time_go_on_where_the_last_one_stopped(
    app: Ferry, done: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A page a sweep: together they queue each missed file once, then it begins anew."""
    missed = dropped(app, done)
    app.app.budget = 0.0
    with caplog.at_level(logging.WARNING, "logferry.sweep"):
        rounds = [swept(app) for _ in range(-(-FILES // 3))]
    assert sorted(name for names in rounds for name in names) == missed
    assert all(len(names) <= 3 for names in rounds)
    assert len(caplog.records) == len(rounds) - 1  # the last one came to the end
    assert app.app.state.read(PLACE) is None
    assert swept(app) == rounds[0]


def test_each_blob_is_met_with_its_entry_wherever_a_sweep_begins(app: Ferry) -> None:
    """From every place where one can stop, the rest is the same as without the stop."""
    dropped(app, 14)

    def met(place: Place) -> list[tuple[str, str | None]]:
        pairs = [pair for stretch in stretches(app.app, place) for pair in stretch.pairs]
        return [(blob.name, entry and entry.name) for blob, entry in pairs]

    whole = met(Place())
    assert sum(entry is not None for _, entry in whole) == 14
    assert all(entry is None or entry.endswith(name) for name, entry in whole)
    read = 0
    for stretch in stretches(app.app, Place()):
        read += len(stretch.pairs)
        if stretch.following is not None:
            assert met(stretch.following) == whole[read:]
    assert read == FILES


def test_a_sweep_that_fails_or_stops_within_a_page_loses_nothing(
    app: Ferry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends a sweep, the next one goes on at the page that it was at, or at the last mark before it."""
    missed = dropped(app, 0)
    app.app.budget = 0.0
    first = swept(app)
    put, clock = app.app.work.put, [0.0]

    def fail(work: Any, *more: Any) -> None:
        if work.name == missed[7]:
            raise ServiceUnavailable("storage does not answer")
        put(work, *more)

    with monkeypatch.context() as patch:
        patch.setattr(app.app.work, "put", fail)
        patch.setattr(sweep_mark, "SECONDS", 0.0)
        app.app.budget = 1e6
        with pytest.raises(ServiceUnavailable):
            app.sweep()
    assert first + [work["name"] for work in taken_whole(app)] == missed[:7]

    def late(work: Any, *more: Any) -> None:
        put(work, *more)
        clock[0] = 1e9 if work.name == missed[10] else 0.0

    with monkeypatch.context() as patch:
        patch.setattr(app.app.work, "put", late)
        patch.setattr(handler, "time", SimpleNamespace(monotonic=lambda: clock[0]))
        assert swept(app) == missed[6:11]
    assert swept(app) == missed[9:]


def test_a_mark_that_does_not_hold_any_more_is_given_up(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service refuses it: that sweep says so, and the next one begins anew. So does one that is no mark."""
    missed = dropped(app, 0)
    app.app.state.put(PLACE, msgspec.json.encode(Place(app.environ["DROP_CONTAINER"], "bad", "")))

    def refuse(*_: object) -> Iterator[Any]:
        error = HttpResponseError("400")
        error.status_code = 400
        raise ServiceUnavailable("storage does not answer as it should") from error
        yield

    with monkeypatch.context() as patch:
        patch.setattr(handler, "stretches", refuse)
        with pytest.raises(ServiceUnavailable):
            app.sweep()
    assert swept(app) == missed
    app.app.state.put(PLACE, b"\xff no mark")
    assert swept(app) == missed
    assert app.app.state.read(PLACE) is None


def test_a_name_of_the_longest_kind_has_its_entry(app: Ferry) -> None:
    """A blob whose entry is under a hash is done like any other, and not queued by every sweep."""
    name = "lines/" + "a" * 1_010
    app.drop(name, ONE)
    app.drop(name[:-1] + "b", ONE)
    app.drop("lines/b", ONE)
    app.take(name)
    assert swept(app) == [name[:-1] + "b", "lines/b"]


def test_a_left_behind_blob_whose_route_is_gone_is_settled(
    app: Ferry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes by its path then, and no sweep makes another dead letter of it; what is no entry stops nothing."""
    other = f"other-{app.environ['DROP_CONTAINER']}"
    app.blobs.create_container(other).upload_blob("nowhere/1", ONE)
    app.again(ALLOWED_CONTAINERS=other)
    app.server.faults({"match": {"stream": "Custom-Lines"}, "status": 503, "times": 5})
    app.send({"blob": f"{other}/nowhere/1", "route": "lines"})
    app.server.faults()
    taken_whole(app)
    app.app.state.put(f"blobs/{other}/a", b"no entry", {"state": "running"})
    (app.root / "routes.yaml").write_text(ROUTES.replace("  lines:", "  renamed:"))
    app.again(ALLOWED_CONTAINERS=other)
    monkeypatch.setattr(handler, "LEFT_BEHIND", -60.0)
    for _ in range(3):
        app.sweep()
        for work in taken_whole(app):
            app.work(work)
    assert app.dead() == []
    stored = app.app.state.read(f"blobs/{other}/nowhere/1")
    assert stored is not None
    assert parse(stored.document).state == "unrouted"


def test_what_was_left_behind_of_other_containers_is_queued(
    app: Ferry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message had named a blob elsewhere, and lost its work message: the ledger knows it, and only it."""
    other = f"other-{app.environ['DROP_CONTAINER']}"
    container = app.blobs.create_container(other)
    for number in range(5):
        container.upload_blob(f"x/{number}", ONE)
    container.upload_blob("lines/nobody", ONE)
    app.again(ALLOWED_CONTAINERS=other)
    app.server.faults({"match": {"stream": "Custom-Lines"}, "status": 503, "times": 5})
    for number in range(5):
        app.send({"blob": f"{other}/x/{number}", "route": "lines"})
    taken_whole(app)
    assert swept(app) == []
    monkeypatch.setattr(handler, "LEFT_BEHIND", 2.0)
    time.sleep(4)
    app.app.budget = 0.0
    queued = [work for _ in range(3) for work in (app.sweep(), taken_whole(app))[1]]
    assert {(work["container"], work["name"], work["route"]) for work in queued} == {
        (other, f"x/{number}", "lines") for number in range(5)
    }
    assert len(queued) == 5
    app.app.budget = 1e6
    assert swept(app) == []  # they are on the queue, and not left behind
    app.server.faults()
    for work in queued:
        app.work(work)
    assert app.server.rows("Lines_CL | count") == [{"Count": 5}]
    assert app.app.state.read(PLACE) is None
