"""The short way: blocks whose records fit the route as they are typed.

Rule: a route whose columns each come from one key needs no dicts: the parser
decodes to a type made for the route, in one call a block, and refuses what does
not fit. A route that changes nothing sends the source's own text; another one
sends instances of a second type, with the columns' names. Invariant: the short way
is taken only when every record of the block has none but declared fields, each of
its column's type, a TimeGenerated that Azure keeps, and no value that Azure would
cut; then it gives the rows that the long way would give. One odd record sends its
block the long way, and no further.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..model import Block
from ..routes.declare import EVERYTHING_ELSE, Column, Route
from .times import time_parser
from .values import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN, has_long_number
from .window import Window

TIME = "TimeGenerated"
LONGEST_VALUE = 65_536
"""Bytes; Azure cuts a longer field value without an error (Azure Monitor service limits)."""

_TYPES: dict[str, Any] = {
    "string": str,
    "int": Annotated[int, Meta(ge=INT_MIN, le=INT_MAX)],
    "long": Annotated[int, Meta(ge=LONG_MIN, le=LONG_MAX)],
    "real": float,
    "boolean": bool,
    "dynamic": Any,
}
_ZONED = Annotated[datetime, Meta(tz=True)]
_BAD = (ValueError, TypeError, OverflowError)
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


class Typed:
    """The two types of a route, and what to do between them.

    Args:
        columns: all but the "*" column; each comes from one key.
        changes: whether the route renames, filters, or reads times in another way than ISO.
    """

    def __init__(self, columns: dict[str, Column], *, changes: bool) -> None:
        keys = list(dict.fromkeys(str(column.from_) for column in columns.values()))
        fields = {key: f"f{number}" for number, key in enumerate(keys)}
        self.changes = changes
        self.want = _want(columns, fields, changes=changes)
        self._time = attrgetter(fields[str(columns[TIME].from_)])
        self._values = attrgetter(*(fields[str(column.from_)] for column in columns.values()))
        self._row: Any = msgspec.defstruct(
            "Row", [(name, Any, None) for name in columns], omit_defaults=True, gc=False
        )
        self._single = len(columns) == 1
        # A dynamic value may hold any number; the other types have their limits in `want`.
        self._dynamic = any(column.type == "dynamic" for column in columns.values())
        self._times = [
            (name, attrgetter(name), time_parser(c.format or "iso"))
            for name, c in columns.items()
            if c.type == "datetime"
        ]

    def passes(self, block: Block, window: Window) -> bool:
        """Whether the block's own text can be sent."""
        if block.text is None or not block.records:
            return False
        times = list(map(self._time, block.records))
        if min(times) < window.oldest or max(times) > window.newest:
            return False
        return not too_long(block.text) and not self.may_overflow(block.text)

    def may_overflow(self, text: bytes) -> bool:
        """Whether a dynamic value may hold an integer beyond 64 bits."""
        return self._dynamic and has_long_number(text)

    def rows(self, block: Block, window: Window) -> list[Any] | None:
        """A row for each record; None if the block has to go the long way."""
        values, row = self._values, self._row
        if self._single:
            rows = [row(values(record)) for record in block.records]
        else:
            rows = [row(*values(record)) for record in block.records]
        try:
            for name, get, parse in self._times:
                _read_times(rows, name, get, parse)
        except _BAD:
            return None
        moments = [moment.TimeGenerated for moment in rows]
        if (
            not moments
            or None in moments
            or min(moments)[:19] < window.oldest_text
            or max(moments)[:19] > window.newest_text
        ):
            return None
        return rows


def _read_times(rows: list[Any], name: str, get: Callable[[Any], Any], parse: Callable[[Any], str]) -> None:
    for row in rows:
        value = get(row)
        if value is not None:
            setattr(row, name, parse(value))


def typed(route: Route) -> Typed | None:
    """The short way of a route; None where a column has several candidates, or a key serves two types."""
    columns = {name: c for name, c in route.columns.items() if c.from_ != EVERYTHING_ELSE}
    kinds: dict[str, set[str]] = {}
    for column in columns.values():
        if not isinstance(column.from_, str):
            return None
        kinds.setdefault(column.from_, set()).add(column.type)
    if any(len(types) > 1 for types in kinds.values()):
        return None
    plain = all(c.from_ == name and c.format in {None, "iso"} for name, c in columns.items())
    return Typed(columns, changes=not plain or bool(route.keep or route.drop))


def _want(columns: dict[str, Column], fields: dict[str, str], *, changes: bool) -> type:
    # Times that stay text are checked by msgspec; times that go on are read here, with all their digits.
    types = {**_TYPES, "datetime": Any if changes else _ZONED}
    time_key = columns[TIME].from_
    declared: list[Any] = []
    for key, field in fields.items():
        kind = types[next(column.type for column in columns.values() if column.from_ == key)]
        declared.append((field, kind) if key == time_key else (field, kind | None, None))
    names = {field: key for key, field in fields.items()}
    return msgspec.defstruct(
        "Wanted", declared, rename=names, forbid_unknown_fields=True, gc=False, kw_only=True
    )


def as_dicts(block: Block) -> list[Any]:
    """The block's records as dicts, whatever the parser made of them."""
    if not block.typed:
        return block.dicts()
    if block.text is not None:
        return _decoder.decode_lines(block.text)
    found = msgspec.to_builtins(block.records)
    return [{key: value for key, value in record.items() if value is not None} for record in found]


def too_long(text: bytes) -> bool:
    """Whether a line is so long that a value in it may be."""
    place, last = 0, len(text) - LONGEST_VALUE
    while place < last:
        end = text.rfind(b"\n", place, place + LONGEST_VALUE + 1)
        if end < place:
            return True
        place = end + 1
    return False
