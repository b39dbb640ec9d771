"""Room for what is in work at once in this process.

Rule: who comes first goes first, so that a large source is not kept waiting by a stream of
smaller ones. Invariant: what is in work together weighs no more than there is room for, and
nothing waits while there is room for it and for all before it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

TURN_BYTES = 10_000_000
"""The text of a source that takes a whole turn. A longer one takes no more memory: it goes on as it comes."""

FREE_BYTES = 250_000
"""A source of up to so many bytes takes no memory worth waiting for."""


class Turns:
    """Room for so many sources of any length, or for more that are shorter.

    Args:
        count: of whole turns.
    """

    def __init__(self, count: int) -> None:
        self._free = count * TURN_BYTES
        self._changed = threading.Condition()
        self._line: deque[object] = deque()

    @contextmanager
    def take(self, size: int, seconds: float) -> Iterator[bool]:
        """Whether a source of `size` bytes of text may be worked on now, or within so many seconds."""
        if size <= FREE_BYTES:
            yield True
            return
        weight = min(size, TURN_BYTES)
        got = self._wait(weight, seconds)
        try:
            yield got
        finally:
            if got:
                self._give_back(weight)

    def _wait(self, weight: int, seconds: float) -> bool:
        me = object()
        with self._changed:
            self._line.append(me)
            got = self._changed.wait_for(lambda: self._line[0] is me and self._free >= weight, seconds)
            self._line.remove(me)
            if got:
                self._free -= weight
            self._changed.notify_all()  # whoever is first now
            return got

    def _give_back(self, weight: int) -> None:
        with self._changed:
            self._free += weight
            self._changed.notify_all()
