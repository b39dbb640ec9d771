"""What a routes file makes the app do, in words.

Rule: every default is worked out and said; nothing is shown that the app would not
do. It knows nothing of problems: what is explained here can be used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ..routes import Column, Route, Routes
from ..routes.declare import EVERYTHING_ELSE, Redaction
from ..transform.face import Checked
from .show import Show

_WORD = re.compile(r"[\w./*%-]+")
_NOTHING: tuple[Any, ...] = (None, [], {}, (), "")
_ENDS = {
    "dead_letter": "dead-lettered",
    "null": "null",
    "drop": "left out, and counted",
    "last": "the last one counts",
}
_ODD = {
    "cut": "cut, and counted",
    "dead_letter": "dead-lettered",
    "escape": "written as its escape",
    "null": "null",
    "replace": "replaced by U+FFFD",
    "text": "as text",
}
_REDACTED = {
    "remove": "removed",
    "hash": "hashed with REDACT_SALT",
    "mask": "masked but for the last four characters",
}


def explain(show: Show, routes: Routes, transforms: Mapping[str, Checked]) -> None:
    """Every route with its columns, and what its transform makes of them; then the table of audit rows."""
    for route in routes.by_name.values():
        show.line(f"{route.name}: {_kind(route)} -> {route.stream} -> {route.table}", "bold")
        for word, meaning in _facts(route):
            show.line(f"  {word:<10} {meaning}")
        show.line()
        _columns(show, route)
        _output(show, route, transforms.get(route.name))
        show.line()
    if routes.audit is not None:
        _audit(show, routes.audit)


def _audit(show: Show, route: Route) -> None:
    """The table of audit rows: a meaning in place of where a value comes from, which is the app."""
    show.line(f"audit rows -> {route.stream} -> {route.table}", "bold")
    show.line("  takes      every source that came to its end: done, dead, unrouted, gone, changed")
    show.line()
    rows = [(name, column.type, column.description or "") for name, column in route.columns.items()]
    show.table(("Column", "Type", "Meaning"), rows, indent=2)
    show.line()


def count(number: int, word: str) -> str:
    """`1 route`, `2 routes`, `1,000 records`."""
    return f"{number:,} {word}{'s' if number != 1 else ''}"


def _kind(route: Route) -> str:
    return str(route.format.__struct_config__.tag)


def _facts(route: Route) -> Iterator[tuple[str, str]]:
    takes = list(route.takes.blobs)
    if route.takes.messages:
        takes.append("messages that name no route")
    yield "takes", ", ".join(takes) or "messages that name it"
    yield "format", _format(route)
    for word, filters in (("keep", route.keep), ("drop", route.drop)):
        for column, values in filters.items():
            yield word, f"{column} is {' or '.join(_value(value) for value in values)}"
    if route.explode:
        yield "explode", f"each element of {route.explode} is a row"
    for name, how in route.redact.items():
        yield "redact", f"{name}: {_redaction(how)}"
    if route.transform:
        yield "transform", " ".join(route.transform.split())
    yield "bad value", _kept(route, route.on_bad_value)
    yield "undeclared", _kept(route, route.on_undeclared)
    yield "old time", _old_time(route)
    yield from _odd(route)


def _odd(route: Route) -> Iterator[tuple[str, str]]:
    """What seldom comes, and would be lost in Azure."""
    yield "NaN", f"{_ODD[route.on_not_a_number]}; an integer beyond 64 bits {_ODD[route.on_big_integer]}"
    yield "odd text", f"half of a surrogate pair {_ODD[route.on_lone_surrogate]}"
    yield "same key", _kept(route, route.on_duplicate_key)
    yield (
        "too long",
        f"a value over 64 KB {_ODD[route.on_long_value]}, a row over 1 MB {_ODD[route.on_large_record]}",
    )


def _redaction(how: Redaction) -> str:
    if isinstance(how, str):
        return _REDACTED[how]
    return f"what matches {how.replace} becomes {_value(how.with_)}"


def _format(route: Route) -> str:
    options = msgspec.structs.asdict(route.format)
    told = [f"{key} {_value(value)}" for key, value in options.items() if value not in _NOTHING]
    return ", ".join([_kind(route), *told, f"charset {route.charset}"])


def _value(value: Any) -> str:
    """A word as it is, anything else as JSON."""
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    return msgspec.json.encode(value).decode()


def _kept(route: Route, how: str) -> str:
    return f"kept in {route.extra}" if how == "keep_in_extra" else _ENDS[how]


def _old_time(route: Route) -> str:
    if route.on_old_time == "dead_letter":
        return "dead-lettered"
    source = route.columns["TimeGenerated"].from_
    same = (
        n
        for n, c in route.columns.items()
        if n != "TimeGenerated" and c.type == "datetime" and c.from_ == source
    )
    return f"TimeGenerated becomes the time of receipt; the original is in {next(same, route.extra)}"


def _columns(show: Show, route: Route) -> None:
    headings: tuple[str, ...] = ("Column", "Type", "From", "Meaning")
    if not any(column.description for column in route.columns.values()):
        headings = headings[:3]
    rows = [_column(name, column)[: len(headings)] for name, column in route.columns.items()]
    show.table(headings, rows, indent=2)


def _column(name: str, column: Column) -> tuple[str, ...]:
    source = _source(name, column)
    if column.type == "datetime" and column.fact is None:
        source += f" ({column.format or 'iso'}{f', {column.zone}' if column.zone else ''})"
    elif column.format:
        source += f" ({column.format})"
    return name, column.type, source, column.description or ""


def _source(name: str, column: Column) -> str:
    if column.value is not None:
        return f"the constant {_value(column.value)}"
    if column.fact is not None:
        return f"{column.fact} of the source"
    if column.join:
        return " and ".join(column.join)
    if column.from_ == EVERYTHING_ELSE:
        return "all other fields"
    return column.from_ if isinstance(column.from_, str) else ", else ".join(column.from_ or [name])


def _output(show: Show, route: Route, checked: Checked | None) -> None:
    """What the transform makes of the columns, where it changes them."""
    if checked is None or checked.columns is None:
        return
    declared = {name: column.type for name, column in route.columns.items()}
    if dict(checked.columns) == declared:
        return
    show.line()
    rows = [
        (name, kind or "", "" if name not in checked.made else "made by the transform")
        for name, kind in checked.columns.items()
    ]
    left = [(name, "", "left out: null in the table") for name in declared if name not in checked.columns]
    show.table(("After the transform", "Type", ""), [*rows, *left], indent=2)
