"""Storage: throttled, unwritable for a while, answers that get lost, reads that break, and down altogether."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import ServiceUnavailable
from shared.handlers import blob, sweep
from shared.handlers.taken import MAX_CRASHES
from tests.azurite import LastingAzurite
from tests.ferry import Ferry, ferry

from .conftest import Faulty
from .rig import NAME, ROUTES, SMALL, WINDOW, again, dropped, held, ids, mixed, nothing_left, rounds, sound


@pytest.mark.parametrize(("status", "times"), [(429, 1), (500, 2), (503, 2)])
def test_state_writes_that_are_throttled_defer(faulty: Faulty, status: int, times: int) -> None:
    """A checkpoint that cannot be written: deferred, and what no checkpoint covers is the most that is repeated."""
    app, account = faulty
    source = dropped(app, mixed())
    with account.trouble("PUT", "/state-", status=status, after=1, times=times) as trouble:
        app.take(NAME)
    assert trouble.met == times  # the storage client itself asks a second time after a 5xx
    assert (app.entry(NAME).state, len(app.queued())) == ("deferred", 1)
    rounds(app)
    sound(app, source, repeats=WINDOW)


def test_state_that_cannot_be_written_at_all_is_an_event_that_comes_again(faulty: Faulty) -> None:
    """Not even the deferral can be written: the handler raises, so that the host keeps the event; the claim runs out."""
    app, account = faulty
    source = dropped(app, mixed())
    with account.trouble("PUT", "/state-", status=503, after=1), pytest.raises(ServiceUnavailable):
        app.take(NAME)
    assert app.entry(NAME).state == "running"
    again(app)
    sound(app, source, repeats=WINDOW)


@pytest.mark.parametrize("container", ["state", "dead", "work"])
@pytest.mark.parametrize("nth", [0, 1, 2, 3])
def test_a_write_whose_answer_is_lost_is_written_once(faulty: Faulty, container: str, nth: int) -> None:
    """Claim, checkpoint, last entry, dead letter, work message: done, and the answer lost. Nothing is sent again for it."""
    app, account = faulty
    source = dropped(app, mixed(120))
    method = "POST" if container == "work" else "PUT"
    if container == "work":
        app.server.faults({"status": 403})
    with account.trouble(method, f"/{container}-", lose=True, after=nth, times=1) as trouble:
        rounds(app)
        if container == "work":
            app.app.ledger._claim_seconds = 0
    assert trouble.met == 1 or container == "work"
    if container != "work":  # it is known again, the claim itself included
        assert app.entry(NAME).attempts == 1
    again(app)
    sound(app, source, repeats=WINDOW - 1 if container == "work" else 0)


def test_a_dead_letter_that_cannot_be_written_stops_the_source_before_it(faulty: Faulty) -> None:
    """Rejects have nowhere to go: the checkpoint stays before them, and they are there once the container is."""
    app, account = faulty
    source = dropped(app, mixed())
    with account.trouble("PUT", "/dead-", status=503):
        app.take(NAME)
        entry = app.entry(NAME)
        assert (entry.state, entry.counts.dead_lettered, len(app.queued())) == ("deferred", 0, 1)
        assert "storage" in entry.reason
    rounds(app)
    sound(app, source, repeats=WINDOW)


def test_a_work_queue_that_cannot_be_written_is_an_event_that_comes_again(faulty: Faulty) -> None:
    """The rest of the work can be put nowhere: the handler raises, and the event finds the checkpoint."""
    app, account = faulty
    source = dropped(app, mixed())
    app.server.faults({"times": 4}, {"status": 403, "times": 1000})
    with account.trouble("POST", "/work-", status=503), pytest.raises(ServiceUnavailable):
        app.take(NAME)
    app.server.call("DELETE", "/local/faults")
    assert app.entry(NAME).state == "deferred"
    rounds(app)
    sound(app, source, repeats=WINDOW - 1)


def test_a_message_whose_work_cannot_be_queued_lands_once(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put aside, but the work message is refused: the queue gives it out again, and it lands from where it was put."""
    app, account = faulty
    app.server.call("POST", "/local/roles", {"granted": False})
    with account.trouble("POST", "/work-", status=503), pytest.raises(ServiceUnavailable):
        app.send([{"Key": "m0"}, {"Key": "m1"}], key="one")
    app.server.call("POST", "/local/roles", {"granted": True})
    app.send([{"Key": "m0"}, {"Key": "m1"}], key="one", tries=2)
    assert len(app.queued()) == 1
    app.work({"do": "held", "id": "one"})
    monkeypatch.setattr(sweep, "LEFT_BEHIND", -1.0)
    app.sweep()
    for work in app.queued():
        app.work(work)
    assert ids(app, "Events_CL") == {"m0": 1, "m1": 1}
    nothing_left(app)


