"""Shared posts: who goes together, who waits for whom, and whose answer is whose."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib

from shared.errors import LogferryError, NotReady, Refused, ServiceUnavailable
from shared.model import Batch, Outcome, Position
from shared.upload import group as module
from shared.upload.answers import ReplyLost
from shared.upload.gate import Gate
from shared.upload.group import Group, Member

PATIENCE = 60.0
"""Seconds that nothing here takes."""


class Service:
    """Takes what `judge` does not raise for; a post waits while `held`."""

    def __init__(self, judge: Callable[[list[Any]], LogferryError | None] = lambda rows: None) -> None:
        self.posts: list[list[Any]] = []
        self.sent = 0
        self.open = threading.Event()
        self.open.set()
        self._judge = judge
        self._gate = Gate("dcr")

    def gate(self, rule: str) -> Gate:
        return self._gate

    def post(self, rule: str, stream: str, body: bytes) -> None:
        rows = msgspec.json.decode(isal_zlib.decompress(body, 31))
        self.posts.append(rows)
        assert self.open.wait(PATIENCE)
        error = self._judge(rows)
        if error is not None:
            raise error
        self.sent += len(body)


def group(service: Service, limit: int = 1_000_000) -> Group:
    made: Any = service
    return Group(made, "dcr", "Custom-Test", limit=limit, retry_seconds=0.0)


def batch(*names: str, first: int = 0) -> Batch:
    """A row for each name, from an ordinal on."""
    text = b"".join(msgspec.json.encode({"n": name}) + b"\n" for name in names)
    ordinals = list(range(first, first + len(names)))
    position = Position(offset=7, ordinal=first)
    return Batch("Custom-Test", 0, [text], ordinals, 1 + len(text), position, position, 0, [])


def names(service: Service) -> list[list[str]]:
    return [[row["n"] for row in post] for post in service.posts]


@pytest.fixture(autouse=True)
def _long_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the rules sets out, unless a test says otherwise."""
    monkeypatch.setattr(module, "LINGER", PATIENCE)


def begin(member: Member, given: Batch) -> tuple[threading.Thread, list[Future[Outcome]]]:
    """Hand in from a thread of its own, as invocations do."""
    found: list[Future[Outcome]] = []
    thread = threading.Thread(target=lambda: found.append(member.begin(given)))
    thread.start()
    return thread, found


def results(begun: list[tuple[threading.Thread, list[Future[Outcome]]]]) -> list[Future[Outcome]]:
    for thread, _ in begun:
        thread.join(PATIENCE)
    futures = [found[0] for _, found in begun]
    assert not wait(futures, PATIENCE).not_done
    return futures


def test_one_alone_sets_out_at_once() -> None:
    """Where nobody else is near there is nobody to wait for."""
    service = Service()
    outcome = group(service).member().begin(batch("a", "b")).result(PATIENCE)
    assert (outcome.accepted, outcome.posts, outcome.attempts, outcome.sent_bytes) == (2, 1, 1, service.sent)
    assert names(service) == [["a", "b"]]


def test_all_who_are_near_go_together() -> None:
    """The last of those who are near sends the post of all, in the order in which they came."""
    service = Service()
    shared = group(service)
    members = [shared.member() for _ in range(10)]
    futures = results([begin(m, batch(f"{n}")) for n, m in enumerate(members)])
    assert sorted(names(service)[0]) == [f"{n}" for n in range(10)]
    assert len(service.posts) == 1
    outcomes = [future.result() for future in futures]
    assert [o.accepted for o in outcomes] == [1] * 10
    assert (sum(o.posts for o in outcomes), sum(o.attempts for o in outcomes)) == (1, 1)
    assert sum(o.sent_bytes for o in outcomes) == service.sent


def test_one_who_leaves_is_waited_for_no_longer() -> None:
    """A run that ends without a row lets the others go."""
    service = Service()
    shared = group(service)
    first, second = shared.member(), shared.member()
    begun = begin(first, batch("a"))
    second.close()
    assert results([begun])[0].result().accepted == 1


