"""`logferry check`: routes.yaml, with every problem, or explained.

Rule: it says what the app will do, with every default worked out; it reads the
same code as the app, so the two cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from .cli_show import Show
from .errors import RoutesError
from .routes import Column, Route, Routes, load
from .routes.declare import EVERYTHING_ELSE

_WORD = re.compile(r"[\w./*%-]+")
_NOTHING: tuple[Any, ...] = (None, [], {}, (), "")
_ENDS = {"dead_letter": "dead-lettered", "null": "null", "drop": "left out, and counted"}


def check(path: Path, *, as_json: bool) -> bool:
    """Look at a routes file and say what was found; whether it can be used."""
    show = Show()
    try:
        routes = load(path)
    except RoutesError as error:
        if as_json:
            show.raw(_json(path, error.problems, None))
        else:
            _problems(show, error.problems)
        return False
    if as_json:
        show.raw(_json(path, (), routes))
    else:
        _explain(show, path, routes)
    return True


def _json(path: Path, problems: tuple[str, ...], routes: Routes | None) -> str:
    answer = {
        "file": str(path),
        "ok": not problems,
        "problems": problems,
        "routes": list(routes.by_name.values()) if routes else [],
    }
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n"


def _problems(show: Show, problems: tuple[str, ...]) -> None:
    for problem in problems:
        show.line(problem, "red")
    show.line()
    show.line(f"{len(problems)} problem{'s' if len(problems) != 1 else ''}.", "bold")


def _explain(show: Show, path: Path, routes: Routes) -> None:
    for route in routes.by_name.values():
        show.line(f"{route.name}: {_kind(route)} -> {route.stream} -> {route.table}", "bold")
        for word, meaning in _facts(route):
            show.line(f"  {word:<10} {meaning}")
        show.line()
        _columns(show, route)
        show.line()
    streams = len(routes.streams())
    rules = -(-streams // 10)
    show.line(
        f"{path}: {_count(len(routes.by_name), 'route')}, {_count(streams, 'stream')} in "
        f"{_count(rules, 'rule')}. No problems.",
        "green",
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}"


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
    if route.transform:
        yield "transform", " ".join(route.transform.split())
    yield "bad value", _kept(route, route.on_bad_value)
    yield "undeclared", _kept(route, route.on_undeclared)
    yield "old time", _old_time(route)


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
    if column.from_ == EVERYTHING_ELSE:
        source = "all other fields"
    else:
        source = column.from_ if isinstance(column.from_, str) else ", else ".join(column.from_ or [name])
    if column.type == "datetime":
        source += f" ({column.format or 'iso'})"
    return name, column.type, source, column.description or ""
