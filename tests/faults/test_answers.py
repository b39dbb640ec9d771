"""Every answer of the service: what passes, what heals, what never does, and whose fault a refusal is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.build import lines
from tests.ferry import Ferry

from .rig import NAME, WINDOW, dropped, ids, mixed, nothing_left, rounds, sound

PAGE = {"headers": {"Content-Type": "text/html"}, "body": "<html><body>Please sign in.</body></html>"}


def test_204_is_accepted(app: Ferry) -> None:
    """Without a fault every record meets its fate in one invocation, once."""
    source = dropped(app, mixed())
    assert rounds(app) == 1
    sound(app, source)
    assert app.entry(NAME).counts.maybe_repeated == 0


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again_in_the_same_invocation(app: Ferry, status: int) -> None:
    """408, 429 and 5xx on several posts at once: sent again until taken, and nothing comes twice."""
    source = dropped(app, mixed())
    app.server.faults({"status": status, "times": 9})
    assert rounds(app) == 1
    sound(app, source)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_does_not_pass_in_time_is_deferred_and_goes_on(app: Ferry, status: int) -> None:
    """Where the time to retry is over the source is put aside with its reason, and goes on where it stood."""
    app.again(RETRY_SECONDS="0")
    source = dropped(app, mixed())
    app.server.faults({"times": 6}, {"status": status})
    app.take(NAME)
    entry = app.entry(NAME)
    assert (entry.state, str(status) in entry.reason, len(app.queued())) == ("deferred", True, 1)
    assert entry.position.ordinal > 0
    rounds(app)
    # of the posts that flew beside the refused one, those behind it are sent again
    sound(app, source, repeats=WINDOW - 1)


def _date(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).strftime("%a, %d %b %Y %H:%M:%S GMT")


@pytest.mark.parametrize(
    "said",
    [None, "1", "0", "-5", "soon", "nan", _date(seconds=1), _date(days=-3)],
    ids=["absent", "seconds", "zero", "negative", "unreadable", "nan", "date", "past"],
)
def test_a_throttled_post_waits_as_it_is_told(app: Ferry, said: str | None) -> None:
    """429 with Retry-After in each of its forms, or without: the posts are sent again, and none is lost or doubled."""
    source = dropped(app, mixed(120))
    app.server.faults({"status": 429, "times": 2, **({} if said is None else {"retry_after": said})})
    assert rounds(app) == 1
    sound(app, source)


@pytest.mark.parametrize("said", ["86400", "1e300", _date(days=900)], ids=["a day", "absurd", "far date"])
def test_a_wait_that_does_not_fit_becomes_a_work_message(app: Ferry, said: str) -> None:
    """A Retry-After longer than the invocation may retry: deferred at once, for five minutes at most, then it lands."""
    source = dropped(app, mixed(120))
    app.server.faults({"status": 429, "retry_after": said})
    app.take(NAME)
    assert app.entry(NAME).state == "deferred"
    assert len(app.queued()) == 1
    assert app.app.corridor._service(app.server.url).gate(app.server.rules[0]).pause() <= 300
    app.again()  # five minutes later
    rounds(app)
    sound(app, source, repeats=WINDOW - 1)


@pytest.mark.parametrize("status", [200, 302, 402, 405, 407])
def test_an_answer_that_is_none_of_the_service_costs_no_record(app: Ferry, status: int) -> None:
    """A portal or proxy in between answers with a page, again and again: no record is blamed, and all land later."""
    app.again(RETRY_SECONDS="0")
    source = dropped(app, mixed(100))
    app.server.faults({"status": status, **PAGE, "times": 40})
    rounds(app)
    sound(app, source, repeats=WINDOW - 1)


def test_an_odd_204_is_accepted(app: Ferry) -> None:
    """204 with a page behind it, or with headers that it should not have, is 204: accepted, once."""
    source = dropped(app, mixed(100))
    app.server.faults({**PAGE, "times": 2}, {"headers": {"Retry-After": "5"}, "times": 2})
    assert rounds(app) == 1
    sound(app, source)


SET_UP = [
    (401, None, "cloud"),
    (403, None, "Monitoring Metrics Publisher"),
    (404, None, "LOGS_DCR_RULE_ID"),
    (400, "InvalidStream", "routes.yaml"),
]


@pytest.mark.parametrize(("status", "code", "remedy"), SET_UP)
def test_a_set_up_that_becomes_ready_loses_nothing(
    app: Ferry, caplog: pytest.LogCaptureFixture, status: int, code: str | None, remedy: str
) -> None:
    """401, 403, 404, InvalidStream in mid-run: deferred with an error that names rule and remedy; it goes on later."""
    source = dropped(app, mixed())
    app.server.faults({"times": 6}, {"status": status, "code": code, "times": 1000})
    app.take(NAME)
    app.server.call("DELETE", "/local/faults")
    assert app.entry(NAME).state == "deferred"
    assert len(app.queued()) == 1
    (record,) = [r for r in caplog.records if r.name == "logferry.upload" and r.levelname == "ERROR"]
    assert remedy in record.getMessage()
    assert app.server.rules[0] in record.getMessage()
    rounds(app)
    sound(app, source, repeats=WINDOW - 1)


@pytest.mark.parametrize(("status", "code", "remedy"), SET_UP)
def test_a_set_up_that_never_becomes_ready_ends_in_the_dead_letter(
    app: Ferry, status: int, code: str | None, remedy: str
) -> None:
    """The same for ever: not before DEFER_SECONDS, then dead-lettered as a whole with the reason; the blob is there."""
    dropped(app, mixed(20))
    app.server.faults({"status": status, "code": code, "times": 1000})
    app.take(NAME)
    app.take(NAME)
    assert app.dead() == []
    app.again(DEFER_SECONDS="0")
    app.take(NAME)
    (dead,) = app.dead()
    assert (app.entry(NAME).state, dead["reason"], remedy in dead["detail"]) == ("dead", "NotReady", True)
    assert dead["source"].endswith(NAME)
    assert app.drop_container.get_blob_client(NAME).exists()
    assert ids(app).total() == 0


def test_too_large_is_halved_until_it_fits(app: Ferry) -> None:
    """413: halves are sent, and halves of them; all of it lands."""
    source = dropped(app, mixed())
    app.server.faults({"status": 413, "times": 4})  # of over 16 rows
    rounds(app)
    sound(app, source)


@pytest.mark.parametrize(("status", "reason"), [(413, "TooLargeForService"), (400, "RefusedByService")])
def test_one_record_at_fault_is_found(app: Ferry, status: int, reason: str) -> None:
    """413 or 400 down to a single record: that one is dead-lettered whole, with its reason, and no other."""
    app.again(BATCH_BYTES="1000000")
    source = dropped(app, mixed(64, bad=False))
    app.server.faults({"status": status, "times": 6})  # of 57, 28, 14, 7, 3 and 1 rows
    rounds(app)
    assert [(line["reason"], line["ordinal"]) for line in app.dead()] == [(reason, 0)]
    source.accepted.remove("r0")
    source.dead.add("r0")
    sound(app, source)


def test_times_too_far_apart_for_an_auxiliary_table(app: Ferry) -> None:
    """400 RecordsTimeRangeIsMoreThan30Minutes: the post is halved until each part fits; no record is at fault."""
    app.again(BATCH_BYTES="1000000")
    app.server.call("POST", "/local/plans", {"auxiliary": ["Mixed_CL"]})
    now = datetime.now(UTC)
    times = [(now - timedelta(minutes=4 * number)).isoformat() for number in range(40)]
    records = [{"Key": f"r{n}", "TimeGenerated": time} for n, time in enumerate(times)]
    app.drop(NAME, lines(records))
    rounds(app)
    assert ids(app) == {f"r{n}": 1 for n in range(40)}
    assert app.dead() == []
    assert app.entry(NAME).counts.accepted == 40
    nothing_left(app)
