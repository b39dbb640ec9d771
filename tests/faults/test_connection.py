"""Connections to the service: cut at every moment, slow to the last byte, names that do not resolve."""

from __future__ import annotations

import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.ferry import Ferry

from .rig import NAME, dropped, ids, mixed, rounds, sound


@pytest.mark.parametrize(("moment", "repeats"), [("before", 0), ("middle", 0), ("after", 3)])
def test_a_connection_that_breaks_is_tried_again(app: Ferry, moment: str, repeats: int) -> None:
    """Cut before a post, half-way through it, or when it was taken: only the last repeats, and what may is counted."""
    source = dropped(app, mixed())
    app.server.faults({"times": 2}, {"reset": moment, "times": 3})
    assert rounds(app) == 1
    sound(app, source, repeats=repeats)
    # which of the three it was, no client can know
    assert app.entry(NAME).counts.maybe_repeated > 0


def test_an_answer_at_a_trickle_keeps_the_claim(app: Ferry) -> None:
    """An answer that takes longer than a claim lives: signs of life go on, others find the source busy, and it lands once."""
    app.again(CLAIM_SECONDS="5", UPLOAD_WINDOW="1")
    app.app.ledger._claim_seconds = 3
    source = dropped(app, mixed(60))
    app.server.faults({}, {"drip": 0.11})  # about 50 bytes
    other = app.app
    first = threading.Thread(target=app.take, args=(NAME,))
    first.start()
    while first.is_alive():
        first.join(0.5)
        app.take(NAME)
    assert other is app.app
    rounds(app)
    assert app.entry(NAME).attempts == 1
    sound(app, source)


def test_a_name_that_does_not_resolve_defers(app: Ferry, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS is gone: deferred with the reason; once it is back everything lands once, in the same process."""
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    source = dropped(app, mixed(60))
    app.again(DATA_COLLECTION_ENDPOINT=f"http://localhost:{urlsplit(app.server.url).port}", RETRY_SECONDS="0")
    look_up = socket.getaddrinfo

    def gone(host: Any, *more: Any, **named: Any) -> Any:
        if host == "localhost":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", gone)
        app.take(NAME)
    entry = app.entry(NAME)
    assert (entry.state, "cannot be reached" in entry.reason, len(app.queued())) == ("deferred", True, 1)
    assert rounds(app) == 1
    sound(app, source)


def test_what_a_deferral_repeats_is_counted(app: Ferry) -> None:
    """The last reply is lost and the source is deferred: what is there already counts as maybe repeated."""
    app.again(RETRY_SECONDS="0")
    source = dropped(app, mixed(20, bad=False))
    app.server.faults({"reset": "after", "times": 1})
    app.take(NAME)
    assert app.entry(NAME).state == "deferred"
    app.take(NAME)
    landed, counts = ids(app), app.entry(NAME).counts
    assert set(landed) == source.accepted
    assert counts.maybe_repeated == landed.total() - len(landed) > 0


def test_what_the_halves_of_a_deferred_post_repeat_is_counted(app: Ferry) -> None:
    """413, one half is taken, the other is not: the half that is there counts as maybe repeated."""
    app.again(RETRY_SECONDS="0")
    source = dropped(app, mixed(12, bad=False))
    app.server.faults({"status": 413, "times": 1}, {"times": 1}, {"status": 503, "times": 1})
    app.take(NAME)
    assert app.entry(NAME).state == "deferred"
    app.take(NAME)
    landed, counts = ids(app), app.entry(NAME).counts
    assert set(landed) == source.accepted
    assert counts.maybe_repeated == landed.total() - len(landed) > 0
