"""Rows of many small sources in one post.

Rule: whoever has few rows hands them in and gets a future; what waits together goes
together, in the order in which it came, up to one post's size. Invariants: a future
has a result only when its own rows were accepted or refused one by one; a bad record
costs its owner's record and nobody else's; each owner's share adds up to the post.

Strategy: rows set out at once when no other source is about to hand some in or a
post is full, else `LINGER` after the first of them came. Its owner waits that long;
there is no thread that looks round. `ABREAST` posts of a stream are in flight at
most while they are not full: what comes meanwhile gathers, and sets out when one of
them is back. Batches of over half a post go by themselves.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field
from functools import partial

from ..errors import ServiceUnavailable
from ..model import Batch, Outcome
from .gate import MOST
from .service import Service
from .uploader import Delivery, Uploader

LINGER = 0.005
"""Seconds that rows wait for others, where there are others."""
ABREAST = 2
"""So one post can be on its way while the next one gathers; more would only be smaller."""


@dataclass(slots=True)
class _Part:
    """One owner's rows."""

    batch: Batch
    came: float
    done: Future[Outcome] = field(default_factory=Future)

    @property
    def lines(self) -> int:
        """Bytes of its lines: an array of n bytes is 1 + n bytes of lines."""
        return self.batch.size - 1


class Group:
    """The posts that small sources of one stream share in this process.

    Args:
        service: the endpoint.
        rule: immutable id.
        stream: the stream.
        limit: largest JSON array of one post in bytes.
        retry_seconds: how long rows may be retried, from when they were handed in.
    """

    def __init__(self, service: Service, rule: str, stream: str, *, limit: int, retry_seconds: float) -> None:
        self._make: Callable[[], Uploader] = partial(Uploader, service, rule, retry_seconds=retry_seconds)
        self._uploader = self._make()
        self._stream = stream
        self._limit = limit
        self._pool = ThreadPoolExecutor(MOST, "logferry-group")
        self._changed = threading.Condition()
        self._near = 0
        self._waiting: deque[_Part] = deque()
        self._bytes = 1
        self._flying = 0
        self._leader: _Part | None = None

    def member(self) -> Member:
        """The sender of one more run, which counts as near until it hands in its first rows or is closed."""
        with self._changed:
            self._near += 1
        return Member(self, self._make)

    def arrived(self) -> None:
        """One who was near is so no more."""
        with self._changed:
            self._near -= 1
            if self._is_ready():
                self._set_out()

    def alone(self, batch: Batch, uploader: Uploader) -> Future[Outcome]:
        """Send a batch by itself; one without rows is done at once."""
        if batch.rows:
            return self._pool.submit(uploader.send, batch)
        done: Future[Outcome] = Future()
        done.set_result(uploader.send(batch))
        return done

    def is_small(self, batch: Batch) -> bool:
        """Whether two such batches fit in one post."""
        return batch.rows > 0 and 2 * batch.size <= self._limit

    def hand_in(self, batch: Batch, *, first: bool) -> Future[Outcome]:
        """Have a small batch's rows sent together with others.

        Args:
            batch: the rows.
            first: whether its owner was counted as near until now.
        """
        part = _Part(batch, time.monotonic())
        with self._changed:
            self._near -= first
            self._waiting.append(part)
            self._bytes += part.lines
            if self._is_ready():
                self._set_out()
            elif self._leader is None and self._flying < ABREAST:
                self._lead(part)
        return part.done

    # -- setting out; under the lock ------------------------------------------------------------

    def _is_ready(self) -> bool:
        full = self._bytes >= self._limit
        return bool(self._waiting) and (full or (self._near <= 0 and self._flying < ABREAST))

    def _lead(self, part: _Part) -> None:
        """Wait for others, until they set out with `part` or it has waited long enough."""
        self._leader = part
        self._changed.wait_for(lambda: self._leader is not part, LINGER)
        if self._leader is part:
            self._set_out()

    def _set_out(self) -> None:
        """Send what waits: full posts, and the rest if there is room abreast; else it goes when one lands."""
        self._leader = None
        while self._waiting:
            self._send_off(self._board())
            if self._bytes < self._limit and self._flying >= ABREAST:
                break
        self._changed.notify_all()

    def _send_off(self, parts: list[_Part]) -> None:
        self._flying += 1
        try:
            self._pool.submit(self._travel, parts)
        except RuntimeError as error:  # no thread could be started; the pool may still do it later
            given_back = parts.copy()
            parts.clear()
            self._flying -= 1
            for part in given_back:
                part.done.set_exception(ServiceUnavailable(f"rows could not be sent: {error}"))

    def _board(self) -> list[_Part]:
        """The first of those who wait, as many as fit in one post."""
        aboard, size = [], 1
        while self._waiting and size + self._waiting[0].lines <= self._limit:
            part = self._waiting.popleft()
            aboard.append(part)
            size += part.lines
        self._bytes -= size - 1
        return aboard

    # -- on the way; in a thread of the pool ------------------------------------------------------

    def _travel(self, parts: list[_Part]) -> None:
        with self._changed:
            if not parts:  # given back
                return
        text = [piece for part in parts for piece in part.batch.text]
        rows = sum(part.batch.rows for part in parts)
        try:
            delivery = self._uploader.deliver(self._stream, text, rows, parts[0].came)
            shares = _shares(delivery, parts)
        except BaseException as error:
            shares = [error] * len(parts)
        self._land()
        for part, share in zip(parts, shares, strict=True):
            if isinstance(share, Outcome):
                part.done.set_result(share)
            else:
                part.done.set_exception(share)

    def _land(self) -> None:
        with self._changed:
            self._flying -= 1
            if self._waiting and self._leader is None:
                self._set_out()


