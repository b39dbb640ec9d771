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
    def simple(self) -> list[str]:
        """Keys that this column takes from every record that has them."""
        if self.joins or len(self.lookups) == 1:
            return [lookup.name for lookup in self.lookups]
        return []


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
    return Plan(
        name=name,
        kind=column.type,
        take=_take(column, found, route, context),
        one=one,
        many=many,
        casts=column.type == "datetime" or column.format is not None,
        empty=column.type in {"string", "dynamic"} and column.format is None,
        lookups=found,
        joins=bool(column.join),
    )


def _casts(column: Column, context: Context) -> tuple[Callable[[Any], Any], Callable[[list[Any]], list[Any]]]:
    if column.type == "datetime":
        reader = time_reader(column.format or "iso", column.zone, context.modified)
        return reader.one, partial(reader.many, empty=True)
    if column.format == "json":
        return _json, lambda values: [None if v is None or v == "" else _json(v) for v in values]
    return CASTS[column.type], BULK[column.type]


def _json(value: Any) -> Any:
    """Text that holds JSON, read; anything else as it is."""
    return _from_json(value) if isinstance(value, str) else value


def _take(column: Column, found: tuple[Lookup, ...], route: Route, context: Context) -> Take:
    if column.value is not None:
        value = column.value
        return lambda view, _: Taken([value] * view.size, None)
    if column.fact is not None:
        values: Callable[[Block], Sequence[Any]] = fact(column.fact, route.name, context)
        return lambda _, block: Taken(values(block), None)
    if column.join:
        return lambda view, _: joined(view, found)
    return lambda view, _: take(view, found)
