"""Values and rows that are too long for Azure.

Rule: Azure cuts a value over 64 KB without an error, and refuses a post over 1 MB;
here the record is given up with the column's name or, where the route asks for it,
cut and counted. Invariant: no value of a row that leaves here is over LONGEST_VALUE.
Sources: Azure Monitor service limits.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

import msgspec

from ..routes.declare import Route
from .odd import Events, Unfit
from .typed import LONGEST_VALUE, too_long

_encoder = msgspec.json.Encoder()


class LongValues:
    """What a route says of long values.

    Args:
        route: the checked route.
        limit: largest post in bytes.
    """

    def __init__(self, route: Route, limit: int) -> None:
        self._columns = {name: column.type == "dynamic" for name, column in route.columns.items()}
        self._cut_values = route.on_long_value == "cut"
        self._cut_rows = route.on_large_record == "cut"
        self._room = limit - 2

    def suspects(self, text: bytes) -> bool:
        """Whether a row in `text` is so long that it has to be looked at."""
        return too_long(text)

    def each(
        self,
        rows: Sequence[Any],
        indexes: Sequence[int],
        dead: MutableMapping[int, Unfit],
        events: Events,
    ) -> tuple[list[Any], list[int]]:
        """The rows that are left, and their indexes; the others are in `dead`."""
        good: list[Any] = []
        left: list[int] = []
        for index, row in zip(indexes, rows, strict=True):
            unfit = self._one(row, index, events)
            if unfit is not None:
                dead[index] = unfit
            else:
                good.append(row)
                left.append(index)
        return good, left

    def _one(self, row: Any, index: int, events: Events) -> Unfit | None:
        for name, dynamic in self._columns.items():
            value = getattr(row, name, None)
            if _size(value, dynamic=dynamic) <= LONGEST_VALUE:
                continue
            if not self._cut_values:
                return Unfit("ValueTooLong", f"{name} is over {LONGEST_VALUE:,} bytes; Azure would cut it")
            setattr(row, name, cut(value, LONGEST_VALUE, dynamic=dynamic))
            events["value_cut"].append(index)
        if self._cut_rows and len(_encoder.encode(row)) > self._room:
            self._shorten(row)
            events["row_cut"].append(index)
        return None

    def _shorten(self, row: Any) -> None:
        """Cut the longest texts by half, again and again, until the row fits or none is left to cut."""
        while len(_encoder.encode(row)) > self._room:
            sizes = {
                name: _size(getattr(row, name, None), dynamic=kind) for name, kind in self._columns.items()
            }
            name = max(sizes, key=lambda name: sizes[name])
            if sizes[name] < 100:
                return  # the encoder rejects it
            half = cut(getattr(row, name, None), sizes[name] // 2, dynamic=self._columns[name])
            setattr(row, name, half)


def cut(value: Any, size: int, *, dynamic: bool) -> str:
    """The beginning of a text, or of the JSON text of anything else; never half a character.

    Args:
        value: of a column.
        size: bytes that it may have; of a dynamic column its JSON text.
        dynamic: whether the column is.
    """
    text = value.encode() if isinstance(value, str) else _encoder.encode(value)
    found: str = text[:size].decode(errors="ignore")
    while _size(found, dynamic=dynamic) > size:
        found = found[: len(found) - max(1, (_size(found, dynamic=dynamic) - size) // 6)]
    return found


def _size(value: Any, *, dynamic: bool) -> int:
    if isinstance(value, str) and not dynamic:
        return len(value) if value.isascii() else len(value.encode())
    return len(_encoder.encode(value)) if isinstance(value, str | dict | list) else 0
