r"""Events of many lines, put together from keys and values that were cut all at once.

Rule: what lines have in their headers comes as columns; what they have in their pairs
comes as one run of keys and one of values, with MARK as the key that ends a line.
Invariant: a line gives the same record here as alone, or none, and then it has to be
read alone. Strategy: where all lines have the same keys, columns are slices of the
run; else each line is a dict.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from ..model import Record
from ..twice import DUPLICATES
from .jsonvalue import Problem
from .lines import Columns

MARK = "\n"
"""A key that no line can have."""

LONG = 65536
"""A longer line is read alone: its pairs are not all held at once."""

MOST_FIELDS = 10_000
"""Of one event."""


class Events(NamedTuple):
    """Lines that were cut together."""

    heads: Columns
    """Values of their headers."""
    keys: list[str]
    """Of all pairs, one line after the other; MARK ends each line."""
    values: list[str]
    """Beside the keys; of MARK any text."""
    wrong: Collection[int] = ()
    """Places in `keys` of what is no pair; its line is read alone."""

    def columns(self) -> Columns | None:
        """All lines as columns; None if they are not alike."""
        keys, heads = self.keys, self.heads
        width = keys.index(MARK) + 1
        names = keys[: width - 1]
        if self.wrong or not _is_plain(heads, names) or keys[:width] * (len(keys) // width) != keys:
            return None
        return {**heads, **{name: self.values[place::width] for place, name in enumerate(names)}}

    def dicts(self) -> list[Record | None]:
        """A dict for each line; None for one that has to be read alone."""
        keys, values, wrong = self.keys, self.values, sorted(self.wrong, reverse=True)
        names, gaps = list(self.heads), any(None in column for column in self.heads.values())
        found: list[Record | None] = []
        begin = 0
        for head in zip(*self.heads.values(), strict=True):
            end = keys.index(MARK, begin)
            size = end - begin
            record = dict(zip([*names, *keys[begin:end]], [*head, *values[begin:end]], strict=True))
            is_whole = len(record) == len(names) + size and size <= MOST_FIELDS and DUPLICATES not in record
            while wrong and wrong[-1] < end:
                wrong.pop()
                is_whole = False
            if gaps:
                record = {key: value for key, value in record.items() if value is not None}
            found.append(record if is_whole else None)
            begin = end + 1
        return found


def read_together(
    lines: Sequence[str],
    rows: Sequence[Sequence[str] | None],
    cut: Callable[[Sequence[Sequence[str]]], Events],
    alone: Callable[[str], Record | Problem],
) -> Columns | list[Any]:
    """The events of some lines: as columns if that can be, else a record or Problem for each.

    Args:
        lines: at least one.
        rows: for each line the fields of its header; None if it has to be read alone.
        cut: takes apart the lines with these fields, at least one.
        alone: reads one line.
    """
    usual = [row for row in rows if row is not None]
    events = cut(usual) if usual else None
    if events is not None and len(usual) == len(rows):
        columns = events.columns()
        if columns is not None:
            return columns
    found = iter(events.dicts() if events is not None else ())
    return [
        (None if row is None else next(found)) or alone(line) for line, row in zip(lines, rows, strict=True)
    ]


def _is_plain(heads: Collection[str], names: Sequence[str]) -> bool:
    """Whether each name can stand beside the header's and the other names."""
    found = {*heads, *names}
    return len(found) == len(heads) + len(names) and len(names) <= MOST_FIELDS and DUPLICATES not in found
