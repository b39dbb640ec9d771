"""Which values of a route are redacted, and where they turn up.

Rule: a name in `redact` is a column's or, where there is no such column, that of a
field that would be kept in the "*" column; a dotted one goes into objects.
Invariant: a redacted column's value is nowhere in the row as it was: not in the
column, and not in the "*" column under its key, where a value that did not fit is
kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from typing import Any

from ..model import Record
from ..routes.declare import Route

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
        if route.redact:
            from .redact import redactor  # noqa: PLC0415 - RE2 is loaded where it is used
        for name, how in route.redact.items():
            redact = redactor(how, salt)
            keys = [name]
            if name in route.columns:
                self._columns[name] = redact
                keys = _keys(route, name)
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

    def records(self, records: Iterable[Record]) -> None:
        """Redact records of the "*" column; what they hold is copied where it changes."""
        if not self._fields:
            return
        for record in records:
            for path, redact in self._fields:
                _redact(record, path, redact)


def _keys(route: Route, name: str) -> list[str]:
    column = route.columns[name]
    if column.join:
        return column.join
    return [column.from_] if isinstance(column.from_, str) else column.from_ or [name]


def _redact(record: Record, path: tuple[str, ...], redact: Redact) -> None:
    for part in path[:-1]:
        inside = record.get(part)
        if not isinstance(inside, dict):
            return
        record[part] = record = inside.copy()
    if path[-1] in record:
        record[path[-1]] = redact([record[path[-1]]])[0]
