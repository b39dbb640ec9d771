"""The way to one rule, for all who post to it in this process.

Rule: nobody posts while the rule asked everybody to wait, nor over the number of
posts that its answers allow (limit.py). Invariant: a place that was taken is given
back, whatever happens to the post. Thread-safe; who waits does not poll.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..errors import Throttled
from .limit import Answer, Limit, Ticket

MOST = 64
"""Posts in flight to one rule, at most: as many as there are connections."""
PLACE_SECONDS = 120.0
"""How long a post waits for a place at least: the longest that one in flight takes, and some more."""


class Gate:
    """The gate of one rule.

    Args:
        rule: immutable id, for messages.
        limit: how many may be in flight.
    """

    def __init__(self, rule: str, limit: Limit | None = None) -> None:
        self._rule = rule
        self._limit = limit or Limit(MOST)
        self._runs = 0
        self._open_at = 0.0
        self._asked = ""
        self._changed = threading.Condition()

    # -- one pause for all --------------------------------------------------------------------

    def shut(self, seconds: float | None, asked: str) -> None:
        """Nobody posts for so long; a shorter pause than the present one changes nothing.

        Args:
            seconds: as the answer says, if it says so.
            asked: the answer, for messages.
        """
        until = time.monotonic() + (seconds or 0.0)
        with self._changed:
            if seconds and until > self._open_at:
                self._open_at, self._asked = until, asked
                self._changed.notify_all()  # who waits for a place waits for something else now

    def pause(self) -> float:
        """Seconds that are left of the pause."""
        return max(self._open_at - time.monotonic(), 0.0)

    # -- places -------------------------------------------------------------------------------

    def enter(self, give_up: float, stopped: Callable[[], bool]) -> Ticket:
        """Take a place, when there is no pause and there is one.

        Args:
            give_up: monotonic time up to which a pause is waited for.
            stopped: whether the caller does not want it any more; `wake` has it asked again.

        Raises:
            Throttled: the pause is longer, or no place came free, or `stopped`.
        """
        patience = max(give_up, time.monotonic() + PLACE_SECONDS)
        with self._changed:
            while True:
                now = time.monotonic()
                pause = self._open_at - now
                if pause > 0 and (self._open_at > give_up or stopped()):
                    self._changed.notify()  # it may have been this one that was told of a place
                    raise Throttled(f"the service asked to wait: {self._asked}", retry_after=pause)
                if pause <= 0 and self._limit.flying < self._limit.level:
                    return self._limit.begin(now)
                if stopped() or now >= patience:
                    self._changed.notify()
                    raise Throttled(f"the rule {self._rule} takes no more posts at once at present")
                self._changed.wait(pause if pause > 0 else patience - now)

    def leave(self, ticket: Ticket, answer: Answer, size: int) -> None:
        """Give a place back, with what the service answered."""
        with self._changed:
            self._limit.end(ticket, time.monotonic(), answer, size)
            self._changed.notify(max(self._limit.level - self._limit.flying, 1))

    def wake(self) -> None:
        """Have all who wait ask again whether they still want to."""
        with self._changed:
            self._changed.notify_all()

    # -- shares -------------------------------------------------------------------------------

    def join(self) -> None:
        """One more source has posts of its own in flight."""
        with self._changed:
            self._runs += 1

    def part(self) -> None:
        """One less."""
        with self._changed:
            self._runs -= 1

    def share(self) -> int:
        """How many batches one of these sources should hold ready: more would wait here, and hold memory."""
        return max(-(-self._limit.level // max(self._runs, 1)), 1)
