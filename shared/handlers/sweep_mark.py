"""How far a sweep's pass has come, kept in the state container.

Rule: written once a minute and where a sweep stops, removed at the pass's end. Invariants: a
sweep that has no time left, fails or is killed is gone on with by the next, at most a minute
back; a place that the service does not take any more is given up after one try.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec

from .. import logs
from ..errors import ServiceUnavailable
from ..ledger.store import Store
from .sweep_pass import Place, Stretch

logger = logs.logger("logferry.sweep")

PLACE = "meta/sweep"
SECONDS = 60.0
"""From one look of the pass at where it is to the next."""

_places = msgspec.json.Decoder(Place)


class Bookmark:
    """Where a pass is.

    Args:
        state: the state container.

    Raises:
        ServiceUnavailable: by all methods: storage does not answer.
    """

    def __init__(self, state: Store) -> None:
        self._state = state
        self._written = time.monotonic()
        self._is_there = False

    def go_on(self, stretches: Callable[[Place], Iterator[Stretch]]) -> Iterator[Stretch]:
        """The stretches from the mark on, or from the beginning."""
        found = stretches(self._read())
        try:
            first = next(found, None)
        except ServiceUnavailable as error:
            if self._is_there and getattr(error.__cause__, "status_code", None) == 400:
                logger.warning("sweep: the mark of the last one does not hold any more; the next begins anew")
                self._remove()
            raise
        if first is not None:
            yield first
            yield from found

    def _read(self) -> Place:
        stored = self._state.read(PLACE)
        if stored is None:
            return Place()
        self._is_there = True
        try:
            return _places.decode(stored.document)
        except msgspec.MsgspecError:
            return Place()

    def passed(self, stretch: Stretch) -> None:
        """A stretch is done."""
        if stretch.following is None:
            self._remove()
        elif time.monotonic() >= self._written + SECONDS:
            self._write(stretch.following)

    def stop(self, place: Place) -> None:
        """There is no time left; the next sweep is to begin here."""
        self._write(place)
        logger.warning("sweep: out of time; the next one goes on where this one stops")

    def _write(self, place: Place) -> None:
        self._state.put(PLACE, msgspec.json.encode(place))
        self._written, self._is_there = time.monotonic(), True

    def _remove(self) -> None:
        if self._is_there:
            self._state.remove(PLACE)
            self._is_there = False