def test_nobody_waits_longer_than_the_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """One who is near and never comes holds nobody up for long."""
    monkeypatch.setattr(module, "LINGER", 0.001)
    service = Service()
    shared = group(service)
    member, _never = shared.member(), shared.member()
    assert results([begin(member, batch("a"))])[0].result().accepted == 1


def test_a_full_post_sets_out_whoever_is_near() -> None:
    """A post takes as many as fit, to the byte; what is over goes in the next."""
    service = Service()
    size = batch("a" * 10).size - 1
    shared = group(service, limit=1 + 4 * size)
    members, _never = [shared.member() for _ in range(8)], shared.member()
    futures = results([begin(m, batch(f"{n}" * 10)) for n, m in enumerate(members)])
    assert [len(post) for post in service.posts] == [4, 4]
    assert all(future.result().accepted == 1 for future in futures)


def test_what_comes_while_posts_are_in_flight_gathers() -> None:
    """Two posts are in flight; all that comes meanwhile is one more, when one of them is back."""
    service = Service()
    service.open.clear()
    shared = group(service)
    futures = [shared.member().begin(batch(f"{n}")) for n in range(20)]
    service.open.set()
    assert not wait(futures, PATIENCE).not_done
    assert names(service)[:2] in ([["0"], ["1"]], [["1"], ["0"]])
    assert len(service.posts) <= 4
    assert sorted(name for post in names(service) for name in post) == sorted(f"{n}" for n in range(20))


