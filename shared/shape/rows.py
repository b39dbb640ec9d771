"""Types of objects that JSON is written from: a row, or what a row's "*" column keeps.

Rule: an object of such a type is written as a dict of the same names is, without the
names that have no value. Invariant: what a type costs to make is spent once for the
names, not for a record; memory for types has a bound. Strategy: msgspec makes such
objects from columns in one call, and writes them faster than dicts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from .values import has_gaps

_MOST = 64
"""How many types to keep: names that a block has, not names that a route may have."""


class RowTypes:
    """Types by their names.

    Args:
        plain: whether names are such that Python can have them as attributes, as
            columns of Azure's tables are; then they are the objects' attributes.
    """

    def __init__(self, *, plain: bool) -> None:
        self._plain = plain
        self._made: dict[tuple[str, ...], Callable[..., Any] | None] = {}

    def of(self, names: tuple[str, ...]) -> Callable[..., Any] | None:
        """Makes an object of values in the order of these names; None if they cannot be written like this."""
        if names not in self._made:
            if len(self._made) >= _MOST:
                self._made.clear()
            self._made[names] = self._make(names)
        return self._made[names]

    def _make(self, names: tuple[str, ...]) -> Callable[..., Any] | None:
        fields = names if self._plain else [f"_{index}" for index in range(len(names))]
        try:
            return msgspec.defstruct(
                "Row",
                [(name, Any, None) for name in fields],
                rename=None if self._plain else dict(zip(fields, names, strict=True)),
                omit_defaults=True,
                gc=False,
            )
        except ValueError:  # a name with a quote, a backslash, half a surrogate pair
            return None


def plain(value: Any) -> Any:
    """An object of such a type as a dict; anything else as it is."""
    if not isinstance(value, msgspec.Struct):
        return value
    names, fields = value.__struct_encode_fields__, value.__struct_fields__
    found = {name: getattr(value, field) for name, field in zip(names, fields, strict=True)}
    return {name: value for name, value in found.items() if value is not None}


def made(make: Callable[..., Any], columns: Sequence[Sequence[Any]]) -> tuple[list[Any], Sequence[int]]:
    """An object for each record, None for one that has no value at all; and the indexes of the others."""
    objects = list(map(make, *columns))
    if not all(map(has_gaps, columns)):
        return objects, range(len(objects))
    there = [index for index, row in enumerate(zip(*columns, strict=True)) if any(v is not None for v in row)]
    if len(there) == len(objects):
        return objects, there
    found: list[Any] = [None] * len(objects)
    for index in there:
        found[index] = objects[index]
    return found, there
