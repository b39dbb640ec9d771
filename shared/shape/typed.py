"""The short way into a block: records that fit the route as they are typed.

Rule: a route whose columns each come from one key needs no dicts: the parser
decodes to a type made for the route, in one call a block, and refuses what does
not fit. Of a route that changes nothing the source's own text is sent. Invariant:
a typed block has none but declared fields, each of its column's type (times are
read later, where the route changes anything); so the rows are those that dicts
would give. One odd record sends its block the other way, and no further.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..model import Block
from ..routes.declare import EVERYTHING_ELSE, Column, Route
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
_decoder = msgspec.json.Decoder()


class Typed:
    """The type that a route wants its records decoded to.

    Args:
        columns: those that come from a key; each from one.
        changes: whether the route sends anything but its records as they are.
    """

    def __init__(self, columns: dict[str, Column], *, changes: bool) -> None:
        keys = list(dict.fromkeys(str(column.from_) for column in columns.values()))
        self.fields = {key: f"f{number}" for number, key in enumerate(keys)}
        """Key of a record -> attribute of the type."""
        self.want = _want(columns, self.fields, changes=changes)
        self.changes = changes
        self._time: Callable[[Any], Any] | None = None
        if TIME in columns:
            self._time = attrgetter(self.fields[str(columns[TIME].from_)])
        # A dynamic value may hold any number; the other types have their limits in `want`.
        self._dynamic = any(column.type == "dynamic" for column in columns.values())

    def passes(self, block: Block, window: Window) -> bool:
        """Whether the block's own text can be sent."""
        if self.changes or block.text is None or not block.records or self._time is None:
            return False
        times = list(map(self._time, block.records))
        if min(times) < window.oldest or max(times) > window.newest:
            return False
        return not too_long(block.text) and not (self._dynamic and has_long_number(block.text))


_made: dict[int, tuple[Route, Typed | None]] = {}
_MOST_MADE = 256


def typed(route: Route) -> Typed | None:
    """The short way of a route; None where a column has several candidates, or a key serves two types.

    Made once for a route: a message is shaped in less time than a type is made.
    """
    kept = _made.get(id(route))
    if kept is None or kept[0] is not route:
        if len(_made) >= _MOST_MADE:
            _made.clear()
        kept = _made[id(route)] = (route, _typed(route))
    return kept[1]


def _typed(route: Route) -> Typed | None:
    if route.explode is not None:
        return None
    columns = {name: c for name, c in route.columns.items() if _from_a_key(c)}
    kinds: dict[str, set[str]] = {}
    for column in columns.values():
        if not isinstance(column.from_, str):
            return None
        kinds.setdefault(column.from_, set()).add(column.type)
    if not columns or any(len(types) > 1 for types in kinds.values()):
        return None
    plain = all(c.from_ == name and c.format in {None, "iso"} and not c.zone for name, c in columns.items())
    others = any(c.value is not None or c.fact is not None for c in route.columns.values())
    changes = not plain or others or bool(route.keep or route.drop or route.redact)
    return Typed(columns, changes=changes)


def _from_a_key(column: Column) -> bool:
    return column.from_ != EVERYTHING_ELSE and column.value is None and column.fact is None


def _want(columns: dict[str, Column], fields: dict[str, str], *, changes: bool) -> type:
    # Times that stay text are checked by msgspec; times that go on are read later, with all their digits.
    types = {**_TYPES, "datetime": Any if changes else _ZONED}
    time_key = columns[TIME].from_ if TIME in columns else None
    declared: list[Any] = []
    for key, field in fields.items():
        kind = types[next(column.type for column in columns.values() if column.from_ == key)]
        declared.append((field, kind) if key == time_key else (field, kind | None, None))
    names = {field: key for key, field in fields.items()}
    made = msgspec.defstruct(
        "Wanted",
        declared,
        rename=names,
        forbid_unknown_fields=True,
        omit_defaults=True,
        gc=False,
        kw_only=True,
    )
    msgspec.json.Decoder(made)  # learnt before another thread can see it: see ledger/entry.py
    return made


def as_dicts(block: Block) -> Sequence[Any]:
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