def test_a_bad_record_harms_its_owner_alone() -> None:
    """Of a refused post the record at fault is found; its owner gets it, with its own ordinal."""
    service = Service(
        lambda rows: Refused("400", status=400) if any(row["n"] == "bad" for row in rows) else None
    )
    shared = group(service)
    members = [shared.member() for _ in range(9)]
    given = [batch(f"{n}", "bad" if n == 4 else "good", "x", first=100 * n) for n in range(9)]
    futures = results([begin(m, b) for m, b in zip(members, given, strict=True)])
    outcomes = {future.result().batch.ordinals[0] // 100: future.result() for future in futures}
    assert [outcomes[n].accepted for n in range(9)] == [2 if n == 4 else 3 for n in range(9)]
    (reject,) = outcomes[4].rejects
    assert (reject.ordinal, reject.offset, reject.reason) == (401, 7, "RefusedByService")
    assert reject.raw == b'{"n":"bad"}'
    assert not any(outcomes[n].rejects for n in range(9) if n != 4)
    assert sum(o.attempts for o in outcomes.values()) == len(service.posts)
    assert sum(o.sent_bytes for o in outcomes.values()) == service.sent


def test_what_was_accepted_before_the_trouble_is_not_sent_again() -> None:
    """Where a part of a refused post is accepted and the rest is not, only the rest has no outcome."""

    def judge(rows: list[Any]) -> LogferryError | None:
        if len(rows) == 4:
            return Refused("400", status=400)
        return NotReady("no role") if rows[0]["n"] == "2" else None

    service = Service(judge)
    shared = group(service)
    service.open.clear()
    first = [shared.member().begin(batch("first")) for _ in range(2)]
    futures = [shared.member().begin(batch(f"{n}")) for n in range(4)]
    service.open.set()
    assert not wait([*first, *futures], PATIENCE).not_done
    assert [future.exception() is None for future in futures] == [True, True, False, False]
    assert str(futures[2].exception()) == "no role"


def test_an_unexpected_error_reaches_every_owner() -> None:
    """A bug in between leaves nobody waiting."""

    def judge(rows: list[Any]) -> LogferryError | None:
        raise ZeroDivisionError

    shared = group(Service(judge))
    members = [shared.member() for _ in range(3)]
    for future in results([begin(m, batch("a")) for m in members]):
        assert isinstance(future.exception(), ZeroDivisionError)
    assert isinstance(shared.member().begin(batch("a")).exception(PATIENCE), ZeroDivisionError)


def test_a_lost_reply_counts_for_those_who_were_in_its_post(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of another post are not said to be there twice."""
    monkeypatch.setattr("shared.upload.uploader.FIRST_WAIT", 0.001)
    lost = ["a"]

    def judge(rows: list[Any]) -> LogferryError | None:
        return ReplyLost("gone") if rows[0]["n"] == "a" and lost and lost.pop() else None

    service: Any = Service(judge)
    shared = Group(service, "dcr", "Custom-Test", limit=1_000_000, retry_seconds=PATIENCE)
    first = shared.member().begin(batch("a")).result(PATIENCE)
    second = shared.member().begin(batch("b")).result(PATIENCE)
    assert (first.maybe_repeated, first.attempts) == (1, 2)
    assert (second.maybe_repeated, second.attempts) == (0, 1)


def test_each_owner_s_error_counts_its_own_rows() -> None:
    """Of a post of several that was taken in part, each owner learns how many of its own rows may be there."""

    def judge(rows: list[Any]) -> LogferryError | None:
        if len(rows) == 4:
            return Refused("413", status=413)
        return NotReady("no role") if rows[0]["n"] == "2" else None

    service = Service(judge)
    shared = group(service)
    service.open.clear()
    first = [shared.member().begin(batch("first")) for _ in range(2)]
    futures = [shared.member().begin(given) for given in (batch("0", "1", "2"), batch("3"))]
    service.open.set()
    assert not wait([*first, *futures], PATIENCE).not_done
    errors: list[Any] = [future.exception() for future in futures]
    assert [error.maybe_there for error in errors] == [2, 0]
    assert [str(error) for error in errors] == ["no role", "no role"]


def test_stopping_one_run_stops_no_other() -> None:
    """What one run has in a shared post goes on, and so does everybody else's."""
    service = Service()
    shared = group(service)
    first, second = shared.member(), shared.member()
    begun = [begin(first, batch("a"))]
    first.stop()
    begun.append(begin(second, batch("b")))
    assert [future.result().accepted for future in results(begun)] == [1, 1]


def test_a_large_batch_goes_by_itself() -> None:
    """Over half of a post: it waits for nobody, and nobody for it."""
    service = Service()
    shared = group(service, limit=100)
    _near = shared.member()
    outcome = shared.member().begin(batch("a" * 50)).result(PATIENCE)
    assert (outcome.accepted, outcome.posts) == (1, 1)


def test_a_batch_without_rows_is_no_post() -> None:
    """A span of rejects and filtered records is settled at once."""
    service = Service()
    done = group(service).member().begin(batch())
    assert (done.result(PATIENCE).accepted, service.posts) == (0, [])


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=12), st.sets(st.integers(0, 100)), st.integers(60, 400)
)
def test_every_row_has_one_fate(sizes: list[int], bad: set[int], limit: int) -> None:
    """Whatever the sizes and whichever rows are refused: each row is accepted once, or its owner's reject."""
    count = sum(sizes)
    service = Service(
        lambda rows: Refused("400", status=400) if any(int(row["n"]) in bad for row in rows) else None
    )
    accepted: list[int] = []
    posts = service.posts
    shared, place, futures = group(service, limit=limit), 0, []
    for size in sizes:
        futures.append(
            shared.member().begin(batch(*[str(n) for n in range(place, place + size)], first=place))
        )
        place += size
    outcomes = [future.result(PATIENCE) for future in futures]
    for rows in posts:
        if not any(int(row["n"]) in bad for row in rows):
            accepted += [int(row["n"]) for row in rows]
    rejected = [reject.ordinal for outcome in outcomes for reject in outcome.rejects]
    assert sorted(accepted) == sorted(set(range(count)) - bad)
    assert sorted(rejected) == sorted(bad & set(range(count)))
    assert sum(outcome.accepted for outcome in outcomes) == len(accepted)
    assert sum(outcome.sent_bytes for outcome in outcomes) == service.sent
    assert sum(outcome.attempts for outcome in outcomes) == len(posts)


def test_rows_that_no_thread_can_send_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, the rows are given back; who waits for them need not."""
    shared = group(Service())

    def fails(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(shared._pool, "submit", fails)
    done = shared.member().begin(batch("a"))
    with pytest.raises(ServiceUnavailable, match="thread"):
        done.result(0)
    assert shared._flying == 0
