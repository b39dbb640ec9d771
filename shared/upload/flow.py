"""Several batches in flight, settled in order.

Rule: batches go out as they come and may be accepted in any order; what counts is
the contiguous prefix. Invariants: a batch's rejects are durable in the dead letter
before a checkpoint covers them; a checkpoint covers accepted batches only; batches
that no durable checkpoint covers are never more than `window`, so that is the most
a crash can repeat. Strategy: checkpoints are written behind the scenes, each for
all that has settled by then, and sooner where the window would hold up the posts;
no more batches are taken than the sender wants ready, since each holds its rows.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from ..errors import Transient
from ..model import Batch, Counts, Outcome, Position, Reject


class Progress(Protocol):
    """Where settled work is written down. `save` may block; it is called from one thread at a time."""

    beat_seconds: float
    """How often a sign of life is due."""
    seekable: bool
    """Whether offsets of positions are offsets into the source's own bytes."""

    def save(self, position: Position, counts: Counts) -> None:
        """Make a checkpoint durable; also a sign of life. Raises ClaimLost when it is not ours any more."""
        ...

    def dead_letter(self, first: int, rejects: list[Reject]) -> None:
        """Make rejects durable; `first` is the first ordinal of their span."""
        ...


class Sender(Protocol):
    """What sends the batches of one run."""

    def begin(self, batch: Batch) -> Future[Outcome]:
        """Have a batch sent. The future raises Transient."""
        ...

    def room(self) -> int:
        """How many batches should be on their way at once."""
        ...

    def stop(self) -> None:
        """Give up what is being retried for this run."""
        ...


