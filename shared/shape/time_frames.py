"""Columns of times in text, an hour at a time.

Rule: what this gives is what reading each text would give. Strategy: the times of
a log share nearly all of their text. Texts of one length are cut into *frame*
(everything but minute, second and fraction) and *clock* (`MM:SS`); a frame is
read once, at both ends of its hour, and stands for every clock within. Invariant:
a frame is used only if both ends were read with minute, second and fraction at
these very places and lie 59:59 apart in UTC, so that no change of clocks, of year
or of layout lies between them. Everything else goes the slow way, a text at a
time. Memory: at most _FRAMES frames a layout and _LAYOUTS layouts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from .time_face import digits
from .time_walls import Reading, Spans

Read = Callable[[str], Reading]

_FRAMES = 4096
_LAYOUTS = 64
_SAMPLE = 16
_2 = [f"{number:02}" for number in range(60)]
_HOUR = timedelta(minutes=59, seconds=59)

Clock = dict[str, tuple[int, str]]
"""`MM:SS` (and what stands before a fraction) as written, to its UTC hour (0 or 1) and its text there."""
Frame = tuple[tuple[str, str], Clock]
"""`YYYY-MM-DDTHH:` of those two hours, and the clock."""


class _NoFrame(KeyError):  # noqa: N818 - never leaves this module
    """These texts go the slow way."""


@lru_cache(maxsize=16)
def _clock(between: str, after: str, shift: int, dot: str) -> Clock:
    """For an hour whose first minute is `shift` minutes past the UTC hour: 30 in India."""
    found: Clock = {}
    for minute in range(60):
        past, there = divmod(minute + shift, 60)
        before, after_it = f"{_2[minute]}{between}", f"{_2[there]}:"
        for second in _2:
            found[before + second + after] = (past, after_it + second + dot)
    return found


class _Frames(dict[str, Frame]):
    """The frames of one layout; one that is not there yet is read.

    Args:
        read: reads one text.
        text: a text of this layout.
        spans: where it has minute, second and fraction.
    """

    def __init__(self, read: Read, text: str, spans: Spans) -> None:
        super().__init__()
        minute, second, end, start, stop = spans
        self._read, self._spans = read, spans
        self._between, self._after, self._digits = text[minute + 2 : second], text[end:start], stop - start

    def __missing__(self, frame: str) -> Frame:
        first, last = self._at(frame, "00"), self._at(frame, "59")
        if last.utc - first.utc != _HOUR or first.utc.second:
            raise _NoFrame
        if len(self) >= _FRAMES:
            self.clear()
        hours = (first.utc.isoformat()[:14], last.utc.isoformat()[:14])
        clock = _clock(self._between, self._after, first.utc.minute, "." if self._digits else "")
        self[frame] = found = (hours, clock)
        return found

    def _at(self, frame: str, both: str) -> Reading:
        place = self._spans[0]
        middle = f"{both}{self._between}{both}{self._after}{'0' * self._digits}"
        try:
            found = self._read(f"{frame[:place]}{middle}{frame[place:]}")
        except (ValueError, OverflowError) as error:  # a bad text, or a good one of another layout
            raise _NoFrame from error
        if found.spans != self._spans:
            raise _NoFrame
        return found


class _Layout(NamedTuple):
    start: int
    """Of the minute."""
    fraction: int
    end: int
    frames: _Frames

    def is_new(self, values: list[str]) -> bool:
        """Whether most of these need a frame each, which costs two readings: times of years, not of a log."""
        first = values[:_SAMPLE]
        frames = {value[: self.start] + value[self.end :] for value in first}
        return 2 * len(frames - self.frames.keys()) > len(first)

    def texts(self, values: list[str]) -> list[str]:
        """UTC text for each of these; raises KeyError where one goes the slow way."""
        start, place, end, frames = self
        fractions = [value[place:end] for value in values]
        if end > place and not digits(fractions):
            raise _NoFrame
        if end - place > 7:
            fractions = [fraction[:7] for fraction in fractions]
        found: list[str] = []
        for value, fraction in zip(values, fractions, strict=True):
            hours, clock = frames[value[:start] + value[end:]]
            past, text = clock[value[start:place]]
            found.append(f"{hours[past]}{text}{fraction}Z")
        return found


class Columns:
    """Columns of texts that `read` reads.

    Args:
        read: the reading of one text; raises ValueError, TypeError or OverflowError.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._layouts: dict[int, _Layout | None] = {}

    def texts(self, values: list[str]) -> list[str]:
        """UTC text for each text; raises as `read` does."""
        if len(set(map(len, values))) == 1:
            return self._same_length(values)
        found = [""] * len(values)
        groups: dict[int, list[int]] = defaultdict(list)
        for place, value in enumerate(values):
            groups[len(value)].append(place)
        for places in groups.values():
            texts = self._same_length([values[place] for place in places])
            for place, text in zip(places, texts, strict=True):
                found[place] = text
        return found

    def _same_length(self, values: list[str]) -> list[str]:
        layout = self._layout(values[0])
        if layout is not None and not layout.is_new(values):
            with suppress(KeyError):
                return layout.texts(values)
        return [self._read(value).text() for value in values]

    def _layout(self, text: str) -> _Layout | None:
        size = len(text)
        if size not in self._layouts:
            if len(self._layouts) >= _LAYOUTS:
                self._layouts.clear()
            self._layouts[size] = self._learn(text)
        return self._layouts[size]

    def _learn(self, text: str) -> _Layout | None:
        spans = self._read(text).spans
        if spans is None:
            return None
        minute, second, end, start, stop = spans
        if not minute < second <= minute + 3 or not end <= start <= end + 1:
            return None  # other things stand between them
        return _Layout(minute, start, stop, _Frames(self._read, text, spans))
