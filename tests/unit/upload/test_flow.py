"""Several batches in flight: the prefix counts, and the dead letter comes first."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ClaimLost, ServiceUnavailable
from shared.model import Batch, Counts, Outcome, Position, Reject
from shared.upload.flow import Flow


class FakeUploader:
    """Accepts batches in an order of its own; fails from a batch on, if told so."""

    def __init__(
        self, fail_at: int | None = None, pause: Callable[[], float] = lambda: 0.0, room: int = 64
    ) -> None:
        self.sent: list[int] = []
        self.flying = self.most = 0
        self._fail_at = fail_at
        self._pause = pause
        self._room = room
        self._pool = ThreadPoolExecutor(64)
        self._lock = threading.Lock()

    def send(self, batch: Batch) -> Outcome:
        with self._lock:
            self.flying += 1
            self.most = max(self.most, self.flying)
        time.sleep(self._pause())
        with self._lock:
            self.flying -= 1
            if self._fail_at is not None and batch.sequence >= self._fail_at:
                raise ServiceUnavailable("down")
            self.sent.append(batch.sequence)
        return Outcome(batch, batch.rows, [], 1, 0, 10)

    def begin(self, batch: Batch) -> Future[Outcome]:
        return self._pool.submit(self.send, batch)

    def room(self) -> int:
        return self._room

    def stop(self) -> None:
        pass


class Written:
    """A progress that writes into a list, in order."""

    beat_seconds = 5.0
    seekable = True

    def __init__(self, dead_letter_seconds: float = 0.0) -> None:
        self.events: list[tuple[str, int]] = []
        self.lost = False
        self._dead_letter_seconds = dead_letter_seconds

    def save(self, position: Position, counts: Counts) -> None:
        if self.lost:
            raise ClaimLost("taken over")
        assert counts.adds_up()
        self.events.append(("checkpoint", position.ordinal))

    def dead_letter(self, first: int, rejects: list[Reject]) -> None:
        time.sleep(self._dead_letter_seconds)  # a checkpoint that does not wait for it comes first
        self.events.extend(("dead", reject.ordinal) for reject in rejects)


def batches(count: int, rejects: frozenset[int] = frozenset()) -> list[Batch]:
    """Batches of two records each; those in `rejects` have one row and one reject."""
    made = []
    for n in range(count):
        bad = [Reject(2 * n + 1, 0, None, "InvalidJson", "", b"x")] if n in rejects else []
        ordinals = [2 * n] if bad else [2 * n, 2 * n + 1]
        start, end = Position(ordinal=2 * n), Position(ordinal=2 * n + 2)
        made.append(Batch("s", n, [b"{}\n"], ordinals, 10, start, end, 0, bad))
    return made


def flow(uploader: FakeUploader, written: Written, window: int = 4) -> Flow:
    return Flow(uploader, written, Position(), Counts(), window)


@given(st.integers(0, 40), st.integers(1, 8), st.frozensets(st.integers(0, 39)), st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_a_checkpoint_never_runs_ahead_of_the_dead_letter(
    count: int, window: int, bad: frozenset[int], seed: int
) -> None:
    """Whatever the order of answers: rejects before a checkpoint are written before it, and all adds up."""
    dice, written = random.Random(seed), Written(dead_letter_seconds=0.001)
    running = flow(FakeUploader(pause=lambda: dice.random() * 0.002), written, window)
    for batch in batches(count, bad):
        running.submit(batch)
    running.drain()
    assert running.position.ordinal == 2 * count
    assert running.counts.adds_up()
    dead: set[int] = set()
    for kind, ordinal in written.events:
        if kind == "dead":
            dead.add(ordinal)
        else:
            assert dead >= {2 * n + 1 for n in bad if n < count and 2 * n + 1 < ordinal}


def test_no_more_than_the_window_is_in_flight() -> None:
    """Sent and not yet covered by a checkpoint is never more than the window."""
    uploader, written = FakeUploader(pause=lambda: 0.002), Written()
    running = flow(uploader, written, window=3)
    for batch in batches(30):
        running.submit(batch)
        covered = max((o for k, o in written.events if k == "checkpoint"), default=0)
        assert 2 * (batch.sequence + 1) - covered <= 2 * 3
    running.drain()
    assert uploader.most <= 3


def test_a_failure_leaves_the_contiguous_prefix() -> None:
    """When a batch cannot be sent, the position is the end of the last batch before it."""
    written = Written()
    running = flow(FakeUploader(fail_at=5, pause=lambda: 0.001), written)
    with pytest.raises(ServiceUnavailable):
        for batch in batches(20):
            running.submit(batch)
        running.drain()
    running.abandon()
    assert running.position.ordinal == 10
    assert running.counts.accepted == 10


def test_what_was_accepted_behind_a_failure_is_counted_as_a_repeat() -> None:
    """Batches behind one that could not be sent are sent again by the next run: their rows may be there twice."""
    uploader = FakeUploader()
    fine = uploader.send

    others = threading.Barrier(3)

    def send(batch: Batch) -> Outcome:
        if batch.sequence == 1:
            others.wait()  # the two behind it are accepted by then
            raise ServiceUnavailable("down")
        outcome = fine(batch)
        if batch.sequence > 1:
            others.wait()
        return outcome

    uploader.send = send  # type: ignore[method-assign]
    running = flow(uploader, Written())
    for batch in batches(4):
        running.submit(batch)
    with pytest.raises(ServiceUnavailable):
        running.drain()
    running.abandon()
    assert (running.position.ordinal, running.counts.accepted) == (2, 2)
    assert running.counts.maybe_repeated == 4
    assert running.counts.adds_up()


def test_what_a_failed_batch_left_there_is_counted_as_a_repeat() -> None:
    """Rows of a batch that ended in an error though they were accepted, or may have been, are sent again: they count."""
    uploader = FakeUploader()

    def send(batch: Batch) -> Outcome:
        error = ServiceUnavailable("down")
        error.maybe_there = 1
        raise error

    uploader.send = send  # type: ignore[method-assign]
    running = flow(uploader, Written())
    running.submit(batches(1)[0])
    with pytest.raises(ServiceUnavailable):
        running.drain()
    running.abandon()
    assert (running.counts.accepted, running.counts.maybe_repeated) == (0, 1)


def test_a_dead_letter_that_cannot_be_written_holds_the_position() -> None:
    """Where rejects cannot be kept, the run ends before them, and says so by its position alone."""
    written = Written()
    written.dead_letter = _refuse  # type: ignore[method-assign]
    running = flow(FakeUploader(), written)
    with pytest.raises(ServiceUnavailable):
        for batch in batches(6, frozenset({2})):
            running.submit(batch)
        running.drain()
    running.abandon()
    assert running.position.ordinal == 4


def _refuse(first: int, rejects: list[Reject]) -> None:
    raise ServiceUnavailable("storage is down")


def test_a_run_that_sends_nothing_shows_signs_of_life() -> None:
    """However long nothing is sent, the claim is kept: a checkpoint is written when one is due."""
    written = Written()
    written.beat_seconds = 0.01
    running = flow(FakeUploader(), written)
    for _ in range(5):
        time.sleep(0.02)
        running.sign_of_life()
    running.drain()
    assert written.events.count(("checkpoint", 0)) >= 2
    written.beat_seconds = 60.0
    quiet = len(written.events)
    running.sign_of_life()
    assert len(written.events) == quiet


def test_a_lost_claim_stops_the_run() -> None:
    """A checkpoint that may not be written ends the run: nothing more is sent."""
    uploader, written = FakeUploader(), Written()
    written.lost = True
    running = flow(uploader, written, window=2)
    with pytest.raises(ClaimLost):
        for batch in batches(50):
            running.submit(batch)
        running.drain()
    running.abandon()
    assert len(uploader.sent) <= 4


def test_no_more_is_taken_than_the_sender_wants() -> None:
    """Batches that would only wait for the rule are not made: each holds its rows."""
    uploader, written = FakeUploader(pause=lambda: 0.002, room=2), Written()
    running = flow(uploader, written, window=8)
    for batch in batches(30):
        running.submit(batch)
    running.drain()
    assert uploader.most <= 2
    assert running.counts.accepted == 60


def test_a_run_whose_only_post_takes_long_keeps_its_claim() -> None:
    """While a post is retried, in whosever thread, signs of life are written."""
    written = Written()
    written.beat_seconds = 0.01
    alive = threading.Event()
    written.save = lambda position, counts: alive.set()  # type: ignore[method-assign]
    uploader = FakeUploader(pause=lambda: float(not alive.wait(60)))
    running = flow(uploader, written)
    for batch in batches(1):
        running.submit(batch)
    running.drain()
    assert alive.is_set()