@pytest.mark.parametrize("how", [{"cut": True}, {"status": 503}, {"lose": True}])
def test_a_read_that_breaks_goes_on_from_its_checkpoint(faulty: Faulty, how: dict[str, object]) -> None:
    """The blob cannot be read any further: deferred, and the next invocation reads on without sending a row twice."""
    app, account = faulty
    app.again(BATCH_BYTES="20000")
    source = dropped(app, mixed(1500))
    with account.trouble("GET", "account1/drop-", after=2, **how):
        app.take(NAME)
        assert 0 < app.entry(NAME).position.ordinal < source.count
        assert app.entry(NAME).state == "deferred"
    rounds(app)
    sound(app, source)


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[LastingAzurite]:
    """An account that can be down for a while."""
    (tmp_path / "account").mkdir()
    made = LastingAzurite(tmp_path / "account")
    yield made
    made.stop()


def test_storage_that_goes_down_and_comes_back(lasting: LastingAzurite, tmp_path: Path) -> None:
    """Azurite is stopped in mid-run and started again with its data: the source goes on from its last checkpoint."""
    with ferry(lasting, tmp_path, ROUTES, **SMALL, RETRY_SECONDS="30") as app:
        source = dropped(app, mixed())
        app.send([{"Key": "m0"}])
        app.server.faults({"times": 6}, {"delay": 1.5, "times": 4})
        failed: list[Exception] = []
        worker = threading.Thread(target=_take, args=(app, failed))
        worker.start()
        while len(app.server.call("GET", "/local/posts")) < 6:
            worker.join(0.05)
        lasting.stop()
        worker.join()
        assert isinstance(failed[0], ServiceUnavailable)
        with pytest.raises(ServiceUnavailable):
            app.take(NAME)
        lasting.start()
        assert app.entry(NAME).state == "running"
        again(app)
        sound(app, source, repeats=WINDOW)
        assert ids(app, "Events_CL") == {"m0": 1}
        assert held(app) == []


def _take(app: Ferry, failed: list[Exception]) -> None:
    try:
        app.take(NAME)
    except ServiceUnavailable as error:
        failed.append(error)


@pytest.mark.parametrize("container", ["drop", "state"])
def test_a_look_whose_answer_is_lost_is_had_again(faulty: Faulty, container: str) -> None:
    """The first answer about the blob, or about its entry, never comes: the storage client asks again, and all lands."""
    app, account = faulty
    source = dropped(app, mixed(60))
    with account.trouble("GET", f"/{container}-", lose=True, times=1) as trouble:
        blob.take(app.app, app.environ["DROP_CONTAINER"], NAME, again=container == "state")
    assert trouble.met == 1
    sound(app, source)


def test_state_that_cannot_be_written_for_long_kills_no_blob(faulty: Faulty) -> None:
    """However often the end of a run cannot be written, no worker has died of the blob: it is not given up for that."""
    app, account = faulty
    app.app.ledger._claim_seconds = 0
    source = dropped(app, mixed(40))
    for _ in range(MAX_CRASHES + 2):
        with account.trouble("PUT", "/state-", status=503, after=1), pytest.raises(ServiceUnavailable):
            app.take(NAME)
    assert app.entry(NAME).crashes == 0
    assert rounds(app) == 1
    sound(app, source, repeats=WINDOW * (MAX_CRASHES + 2))


def test_a_page_of_a_listing_whose_answer_is_lost_is_had_again(faulty: Faulty) -> None:
    """The first answer to a listing of the ledger never comes: the storage client asks again, and no entry is left out."""
    app, account = faulty
    dropped(app, mixed(60))
    app.take(NAME)
    rows = list(app.app.state.listing("blobs/"))
    assert [row.metadata["state"] for row in rows] == ["done"]
    with account.trouble("GET", "restype=container", lose=True, times=1) as trouble:
        again = list(app.app.state.listing("blobs/"))
    assert trouble.met == 1
    assert again == rows