class Member:
    """One run's way into a group.

    Args:
        group: the group.
        make: gives an uploader of this run's own, for what is too large to share.
    """

    def __init__(self, group: Group, make: Callable[[], Uploader]) -> None:
        self._group = group
        self._make = make
        self._own: Uploader | None = None
        self._is_near = True

    def begin(self, batch: Batch) -> Future[Outcome]:
        """Have a batch sent, together with others' if it is small."""
        if self._group.is_small(batch):
            first, self._is_near = self._is_near, False
            return self._group.hand_in(batch, first=first)
        self.close()
        self._own = self._own or self._make()
        return self._group.alone(batch, self._own)

    def room(self) -> int:
        """One on its way and one ready: dozens of small sources run at once, few with more than one batch."""
        return 2

    def stop(self) -> None:
        """Give up what is sent for this run alone; posts that others have rows in go on."""
        if self._own is not None:
            self._own.stop()

    def close(self) -> None:
        """Nobody need wait for it any longer."""
        if self._is_near:
            self._is_near = False
            self._group.arrived()


def _shares(delivery: Delivery, parts: Sequence[_Part]) -> list[Outcome | BaseException]:
    """Each owner's part of what became of a post's rows, or why there is none."""
    shares: list[Outcome | BaseException] = []
    first, attempts = 0, delivery.attempts
    for part in parts:
        end = first + part.batch.rows
        outcome = _share(delivery, part.batch, first, end)
        if outcome is not None:
            outcome.attempts, attempts = attempts, 0
            part.batch.text = []
        shares.append(outcome or _error(delivery, first, end))
        first = end
    return shares


def _error(delivery: Delivery, first: int, end: int) -> BaseException:
    """Why rows have no outcome; an error of their owner's own, since it counts what may be there of them."""
    if delivery.error is None:
        return AssertionError("rows without an answer")
    error = copy(delivery.error)
    error.maybe_there = delivery.maybe_there(first, end)
    return error


def _share(delivery: Delivery, batch: Batch, first: int, end: int) -> Outcome | None:
    """The outcome of the rows from `first` to before `end`; None if some of them have none."""
    outcome = Outcome(batch, 0, [], 0, 0, 0, 0)
    for span in delivery.spans:
        low, high = max(first, span.first), min(end, span.end)
        if low >= high:
            continue
        outcome.accepted += high - low
        outcome.maybe_repeated += high - low if span.repeated else 0
        outcome.posts += low == span.first
        whole = span.end - span.first
        outcome.sent_bytes += (
            span.sent_bytes * (high - span.first) // whole - span.sent_bytes * (low - span.first) // whole
        )
    outcome.rejects = [r.reject(batch, r.row - first) for r in delivery.refused if first <= r.row < end]
    return outcome if outcome.accepted + len(outcome.rejects) == batch.rows else None
