"""Which values of a route are redacted, and where they turn up.

Rule: a name in `redact` is a column's or, where there is no such column, that of a
field that would be kept in the "*" column; a dotted one goes into objects, those of
dynamic columns too. A field that another column takes is refused (routes/redactions.py).
Invariant: a redacted column's value is nowhere in the row as it was: not in the
column, and not in the "*" column, where a value that did not fit is kept under its
key, and earlier values of a key that came twice under `_duplicate_keys`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any

from ..model import Record
from ..routes.declare import Column, Route
from ..twice import DUPLICATES

Redact = Callable[[list[Any]], list[Any]]


class Redactors:
    """A route's redactions.

    Args:
        route: the checked route.
        salt: for `hash`.

    Raises:
        ValueError: a pattern cannot be read, or there is no salt.
    """

    def __init__(self, route: Route, salt: bytes | None) -> None:
        self._columns: dict[str, Redact] = {}
        self._fields: list[tuple[tuple[str, ...], Redact]] = []
        self._inner: list[tuple[str, tuple[str, ...], Redact]] = []
        """Dynamic columns, and paths inside them."""
        if route.redact:
            from .redact import redactor  # noqa: PLC0415 - RE2 is loaded where it is used
        for name, how in route.redact.items():
            redact = redactor(how, salt)
            keys = [name]
            if name in route.columns:
                self._columns[name] = redact
                keys = route.columns[name].keys or [name]
            self._inner += [
                (other, path, redact) for other, path in inside(route.columns, keys) if other != name
            ]
            for key in keys:
                self._fields += [(path, redact) for path in {(key,), tuple(key.split("."))}]

    @property
    def any_field(self) -> bool:
        """Whether something may have to be redacted in a "*" column."""
        return bool(self._fields)

    def columns(self, columns: MutableMapping[str, Sequence[Any]]) -> None:
        """Redact the columns of a block."""
        for name, redact in self._columns.items():
            if name in columns:
                columns[name] = redact(list(columns[name]))
        for name, path, redact in self._inner:
            if name in columns:
                columns[name] = [_inside(value, path, redact) for value in columns[name]]

    def records(self, records: Iterable[Record]) -> None:
        """Redact records of the "*" column; what they hold is copied where it changes."""
        if not self._fields:
            return
        for record in records:
            for path, redact in self._fields:
                _redact(record, path, redact)
            if isinstance(record.get(DUPLICATES), dict):
                record[DUPLICATES] = self._earlier(record[DUPLICATES])

    def _earlier(self, values: Record) -> Record:
        """Values by the paths of keys that came twice."""
        found = dict(values)
        for name, redact in {".".join(path): redact for path, redact in self._fields}.items():
            for key, value in found.items():
                if name == key or key.startswith(f"{name}."):
                    found[key] = redact([value])[0]
                elif name.startswith(f"{key}.") and isinstance(value, list):
                    path = tuple(name.removeprefix(f"{key}.").split("."))
                    found[key] = [_inside(item, path, redact) for item in value]
        return found


def inside(columns: Mapping[str, Column], fields: Iterable[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Dynamic columns that take an object which one of the fields stands in, and its path in there."""
    return [
        (name, tuple(field.removeprefix(f"{key}.").split(".")))
        for name, column in columns.items()
        if column.type == "dynamic"
        for key in column.keys
        for field in fields
        if field.startswith(f"{key}.")
    ]


def _inside(value: Any, path: tuple[str, ...], redact: Redact) -> Any:
    """A value with what is at a path in it redacted; a copy, where it is an object."""
    if not isinstance(value, dict):
        return value
    value = value.copy()
    _redact(value, path, redact)
    return value


def _redact(record: Record, path: tuple[str, ...], redact: Redact) -> None:
    for part in path[:-1]:
        inside = record.get(part)
        if not isinstance(inside, dict):
            return
        record[part] = record = inside.copy()
    if path[-1] in record:
        record[path[-1]] = redact([record[path[-1]]])[0]
