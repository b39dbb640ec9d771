"""A column's values out of a block, before they have its type.

Rule: a key is looked for as it is written first, and as a dotted path second, for
each candidate in turn; the first that is there and not null is taken. Invariant: a
View gives the same values whether a block's records are dicts, named rows or typed
instances. Strategy: one pass over the block for a key; only what is not found so
is looked for record by record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

from ..model import Block, Record, Table
from .fields import Lookup
from .typed import as_dicts
from .values import to_string

Path = tuple[str, ...]


class View:
    """A block's records, column by column.

    Args:
        block: whose records are dicts or named rows; or instances of a type whose fields
            are `fields`.
        fields: key in the record -> attribute, of a typed block.
    """

    def __init__(self, block: Block, fields: dict[str, str] | None = None) -> None:
        self.size = len(block.records)
        self.exact = fields is not None
        """Whether every value has its column's type already (times apart)."""
        self._block = block
        self._fields = fields or {}
        if fields is not None:
            self.get: Callable[[str], Sequence[Any]] = self._typed
        elif block.names is not None:
            self.get = self._named
        else:
            self.get = self._keyed

    @cached_property
    def dicts(self) -> Sequence[Record]:
        """The records as dicts."""
        return as_dicts(self._block)

    @cached_property
    def names(self) -> list[str] | None:
        """The keys that every record has, where that is so."""
        return None if self._block.names is None else list(self._block.names)

    @cached_property
    def keys(self) -> set[str] | None:
        """The keys that any record has; None of a typed block, whose records have all that is asked for."""
        if self.exact:
            return None
        return set(self.names) if self.names is not None else set().union(*self._block.records)

    def _keyed(self, key: str) -> Sequence[Any]:
        return [record.get(key) for record in self._block.records]

    def _named(self, key: str) -> Sequence[Any]:
        return self._columns.get(key) or [None] * self.size

    def _typed(self, key: str) -> Sequence[Any]:
        return self._columns[key]

    @cached_property
    def _columns(self) -> dict[str, Sequence[Any]]:
        records = self._block.records
        if not self.exact:
            columns = records.columns if isinstance(records, Table) else zip(*records, strict=True)
            return dict(zip(self._block.names or (), columns, strict=False))
        get = attrgetter(*self._fields.values())
        if len(self._fields) == 1:
            return {key: list(map(get, records)) for key in self._fields}
        return dict(zip(self._fields, zip(*map(get, records), strict=True), strict=False))


class Taken(NamedTuple):
    """What a column took."""

    values: Sequence[Any]
    paths: Sequence[Path | None] | None
    """Where each was found; None if all were found under the first candidate's own key (of a join: keys)."""
    others: Sequence[Sequence[Path | None]] = ()
    """Besides `paths`: of a join, those of its other parts; and where an empty text was passed over."""


def take(view: View, lookups: tuple[Lookup, ...], *, empty: bool = True) -> Taken:
    """The values for a column with these candidates.

    Args:
        view: the records.
        lookups: the candidates.
        empty: whether an empty text is a value; else the next candidate is looked at.
    """
    first = lookups[0]
    values = view.get(first.name)
    plain = len(lookups) == 1 and (len(first.path) == 1 or view.exact)
    empty = empty or len(lookups) == 1
    if plain or (None not in values and (empty or "" not in values)):
        return Taken(values, None)
    if len(lookups) > 1:
        return _first(view, lookups, empty=empty)
    found = [first.find(record) for record in view.dicts]
    return Taken([f and f.value for f in found], [f and f.path for f in found])


def _first(view: View, lookups: tuple[Lookup, ...], *, empty: bool) -> Taken:
    """What the first candidate gives that has a value; empty texts that are none are taken too."""
    found: list[Any] = [None] * view.size
    where: list[Path | None] = [None] * view.size
    nothing: list[Sequence[Path | None]] = []
    for lookup in lookups:
        values, paths, _ = take(view, (lookup,))
        if values.count(None) == view.size:
            continue
        paths = paths or [lookup.path_of_key] * view.size
        if not empty and "" in values:
            nothing.append([p if v == "" else None for v, p in zip(values, paths, strict=True)])
            values = [None if v == "" else v for v in values]
        where = [
            p if f is None and v is not None else w
            for f, v, p, w in zip(found, values, paths, where, strict=True)
        ]
        found = [v if f is None else f for f, v in zip(found, values, strict=True)]
    return Taken(found, where, nothing)


def joined(view: View, lookups: tuple[Lookup, ...]) -> Taken:
    """The values of several keys joined by a space; where one is not there None, and none is taken."""
    parts = [take(view, (lookup,)) for lookup in lookups]
    columns = [part.values for part in parts]
    try:
        values: list[Any] = list(map(" ".join, zip(*columns, strict=True)))
    except TypeError:  # not all of them are there, and text
        values = [_join(row) for row in zip(*columns, strict=True)]
    if None not in values and all(part.paths is None for part in parts):
        return Taken(values, None)
    places = [
        part.paths or [lookup.path_of_key] * view.size for part, lookup in zip(parts, lookups, strict=True)
    ]
    first, *others = (
        [path if value is not None else None for path, value in zip(paths, values, strict=True)]
        for paths in places
    )
    return Taken(values, first, others)


def _join(row: tuple[Any, ...]) -> str | list[Any] | None:
    """A text; or the parts as they are, where one of them is none that could be written as text."""
    if None in row:
        return None
    try:
        return " ".join(map(to_string, row))
    except (ValueError, OverflowError, RecursionError):
        return list(row)
