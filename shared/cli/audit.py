"""Audit rows, read back from a host's log.

Rule: a log is read as bytes from a position on, and only whole lines are looked
at, so a line that is being written is seen once, later. Invariant: whatever else
is in the log, only lines that hold an audit row give one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..audit import Audit
from .show import Cell, Show

_MARK = "audit {"


def audit_of(line: str) -> Audit | None:
    """The row in a log line, if there is one."""
    _, mark, text = line.partition(_MARK)
    if not mark:
        return None
    try:
        return msgspec.json.decode("{" + text[: text.rfind("}") + 1], type=Audit)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


class Tail:
    """What is written to a log from now on.

    Args:
        path: the log; it need not be there yet.
        from_start: whether what is there already counts as well.
    """

    def __init__(self, path: Path, *, from_start: bool = False) -> None:
        self._path = path
        self._position = 0 if from_start or not path.exists() else path.stat().st_size
        self._rest = b""

    def lines(self) -> Iterator[str]:
        """Lines that were completed since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as log:
            log.seek(self._position)
            data = self._rest + log.read()
            self._position = log.tell()
        *whole, self._rest = data.split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace")

    def audits(self) -> Iterator[Audit]:
        """Audit rows that were completed since the last call."""
        for line in self.lines():
            row = audit_of(line)
            if row is not None:
                yield row

    def wait(self, wanted: set[tuple[str, str]], seconds: float) -> list[Audit]:
        """Audit rows of these sources and versions (an empty version: any), until each has ended.

        Returns what was found, in the order of the log; one that is continued,
        deferred or changed is not at its end.
        """
        found: list[Audit] = []
        open_ = set(wanted)
        until = time.monotonic() + seconds
        while open_ and time.monotonic() < until:
            for row in self.audits():
                names = {(row.source, row.version), (row.source, "")} & wanted
                if names:
                    found.append(row)
                    if row.outcome not in {"continued", "deferred", "changed", "growing"}:
                        open_ -= names
            if open_:
                time.sleep(0.05)
        return found


def show_audits(show: Show, rows: list[Audit]) -> None:
    """What became of sources, a line each."""
    headings = ("Input", "Route", "Table", "Outcome", "Read", "Accepted", "Filtered", "Dead-lettered", "ms")
    show.table(headings, map(_cells, rows), right=headings[4:])
    for row in rows:
        if row.changed:
            kinds = ", ".join(f"{kind} {count:,}" for kind, count in row.changed.items())
            show.line(f"{row.source}: {kinds}")
        if row.reason:
            show.line(f"{row.source}: {row.reason}", "yellow")


def _cells(row: Audit) -> list[Cell]:
    good = row.outcome == "done"
    numbers = (row.read, row.accepted, row.filtered, row.dead_lettered, row.ms)
    outcome: Cell = (row.outcome, "green" if good else "red")
    return [row.source, row.route, row.table, outcome, *(f"{number:,}" for number in numbers)]