class Flow:
    """The way out for one run over a source.

    Args:
        sender: sends the batches; whoever made it closes it after the run.
        progress: checkpoints and the dead letter.
        start: where the run begins.
        counts: what earlier runs over this source counted.
        window: batches in flight or not yet covered by a checkpoint, at most.
    """

    def __init__(
        self, sender: Sender, progress: Progress, start: Position, counts: Counts, window: int
    ) -> None:
        self._sender = sender
        self._progress = progress
        self._scribe: ThreadPoolExecutor | None = None
        self._window = window
        self._flying: deque[Future[Outcome]] = deque()
        self._checkpoint: Future[None] | None = None
        self._uncovered = 0
        self._covering = 0
        self._last_sign = time.monotonic()
        self.position = start
        self.counts = _copy(counts)

    def submit(self, batch: Batch) -> None:
        """Send a batch, after waiting for room in the window.

        Raises:
            Transient: an earlier batch could not be sent, or the claim is lost.
        """
        self._collect()
        while not self._has_room():
            self._collect()
        self._flying.append(self._sender.begin(batch))

    def _has_room(self) -> bool:
        """Whether one more batch may go; if not, after a wait."""
        if self._left() <= 0:
            self._wait(list(self._flying)[:1])
            return False
        under_way = [future for future in self._flying if not future.done()]
        if len(under_way) >= self._sender.room():
            self._wait(under_way)
            return False
        return True

    def _left(self) -> int:
        """What is left of the window."""
        return self._window - len(self._flying) - self._uncovered

    def sign_of_life(self) -> None:
        """Write a checkpoint if one is due though nothing was sent; cheap to ask often.

        Raises:
            Transient: the claim is lost, or the checkpoint could not be written.
        """
        if time.monotonic() - self._last_sign >= self._progress.beat_seconds:
            self._collect()
            self._begin_checkpoint()

    def drain(self) -> None:
        """Wait for all that is in flight.

        Raises:
            Transient: the first batch that could not be sent; `position` and `counts` tell how far it went.
        """
        while self._flying:
            if not self._flying[0].done():
                self._wait(list(self._flying)[:1])
            self._collect()
        self._join_checkpoint()
        self._dismiss()

    def abandon(self) -> None:
        """After an error: end retries, let what flies land, settle the prefix. Raises nothing."""
        self._sender.stop()
        while wait(self._flying, timeout=self._progress.beat_seconds).not_done:
            if self._checkpoint is not None and self._checkpoint.done():
                self._checkpoint = None
            self._begin_checkpoint()
        with contextlib.suppress(Transient):  # rejects that cannot be written: the position stays before them
            while self._flying and self._flying[0].exception() is None:
                self._settle_first()
        self._count_repeats()
        self._flying.clear()
        self._dismiss()

    # -- settling -------------------------------------------------------------------------------

    def _wait(self, futures: list[Future[Outcome]]) -> None:
        """Until one of these or a checkpoint is done, or a sign of life is due."""
        watched: list[Future[Any]] = [*futures]
        if self._checkpoint is not None:
            watched.append(self._checkpoint)
        if not _one_is_done(watched, self._progress.beat_seconds):
            self._begin_checkpoint()

    def _collect(self) -> None:
        while self._flying and self._flying[0].done():
            self._settle_first()
        if self._checkpoint is not None and self._checkpoint.done():
            self._join_checkpoint()
        if self._uncovered * 2 >= self._window or (
            self._uncovered * 4 >= self._window and self._left() * 4 <= self._window
        ):
            self._begin_checkpoint()

    def _settle_first(self) -> None:
        outcome = self._flying[0].result()
        batch = outcome.batch
        rejects = sorted([*batch.rejects, *outcome.rejects], key=lambda r: r.ordinal)
        if rejects:
            self._progress.dead_letter(batch.start.ordinal, rejects)
        self._flying.popleft()
        self._count(outcome, len(rejects))
        self.position = batch.end
        self._uncovered += 1

    def _count_repeats(self) -> None:
        """What is there, or may be, from `position` on: whoever goes on there sends it again."""
        for future in self._flying:
            error = future.exception()
            if error is None:
                self.counts.maybe_repeated += future.result().accepted
            elif isinstance(error, Transient):
                self.counts.maybe_repeated += error.maybe_there

    def _count(self, outcome: Outcome, rejects: int) -> None:
        batch, counts = outcome.batch, self.counts
        counts.read += batch.end.ordinal - batch.start.ordinal
        counts.accepted += outcome.accepted
        counts.filtered += batch.filtered
        counts.dead_lettered += rejects
        counts.maybe_repeated += outcome.maybe_repeated
        counts.batches += outcome.posts
        counts.raw_bytes += batch.size if batch.rows else 0
        counts.sent_bytes += outcome.sent_bytes
        counts.attempts += outcome.attempts

    # -- checkpoints ----------------------------------------------------------------------------

    def _begin_checkpoint(self) -> None:
        if self._checkpoint is None:
            self._last_sign = time.monotonic()
            self._covering = self._uncovered
            counts = _copy(self.counts)
            # A thread of its own, so that no source's retries can hold up another's signs of life.
            self._scribe = self._scribe or ThreadPoolExecutor(1, "logferry-checkpoint")
            self._checkpoint = self._scribe.submit(self._progress.save, self.position, counts)

    def _join_checkpoint(self) -> None:
        if self._checkpoint is not None:
            checkpoint, self._checkpoint = self._checkpoint, None
            checkpoint.result()
            self._uncovered -= self._covering
            self._covering = 0

    def _dismiss(self) -> None:
        if self._scribe is not None:
            self._scribe.shutdown()


def _one_is_done(futures: list[Future[Any]], seconds: float) -> bool:
    """Whether one of these is done within that time."""
    if len(futures) > 1:
        return bool(wait(futures, timeout=seconds, return_when=FIRST_COMPLETED).done)
    with contextlib.suppress(TimeoutError, CancelledError):
        for future in futures:
            future.exception(seconds)  # the same, in a third of the time
    return any(future.done() for future in futures)


def _copy(counts: Counts) -> Counts:
    from msgspec.structs import replace  # noqa: PLC0415

    return replace(counts, changed=dict(counts.changed))
