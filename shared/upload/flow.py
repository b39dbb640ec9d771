"""Several batches in flight, settled in order.

Rule: batches go out as they come and may be accepted in any order; what counts is
the contiguous prefix. Invariants: a batch's rejects are durable in the dead letter
before a checkpoint covers them; a checkpoint covers accepted batches only; batches
that no durable checkpoint covers are never more than `window`, so that is the most
a crash can repeat. Strategy: checkpoints are written behind the scenes, each for
all that has settled by then.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
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
    """What sends a batch: the uploader."""

    def send(self, batch: Batch) -> Outcome:
        """Send a batch. Raises Transient."""
        ...

    def stop(self) -> None:
        """Give up what is being retried."""
        ...


class Flow:
    """The way out for one run over a source.

    Args:
        uploader: sends a batch; called from worker threads.
        progress: checkpoints and the dead letter.
        start: where the run begins.
        counts: what earlier runs over this source counted.
        window: batches in flight or not yet covered by a checkpoint, at most.
    """

    def __init__(
        self, uploader: Sender, progress: Progress, start: Position, counts: Counts, window: int
    ) -> None:
        self._uploader = uploader
        self._progress = progress
        # Threads of its own, so that no other source's retries can hold up this one's signs of life.
        self._pool = ThreadPoolExecutor(window + 1, "logferry-flow")
        self._window = window
        self._flying: deque[Future[Outcome]] = deque()
        self._checkpoint: Future[None] | None = None
        self._uncovered = 0
        self._covering = 0
        self._last_sign = time.monotonic()
        self.position = start
        self.counts = counts

    def submit(self, batch: Batch) -> None:
        """Send a batch, after waiting for room in the window.

        Raises:
            Transient: an earlier batch could not be sent, or the claim is lost.
        """
        self._collect()
        while len(self._flying) + self._uncovered >= self._window:
            self._wait()
            self._collect()
        self._flying.append(self._pool.submit(self._uploader.send, batch))

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
                self._wait()
            self._collect()
        self._join_checkpoint()
        self._pool.shutdown()

    def abandon(self) -> None:
        """After an error: end retries, let what flies land, settle the prefix. Raises nothing."""
        self._uploader.stop()
        while wait(self._flying, timeout=self._progress.beat_seconds).not_done:
            if self._checkpoint is not None and self._checkpoint.done():
                self._checkpoint = None
            self._begin_checkpoint()
        with contextlib.suppress(Transient):  # rejects that cannot be written: the position stays before them
            while self._flying and self._flying[0].exception() is None:
                self._settle_first()
        self._flying.clear()
        self._pool.shutdown()

    # -- settling -------------------------------------------------------------------------------

    def _wait(self) -> None:
        """Until something moves, or a sign of life is due."""
        watched: list[Future[Any]] = [*list(self._flying)[:1]]
        if self._checkpoint is not None:
            watched.append(self._checkpoint)
        done, _ = wait(watched, timeout=self._progress.beat_seconds, return_when=FIRST_COMPLETED)
        if not done:
            self._begin_checkpoint()

    def _collect(self) -> None:
        while self._flying and self._flying[0].done():
            self._settle_first()
        if self._checkpoint is not None and self._checkpoint.done():
            self._join_checkpoint()
        if self._uncovered * 2 >= self._window:
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

    def _count(self, outcome: Outcome, rejects: int) -> None:
        batch, counts = outcome.batch, self.counts
        counts.read += batch.end.ordinal - batch.start.ordinal
        counts.accepted += outcome.accepted
        counts.filtered += batch.filtered
        counts.dead_lettered += rejects
        counts.maybe_repeated += outcome.maybe_repeated
        counts.batches += 1 if batch.rows else 0
        counts.raw_bytes += batch.size if batch.rows else 0
        counts.sent_bytes += outcome.sent_bytes
        counts.attempts += outcome.attempts

    # -- checkpoints ----------------------------------------------------------------------------

    def _begin_checkpoint(self) -> None:
        if self._checkpoint is None:
            self._last_sign = time.monotonic()
            self._covering = self._uncovered
            counts = _copy(self.counts)
            self._checkpoint = self._pool.submit(self._progress.save, self.position, counts)

    def _join_checkpoint(self) -> None:
        if self._checkpoint is not None:
            checkpoint, self._checkpoint = self._checkpoint, None
            checkpoint.result()
            self._uncovered -= self._covering
            self._covering = 0


def _copy(counts: Counts) -> Counts:
    from msgspec.structs import replace  # noqa: PLC0415

    return replace(counts, changed=dict(counts.changed))
