"""Clocks that are ten minutes apart, in both directions: here, of the account, of the service, of another worker."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate

import pytest

from tests.ferry import Ferry

from .conftest import Faulty
from .rig import NAME, dropped, ids, mixed, nothing_left, rounds, sound

BOTH = pytest.mark.parametrize("shift", [600.0, -600.0], ids=["ahead", "behind"])


@BOTH
def test_a_living_claim_is_left_alone(faulty: Faulty, shift: float) -> None:
    """Ages come from the account's clock: a worker whose own is ten minutes off takes nothing over, and lands all once."""
    app, account = faulty
    account.shift = shift
    source = dropped(app, mixed())
    go_on = threading.Event()
    with account.trouble("PUT", "/state-", hold=go_on, after=1, times=1) as trouble:
        first = threading.Thread(target=app.take, args=(NAME,))
        first.start()
        assert trouble.happened.wait(60)
        app.again()
        app.take(NAME)
        assert app.entry(NAME).attempts == 1
        assert len(app.queued()) == 1
        go_on.set()
        first.join()
    rounds(app)
    sound(app, source)


@BOTH
def test_the_sweep_finds_what_was_missed(faulty: Faulty, shift: float) -> None:
    """Whether a blob has settled, and since when the app is there, is the account's to say."""
    app, account = faulty
    account.shift = shift
    app.again(SWEEP_SETTLE_SECONDS="300")
    source = dropped(app, mixed(40))
    assert app.sweep() == 0
    app.again(SWEEP_SETTLE_SECONDS="0")
    assert app.sweep() == 1
    rounds(app)
    assert app.sweep() == 0
    sound(app, source)


@BOTH
@pytest.mark.parametrize("whose", ["first", "second"])
@pytest.mark.parametrize("what", ["blob", "message"])
def test_a_workers_clock_shortens_no_deferral(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch, what: str, whose: str, shift: float
) -> None:
    """Deferred by one worker, looked at by another, one clock ten minutes off: not dead-lettered before its time."""
    app, _ = faulty
    app.server.call("POST", "/local/roles", {"granted": False})
    source = dropped(app, mixed(40))
    again = {"do": "held", "id": "m"}
    here = time.time
    for worker in ("first", "second"):
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: here() + shift if worker == whose else here())  # noqa: B023
            app.again(DEFER_SECONDS="300")
            if what == "blob":
                app.take(NAME)
            else:
                app.send([{"Key": "m0"}], key="m") if worker == "first" else app.work(again)
    assert app.dead() == []
    app.server.call("POST", "/local/roles", {"granted": True})
    if what == "blob":
        rounds(app)
        sound(app, source)
    else:
        app.work(again)
        assert ids(app, "Events_CL") == {"m0": 1}
        nothing_left(app)


@pytest.mark.parametrize(
    ("service", "wait", "least", "most"), [(600, 2, 0, 10), (-600, 200, 100, 201)], ids=["ahead", "behind"]
)
def test_a_retry_after_is_a_date_by_the_clock_of_who_sent_it(
    app: Ferry, service: float, wait: float, least: float, most: float
) -> None:
    """A date is meant in the service's time: neither a pause of minutes too long nor one that is over already."""
    app.again(RETRY_SECONDS="0")
    source = dropped(app, mixed(60))
    now = time.time() + service
    answer = {
        "headers": {"Date": formatdate(now, usegmt=True)},
        "retry_after": formatdate(now + wait, usegmt=True),
    }
    app.server.faults({"status": 429, **answer})
    app.take(NAME)
    assert app.entry(NAME).state == "deferred"
    assert least <= app.app.corridor._service(app.server.url).gate(app.server.rules[0]).pause() <= most
    app.again()
    rounds(app)
    sound(app, source, repeats=3)
