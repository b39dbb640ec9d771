"""What a route says of each column, ready to run on blocks.

Rule: everything that depends on the route alone is worked out here, once a run.
Invariant: each of the route's columns but the "*" one has exactly one Plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from ..model import Block
from ..routes.declare import EVERYTHING_ELSE, Column, Route
from ..twice import maybe_twice, repeats
from .bulk import BULK
from .facts import Context, fact
from .fields import Lookup, lookups
from .take import Taken, View, joined, take
from .times import time_reader
from .values import CASTS

Take = Callable[[View, Block], Taken]
_from_json = msgspec.json.Decoder().decode


class Plan(NamedTuple):
    """One column, ready to run."""

    name: str
    kind: str
    take: Take
    one: Callable[[Any], Any]
    """One value into the column's type; raises ValueError, TypeError or OverflowError."""
    many: Callable[[list[Any]], list[Any]]
    """The same for a block's values, None for None; raises if any is bad."""
    casts: bool
    """Whether a value of the column's own type has still to be read: a time, JSON in a text."""
    empty: bool
    """Whether an empty text is a value, not a delimited file's way to say nothing."""
    lookups: tuple[Lookup, ...]
    """Where it looks in a record; () for constants and facts."""
    joins: bool

    def finds_any(self, keys: set[str] | None) -> bool:
        """Whether this column can have a value where records have none but these keys."""
        if keys is None or not self.lookups:
            return True
        return any(lookup.name in keys or lookup.path[0] in keys for lookup in self.lookups)

    @property
    def first(self) -> list[str]:
        """Keys that it took from every record that has them, where all values were found under these."""
        return [lookup.name for lookup in (self.lookups if self.joins else self.lookups[:1])]


def plans(route: Route, context: Context) -> list[Plan]:
    """The route's columns in order, without the "*" one."""
    return [
        _plan(name, column, route, context)
        for name, column in route.columns.items()
        if column.from_ != EVERYTHING_ELSE
    ]


def _plan(name: str, column: Column, route: Route, context: Context) -> Plan:
    one, many = _casts(column, context)
    found = lookups(column.join or column.from_ or name)
    if column.value is not None or column.fact is not None:
        found = ()
    empty = column.type in {"string", "dynamic"} and column.format is None
    return Plan(
        name=name,
        kind=column.type,
        take=_take(column, found, route, context, empty=empty),
        one=one,
        many=many,
        casts=column.type == "datetime" or column.format is not None,
        empty=empty,
        lookups=found,
        joins=bool(column.join),
    )


def _casts(column: Column, context: Context) -> tuple[Callable[[Any], Any], Callable[[list[Any]], list[Any]]]:
    if column.type == "datetime":
        reader = time_reader(column.format or "iso", column.zone, context.modified)
        return reader.one, partial(reader.many, empty=True)
    if column.format == "json":
        return _json, _jsons
    return CASTS[column.type], BULK[column.type]


def _json(value: Any) -> Any:
    """Text that holds JSON, read; anything else as it is. A text of which a key would be lost is refused."""
    if not isinstance(value, str):
        return value
    found = _from_json(value)
    if maybe_twice(value.encode(), [found]) and repeats(value):
        raise ValueError("a key comes twice in an object")
    return found


def _jsons(values: list[Any]) -> list[Any]:
    texts = [value for value in values if isinstance(value, str) and value]
    found = [*map(_from_json, texts)]
    if texts and maybe_twice("\n".join(texts).encode(), found):
        raise ValueError("a key may come twice in an object")
    read = iter(found)
    return [next(read) if isinstance(v, str) and v else None if v == "" else v for v in values]


def _take(column: Column, found: tuple[Lookup, ...], route: Route, context: Context, *, empty: bool) -> Take:
    if column.value is not None:
        value = column.value
        return lambda view, _: Taken([value] * view.size, None)
    if column.fact is not None:
        values: Callable[[Block], Sequence[Any]] = fact(column.fact, route.name, context)
        return lambda _, block: Taken(values(block), None)
    if column.join:
        return lambda view, _: joined(view, found)
    return lambda view, _: take(view, found, empty=empty)
