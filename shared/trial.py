"""A file through the corridor, up to where it would be sent.

Rule: the rooms are the app's own, so what is seen here is what would land. Invariant:
nothing is sent and nothing is written; memory does not grow with the file, since only
the first rows, rejects and notes are kept, and the rest is counted.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from .decode import Piece
from .model import Block, Counts, Position, Reject, Rows, SourceFacts
from .pipeline import Front, Limits, Start, front
from .routes import Route
from .shape.window import window

READ_BYTES = 1024 * 1024

LOSSES = {
    "undeclared_dropped": "fields that no column takes are left out",
    "bad_value_null": "a value that does not fit its column is null",
    "not_a_number_null": "NaN or Infinity is null",
    "big_integer_null": "an integer beyond 64 bits is null",
    "surrogate_replaced": "half of a surrogate pair is replaced",
    "duplicate_key_last": "earlier values of a key that comes twice are left out",
    "value_cut": "a value over 64 KB is cut",
    "row_cut": "a row over 1 MB is cut",
}
"""What is lost because the route says so, and is counted."""

KEPT = {
    "undeclared_kept": 'fields that no column takes are kept in the "*" column',
    "bad_value_kept": 'a value that does not fit its column is kept in the "*" column',
    "time_replaced": "a time that Azure would replace: the row gets the time of receipt, its own is kept",
    "time_missing": "there is no time that can be read: the row gets the time of receipt",
    "not_a_number_text": "NaN or Infinity is sent as text",
    "big_integer_text": "an integer beyond 64 bits is sent as text",
    "surrogate_escaped": "half of a surrogate pair is written as its escape",
    "duplicate_key_kept": 'earlier values of a key that comes twice are kept in the "*" column',
}
"""What Azure would lose or change, and Logferry puts right."""


class Note(NamedTuple):
    """Something about one record: where it stands, and a key of LOSSES or KEPT."""

    ordinal: int
    line: int | None
    kind: str


@dataclass(slots=True)
class Trial:
    """What would become of a file."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    """The first ones, as they would be posted."""
    rejects: list[Reject] = field(default_factory=list)
    """The first ones."""
    notes: list[Note] = field(default_factory=list)
    """The first ones of each kind."""
    read: int = 0
    accepted: int = 0
    filtered: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """By reason."""
    changed: Counter[str] = field(default_factory=Counter)
    """By kind: see LOSSES and KEPT."""
    whole: bool = True
    """Whether the file was read to its end."""

    @property
    def lost(self) -> int:
        """How many values or records would be lost or dead-lettered."""
        return self.rejected.total() + sum(count for kind, count in self.changed.items() if kind in LOSSES)


def run(
    route: Route,
    path: Path,
    *,
    name: str = "",
    keep: int = 20,
    limits: Limits | None = None,
    sink: Callable[[Rows], None] | None = None,
    stop: Callable[[Trial], bool] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Trial:
    """Try a route on a file.

    Args:
        route: the checked route.
        path: the file, as it would be dropped.
        name: path that it would have in the drop container; default its name.
        keep: how many rows, rejects and notes of a kind to keep.
        limits: what the app's settings say; the salt of `redact: hash` is made up if there is none.
        sink: is given all rows, block by block.
        stop: asked after each block; True ends the reading there.
        progress: told how many bytes were read.

    Raises:
        OSError: the file cannot be read.
    """
    made = Trial()
    limits = limits or Limits(salt=b"made up, for a preview only")
    now = time.time()
    facts = SourceFacts("blob", f"drop/{name or path.name}", "preview", path.stat().st_mtime, now)
    rooms = front(route, facts, Start(Position(), Counts(), seekable=False), limits)
    rooms.shaper.watch = _Watch(made, keep)
    for rows in rooms.rows(pieces(path, rooms, progress)):
        made.read += rows.block.end - rows.block.start.base
        made.accepted += len(rows.ordinals)
        made.filtered += len(rows.filtered)
        made.rejected.update(reject.reason for reject in rows.rejects)
        made.rejects += rows.rejects[: max(0, keep - len(made.rejects))]
        room = keep - len(made.rows)
        if room > 0:
            made.rows += [msgspec.json.decode(line) for line in rows.text.splitlines()[:room]]
        if sink is not None:
            sink(rows)
        if stop is not None and stop(made):
            made.whole = False
            break
    made.changed = rooms.shaper.changed
    return made


class _Watch:
    """Keeps the first notes of each kind."""

    def __init__(self, trial: Trial, keep: int) -> None:
        self._trial = trial
        self._left: Counter[str] = Counter(dict.fromkeys([*LOSSES, *KEPT], keep))

    def __call__(self, block: Block, index: int, kind: str) -> None:
        if self._left[kind] > 0:
            self._left[kind] -= 1
            self._trial.notes.append(Note(block.ordinals[index], block.origin(index).line, kind))


def pieces(
    path: Path, rooms: Front, progress: Callable[[int], None] | None = None, *, most: int | None = None
) -> Iterator[Piece]:
    """What a file decodes to; of its first `most` bytes, where that is given.

    Raises:
        OSError, DecodeError: it cannot be read, or decoded any further.
    """
    taken = 0
    with path.open("rb") as file:
        while chunk := file.read(READ_BYTES):
            taken += len(chunk)
            if most is not None and taken > most:
                return
            rooms.shaper.at(window(time.time(), rooms.shaper.context.facts.received))
            yield from rooms.decoder.feed(chunk)
            if progress is not None:
                progress(len(chunk))
    yield from rooms.decoder.flush()
