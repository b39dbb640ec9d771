"""Where a column's value comes from in a record.

Rule: a key is looked for as it is written first, and as a dotted path second, so
`id.orig_h` finds both `{"id.orig_h": 1}` and `{"id": {"orig_h": 1}}`. Invariant:
what a column took is gone from the rest, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from ..model import Record


class Found(NamedTuple):
    """A value, the name it was asked for by, and its path in the record."""

    value: Any
    name: str
    path: tuple[str, ...]


class Lookup(NamedTuple):
    """One way to a value: a key, and the same name as a path."""

    name: str
    path: tuple[str, ...]

    @property
    def path_of_key(self) -> tuple[str, ...]:
        """The path of the key as it is written."""
        return (self.name,)

    def find(self, record: Record) -> Found | None:
        """The value at this place, None if the record has no such place or it is null."""
        value = record.get(self.name)
        if value is not None:
            return Found(value, self.name, (self.name,))
        if len(self.path) == 1:
            return None
        for part in self.path:
            if not isinstance(record, dict) or part not in record:
                return None
            record = record[part]
        return None if record is None else Found(record, self.name, self.path)


def lookups(names: str | Iterable[str]) -> tuple[Lookup, ...]:
    """Lookups for a column's `from`, in order of preference."""
    return _lookups((names,) if isinstance(names, str) else tuple(names))


@lru_cache(maxsize=1024)
def _lookups(names: tuple[str, ...]) -> tuple[Lookup, ...]:
    return tuple(Lookup(name, tuple(name.split("."))) for name in names)


Tree = dict[str, "Tree | None"]
"""Places in a record, by the parts of their paths; None is a place."""


def tree(paths: Iterable[tuple[str, ...]]) -> Tree:
    """All of some paths, each of at least one part."""
    whole: Tree = {}
    for path in paths:
        inner = whole
        for part in path[:-1]:
            below = inner.setdefault(part, {})
            if below is None:  # it is taken with all that is in it
                break
            inner = below
        else:
            inner[path[-1]] = None
    return whole


def without(record: Record, places: Tree) -> None:
    """Take what is at these places out of `record`, and parents left empty; objects in it are copied."""
    for key, below in places.items():
        if below is None:
            record.pop(key, None)
            continue
        child = record.get(key)
        if isinstance(child, dict):
            child = dict(child)
            without(child, below)
            if child:
                record[key] = child
            else:
                del record[key]
