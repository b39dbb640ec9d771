"""A batch to its outcome: sent, sent again, or taken apart.

Rule: Throttled and ServiceUnavailable are tried again with full jitter until the
time allowed is over; Refused is halved until the record at fault stands alone;
everything else goes to the caller. Invariant: a Delivery says of every row whether
it was accepted or refused, or has the error for which it is neither; an Outcome
accounts for every row of its batch; when `send` raises, some of its rows may have
been accepted, the error says how many, and the caller must send the whole batch again.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from ..encode import body
from ..errors import Refused, ServiceUnavailable, Throttled, Transient
from ..model import Batch, Outcome, Reject
from .answers import ReplyLost
from .limit import Answer
from .service import Service

FIRST_WAIT = 3.0
LONGEST_WAIT = 30.0


class Span(NamedTuple):
    """Rows that one post took: indexes from `first` to before `end`."""

    first: int
    end: int
    repeated: bool
    """Whether the reply was lost once, so that they may be there twice."""
    sent_bytes: int
    """On the wire."""


class Refusal(NamedTuple):
    """A row that the service refused by itself."""

    row: int
    """Its index."""
    reason: str
    detail: str
    raw: bytes

    def reject(self, batch: Batch, index: int) -> Reject:
        """As a reject of the batch, whose row at `index` it is."""
        where = batch.start.offset
        return Reject(batch.ordinals[index], where, None, self.reason, self.detail, self.raw, form="row")


@dataclass(slots=True)
class Delivery:
    """What became of rows."""

    spans: list[Span] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    attempts: int = 0
    error: Transient | None = None
    """Why rows that are in no span and not refused were not taken."""
    lost: list[tuple[int, int]] = field(default_factory=list)
    """Rows of posts whose reply was lost, from the first to before the end."""

    def is_lost(self, row: int) -> bool:
        """Whether a reply for a row was lost, so that it may be there."""
        return any(first <= row < end for first, end in self.lost)

    def maybe_there(self, first: int, end: int) -> int:
        """How many of the rows from `first` to before `end` were accepted, or may have been."""
        taken = [*self.lost, *(span[:2] for span in self.spans)]
        rows = {row for low, high in taken for row in range(max(low, first), min(high, end))}
        return len(rows.difference(refusal.row for refusal in self.refused))


class Uploader:
    """Posts to one rule.

    Args:
        service: the endpoint.
        rule: immutable id.
        retry_seconds: how long one batch may be retried in this invocation.
    """

    def __init__(self, service: Service, rule: str, *, retry_seconds: float) -> None:
        self._service = service
        self._rule = rule
        self._gate = service.gate(rule)
        self._retry_seconds = retry_seconds
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End all waiting: what is being retried raises its last error."""
        self._stopped.set()
        self._gate.wake()

    def send(self, batch: Batch) -> Outcome:
        """Send a batch's rows until each is accepted or refused by itself.

        Raises:
            Transient: the service was not ready to take them in the time allowed.
        """
        if not batch.rows:
            return Outcome(batch, 0, [], 0, 0, 0, 0)
        delivery = self.deliver(batch.stream, batch.text, batch.rows, time.monotonic())
        batch.text = []
        if delivery.error is not None:
            delivery.error.maybe_there = delivery.maybe_there(0, batch.rows)
            raise delivery.error
        return Outcome(
            batch,
            accepted=sum(span.end - span.first for span in delivery.spans),
            rejects=[refusal.reject(batch, refusal.row) for refusal in delivery.refused],
            attempts=delivery.attempts,
            maybe_repeated=sum(span.end - span.first for span in delivery.spans if span.repeated),
            sent_bytes=sum(span.sent_bytes for span in delivery.spans),
            posts=len(delivery.spans),
        )

    def deliver(self, stream: str, text: list[bytes], rows: int, began: float) -> Delivery:
        """Send rows, given as lines, until each is accepted or refused, or the time is over.

        Args:
            stream: the stream.
            text: pieces of lines, each ended by a newline.
            rows: how many lines.
            began: monotonic time from which on the time allowed counts.
        """
        sending = _Sending(stream, began + self._retry_seconds)
        try:
            self._post(sending, text, 0, rows)
        except Transient as error:
            sending.delivery.error = error
        return sending.delivery

    def _post(self, sending: _Sending, text: list[bytes], first: int, end: int) -> None:
        encoded, size = body(text), sum(map(len, text))
        try:
            self._persist(sending, encoded, size, (first, end))
        except Refused as refused:
            self._take_apart(sending, b"".join(text), first, end, refused)
        else:
            delivery = sending.delivery
            delivery.spans.append(Span(first, end, delivery.is_lost(first), len(encoded)))

    def _persist(self, sending: _Sending, encoded: bytes, size: int, rows: tuple[int, int]) -> None:
        wait = FIRST_WAIT
        while True:
            try:
                self._try(sending, encoded, size)
            except (Throttled, ServiceUnavailable) as error:
                if isinstance(error, ReplyLost) and rows not in sending.delivery.lost:
                    sending.delivery.lost.append(rows)
                # "Retry-After: 0" names no time to wait for; without one of our own it would be a hammer.
                pause = error.retry_after or random.uniform(0, wait)  # noqa: S311
                self._wait(pause, sending.give_up, error)
                wait = min(wait * 2, LONGEST_WAIT)
            else:
                return

    def _try(self, sending: _Sending, encoded: bytes, size: int) -> None:
        ticket = self._gate.enter(sending.give_up, self._stopped.is_set)
        answer: Answer = "other"
        try:
            sending.delivery.attempts += 1
            self._service.post(self._rule, sending.stream, encoded)
            answer = "accepted"
        except (Throttled, ServiceUnavailable):
            answer = "trouble"
            raise
        finally:
            self._gate.leave(ticket, answer, size)

    def _wait(self, pause: float, give_up: float, error: Transient) -> None:
        """Wait, or raise `error` if the time allowed does not reach that far or the run was stopped."""
        if pause and (time.monotonic() + pause > give_up or self._stopped.wait(pause)):
            raise error

    def _take_apart(self, sending: _Sending, lines: bytes, first: int, end: int, refused: Refused) -> None:
        if end - first == 1:
            reason = "TooLargeForService" if refused.status == 413 else "RefusedByService"
            sending.delivery.refused.append(Refusal(first, reason, str(refused), lines[:-1]))
            return
        middle = (first + end) // 2
        cut = _after_lines(lines, middle - first)
        self._post(sending, [lines[:cut]], first, middle)
        self._post(sending, [lines[cut:]], middle, end)


@dataclass(slots=True)
class _Sending:
    """Rows on their way."""

    stream: str
    give_up: float
    delivery: Delivery = field(default_factory=Delivery)


def _after_lines(lines: bytes, count: int) -> int:
    place = 0
    for _ in range(count):
        place = lines.index(b"\n", place) + 1
    return place
