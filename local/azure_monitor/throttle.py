"""A rule's limits per minute: 2 GB of raw bytes, 12,000 requests.

Rule: a minute begins with its first request; what goes over is refused with the
seconds that are left of it. A simulation may ask for less, and for shorter minutes.
Invariant: a refused request counts for nothing.

Source: Azure Monitor's service limits for the Logs Ingestion API (both soft).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from .ingestion import Refusal

BYTES_PER_MINUTE = 2 * 1024**3
REQUESTS_PER_MINUTE = 12_000
MINUTE = 60.0


@dataclass(slots=True)
class _Minute:
    began: float
    bytes: int = 0
    requests: int = 0


class Throttle:
    """Counts what each rule takes.

    Args:
        clock: seconds, never backwards.
        max_bytes: raw bytes a minute and rule.
        max_requests: requests a minute and rule.
        minute: seconds of a minute.
        says: whether a refusal says how long to wait.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        max_bytes: int = BYTES_PER_MINUTE,
        max_requests: int = REQUESTS_PER_MINUTE,
        minute: float = MINUTE,
        *,
        says: bool = True,
    ) -> None:
        self._clock, self._max_bytes, self._max_requests = clock, max_bytes, max_requests
        self._minute, self._says = minute, says
        self._minutes: dict[str, _Minute] = {}

    def take(self, rule: str, size: int) -> Refusal | None:
        """Count a post of `size` raw bytes, or say 429."""
        now = self._clock()
        minute = self._minutes.get(rule)
        if minute is None or now - minute.began >= self._minute:
            minute = self._minutes[rule] = _Minute(now)
        if minute.requests < self._max_requests and minute.bytes + size <= self._max_bytes:
            minute.requests += 1
            minute.bytes += size
            return None
        wait = str(max(1, math.ceil(minute.began + self._minute - now)))
        over = "requests" if minute.requests >= self._max_requests else "bytes"
        message = f"The rate of {over} of data collection rule '{rule}' is over its limit per minute."
        return Refusal(429, "TooManyRequests", message, {"Retry-After": wait} if self._says else {})
