"""A column's values out of a block, before they have its type.

Rule: a key is looked for as it is written first, and as a dotted path second, for
each candidate in turn; the first that is there and not null is taken. Invariant: a
View gives the same values whether a block's records are dicts, named rows or typed
instances. Strategy: one pass over the block for a key, and one for each step of a
path; a candidate is looked at only where those before it have left a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from math import isfinite
from operator import attrgetter
from typing import Any, NamedTuple

from ..model import Block, Record, Table
from .fields import Lookup
from .typed import as_dicts
from .values import has_gaps, to_string

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
        self._paths: dict[Path, Sequence[Any]] = {}

    def get(self, key: str) -> Sequence[Any]:
        """The values under a key; None for what is not there."""
        if self.exact:
            return self._columns[key]
        if self._block.names is not None:
            return self._columns.get(key) or [None] * self.size
        return [record.get(key) for record in self._block.records]

    @property
    def odd(self) -> bool:
        """Whether a value may be one that JSON cannot carry."""
        return self._block.odd

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

    def at(self, path: Path) -> Sequence[Any]:
        """The values at a dotted path; None where there is no such place."""
        if path not in self._paths:
            if len(path) == 1:
                found = self.get(path[0])
            else:
                part = path[-1]
                found = [p.get(part) if isinstance(p, dict) else None for p in self.at(path[:-1])]
            self._paths[path] = found
        return self._paths[path]

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
    if plain or (not has_gaps(values) and (empty or "" not in values)):
        return Taken(values, None)
    return _first(view, lookups, empty=empty)


def _first(view: View, lookups: tuple[Lookup, ...], *, empty: bool) -> Taken:
    """What the first place gives that has a value; empty texts before it that are none are taken too."""
    found: list[Any] = [None] * view.size
    where: list[Path | None] = [None] * view.size
    nothing: list[Sequence[Path | None]] = []
    used: list[Path] = []
    for path in _places(lookups):
        values = view.at(path)
        if not any(values) and all(value is None for value in values):
            continue
        used.append(path)
        if not empty and "" in values:
            nothing.append(
                [path if f is None and v == "" else None for f, v in zip(found, values, strict=True)]
            )
            values = [None if v == "" else v for v in values]
        where = [
            path if f is None and v is not None else w for f, v, w in zip(found, values, where, strict=True)
        ]
        found = [v if f is None else f for f, v in zip(found, values, strict=True)]
        if not has_gaps(found):
            break
    if not nothing and used == [lookups[0].path_of_key]:
        return Taken(found, None)
    return Taken(found, where, nothing)


def _places(lookups: tuple[Lookup, ...]) -> Iterator[Path]:
    """Where values may be, in turn."""
    for lookup in lookups:
        yield lookup.path_of_key
        if len(lookup.path) > 1:
            yield lookup.path


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
    if any(type(part) is float and not isfinite(part) for part in row):
        return list(row)
    try:
        return joined_text(row)
    except (ValueError, OverflowError, RecursionError):
        return list(row)


def joined_text(parts: Sequence[Any]) -> str | None:
    """Parts joined by a space; None if one of them is not there."""
    return None if None in parts else " ".join(map(to_string, parts))
