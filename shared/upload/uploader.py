"""A batch to its outcome: sent, sent again, or taken apart.

Rule: Throttled and ServiceUnavailable are tried again with full jitter until the
time allowed is over; Refused is halved until the record at fault stands alone;
everything else goes to the caller. Invariant: an Outcome accounts for every row
of its batch; when `send` raises, some of its rows may have been accepted, and the
caller must send the whole batch again.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field

from ..encode import body
from ..errors import Refused, ServiceUnavailable, Throttled, Transient
from ..model import Batch, Outcome, Reject
from .answers import ReplyLost
from .service import Service

FIRST_WAIT = 3.0
LONGEST_WAIT = 30.0


@dataclass(slots=True)
class _Tally:
    accepted: int = 0
    attempts: int = 0
    maybe_repeated: int = 0
    sent_bytes: int = 0
    rejects: list[Reject] = field(default_factory=list)


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
        self._retry_seconds = retry_seconds
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End all waiting: what is being retried raises its last error."""
        self._stopped.set()

    def send(self, batch: Batch) -> Outcome:
        """Send a batch's rows until each is accepted or refused by itself.

        Raises:
            Transient: the service was not ready to take them in the time allowed.
        """
        tally = _Tally()
        if batch.rows:
            give_up = time.monotonic() + self._retry_seconds
            self._post(batch, batch.text, batch.ordinals, tally, give_up)
            batch.text = []
        return Outcome(
            batch, tally.accepted, tally.rejects, tally.attempts, tally.maybe_repeated, tally.sent_bytes
        )

    def _post(
        self, batch: Batch, text: list[bytes], ordinals: list[int], tally: _Tally, give_up: float
    ) -> None:
        encoded = body(text)
        try:
            self._persist(batch.stream, encoded, len(ordinals), tally, give_up)
        except Refused as refused:
            self._take_apart(batch, b"".join(text), ordinals, tally, give_up, refused)
        else:
            tally.accepted += len(ordinals)
            tally.sent_bytes += len(encoded)

    def _persist(self, stream: str, encoded: bytes, rows: int, tally: _Tally, give_up: float) -> None:
        wait = FIRST_WAIT
        lost = False
        while True:
            self._wait(
                self._service.pause(self._rule), give_up, Throttled(f"the rule {self._rule} asked to wait")
            )
            tally.attempts += 1
            try:
                self._service.post(self._rule, stream, encoded)
            except (Throttled, ServiceUnavailable) as error:
                lost = lost or isinstance(error, ReplyLost)
                # "Retry-After: 0" names no time to wait for; without one of our own it would be a hammer.
                pause = error.retry_after or random.uniform(0, wait)  # noqa: S311
                self._wait(pause, give_up, error)
                wait = min(wait * 2, LONGEST_WAIT)
            else:
                tally.maybe_repeated += rows if lost else 0
                return

    def _wait(self, pause: float, give_up: float, error: Transient) -> None:
        """Wait, or raise `error` if the time allowed does not reach that far or the run was stopped."""
        if pause and (time.monotonic() + pause > give_up or self._stopped.wait(pause)):
            raise error

    def _take_apart(
        self,
        batch: Batch,
        lines: bytes,
        ordinals: list[int],
        tally: _Tally,
        give_up: float,
        refused: Refused,
    ) -> None:
        if len(ordinals) == 1:
            reason = "TooLargeForService" if refused.status == 413 else "RefusedByService"
            offset, line = batch.start.offset, None
            tally.rejects.append(
                Reject(ordinals[0], offset, line, reason, str(refused), lines[:-1], form="row")
            )
            return
        half = len(ordinals) // 2
        cut = _after_lines(lines, half)
        self._post(batch, [lines[:cut]], ordinals[:half], tally, give_up)
        self._post(batch, [lines[cut:]], ordinals[half:], tally, give_up)


def _after_lines(lines: bytes, count: int) -> int:
    place = 0
    for _ in range(count):
        place = lines.index(b"\n", place) + 1
    return place
