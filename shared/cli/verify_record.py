"""A record that can be found again: what `logferry verify` sends.

Rule: a mark that nobody else has goes where it stays whole on its way through the route
and the rule's transform; whether it does is tried with the app's own rooms before
anything is sent. Invariant: what is sent becomes a row that holds the mark, or is not
sent and the reason is a sentence.

Strategy: a message with an envelope takes records for any route, whatever format its
files have. Its record has a time, a value that the route's `keep` lets through, what
the operator gave, and the mark: in the first string column that it comes through, else
in a dynamic one.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ..decode import Piece
from ..model import Counts, Position, SourceFacts
from ..pipeline import Front, Limits, Start, front, json_route
from ..routes import Column, Route, Routes
from ..routes.choose import choose
from .local import Trouble

WORD = "logferry-verify"
"""What every mark begins with, and what stands for it in a file of one's own."""
_FIELD = "logferry_verify"
"""Key of the mark where it is a field that no column takes."""
_PROSE = re.compile("message|msg|raw|text|desc|detail|summary", re.IGNORECASE)
"""Columns that hold prose, where nobody wonders at a mark."""
_COMPARED = re.compile(
    r"\b(\w+)\s*(==|=~|[<>]=?|\bin|\bhas|\bcontains|\bstartswith)\s*\(?\s*('[^']*'|\"[^\"]*\"|-?\d+(?:\.\d+)?)"
)
_LARGEST = 1_000_000
"""Bytes of a file to verify with."""
_SALT = b"made up: what is hashed is no place for a mark"


@dataclass(frozen=True, slots=True)
class Marked:
    """What is sent, and how it is found again."""

    route: Route
    mark: str
    column: str
    """Of the table; it holds the mark."""
    dynamic: bool
    """Whether that column is a dynamic one."""
    content: bytes
    """The message, or the file."""
    path: str = ""
    """In the drop container; empty for a message."""

    @property
    def text(self) -> str:
        """The column in KQL, as a text."""
        return f"tostring({self.column})" if self.dynamic else self.column

    @property
    def kql(self) -> str:
        """The query that finds it."""
        return f'{self.route.table} | where {self.text} contains "{self.mark}"'


def message(routes: Routes, name: str, given: Mapping[str, str]) -> Marked:
    """A message with one marked record.

    Args:
        routes: all routes.
        name: of the route; "" for the one of messages, or the first that can carry a mark.
        given: column, or field, -> value that the record must have.

    Raises:
        Trouble: there is no such route, or no record that it lets through.
    """
    if name and name not in routes.by_name:
        raise Trouble(f"there is no route {name!r}; there are: {', '.join(routes.by_name)}.")
    usual = routes.for_messages()
    candidates = [routes.by_name[name]] if name else [*filter(None, [usual]), *routes.by_name.values()]
    reasons: dict[str, str] = {}
    for route in candidates:
        found = _marked_message(route, given)
        if isinstance(found, Marked):
            return found
        reasons.setdefault(route.name, found)
    if len(reasons) > 1:
        told = "; ".join(f"{route}: {reason}" for route, reason in reasons.items())
        raise Trouble(f"No route lets a marked record through. {told}")
    raise Trouble(
        f"The route {candidates[0].name} lets no marked record through: {reasons[candidates[0].name]}. Give "
        f"values that pass with --set NAME=VALUE, or a file of yours that has the text {WORD} with --file."
    )


def file(routes: Routes, source: Path, name: str, path: str) -> Marked:
    """A file of the operator's, in which a mark stands for WORD.

    Args:
        routes: all routes.
        source: the file.
        name: of the route; "" for the one that takes the path.
        path: in the drop container; "" to go by the file's own.

    Raises:
        Trouble: no route takes it, or no row of it would hold the mark.
    """
    try:
        content = source.read_bytes()
    except OSError as error:
        raise Trouble(f"{source}: {error.strerror}.") from error
    if WORD.encode() not in content or len(content) > _LARGEST:
        raise Trouble(
            f"{source} has to have the text {WORD} in a value, not compressed, and at most {_LARGEST:,} "
            "bytes: a mark that nobody else has is put in its place."
        )
    route, path = choose(routes, source, name, path)
    mark = _mark()
    path = _free(routes, route, path, mark)
    content = content.replace(WORD.encode(), mark.encode())
    found = _tried(route, SourceFacts("blob", f"drop/{path}", mark, time.time(), time.time()), content, mark)
    if isinstance(found, str):
        raise Trouble(f"{source} as {path}: no row of the route {route.name} would hold the mark: {found}.")
    return Marked(route, mark, *found, content, path)


def _free(routes: Routes, route: Route, path: str, mark: str) -> str:
    """A path of its own, so that no file of the user's is written over."""
    there = PurePosixPath(path)
    own = str(there.with_name(mark + "".join(there.suffixes)))
    for candidate in (own, path):
        if routes.for_blob(candidate) == route:
            return candidate
    raise Trouble(f"The route {route.name} does not take {path}; say --as PATH for a path that it takes.")


def _mark() -> str:
    return f"{WORD}-{secrets.token_hex(6)}"


# -- a record for a route ---------------------------------------------------------------------


def _marked_message(route: Route, given: Mapping[str, str]) -> Marked | str:
    mark, now = _mark(), datetime.now(UTC)
    reason = "none of its columns takes a text of the record"
    made = json_route(route, "records")
    facts = SourceFacts("message", mark, mark, now.timestamp(), now.timestamp())
    for record in _records(route, mark, now, given):
        content = msgspec.json.encode({"route": route.name, "records": [_exploded(route, record)]})
        found = _tried(made, facts, content, mark)
        if not isinstance(found, str):
            return Marked(route, mark, *found, content)
        reason = found
    return reason


def _records(route: Route, mark: str, now: datetime, given: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Records that may come through, the plainest first."""
    guessed = _compared(route)
    for guess in [{}, guessed] if guessed else [{}]:
        usual = {**guess, **_time(route, now), **_kept(route), **_given(route, given)}
        for key, value in _places(route, mark, usual.keys()):
            yield {**usual, key: value}


def _places(route: Route, mark: str, taken: Any) -> Iterator[tuple[str, Any]]:
    """Keys that a mark may go under, and what goes there; the likeliest first."""
    open_ = [(name, column) for name, column in route.columns.items() if _is_open(route, name, column)]
    open_.sort(key=lambda pair: _PROSE.search(pair[0]) is None)  # in the order of the columns otherwise
    for kind in ("string", "dynamic"):
        for _, column in open_:
            key = column.keys[0]
            if column.type == kind and key != "*" and key not in taken:
                yield key, mark if kind == "string" else {_FIELD: mark}
    if route.extra is not None:
        yield _FIELD, mark


def _is_open(route: Route, name: str, column: Column) -> bool:
    """Whether a column takes what the record has under its key, as it is."""
    return bool(column.keys) and not column.join and name not in route.keep and name not in route.redact


def _given(route: Route, given: Mapping[str, str]) -> dict[str, str]:
    columns = route.columns
    return {
        (columns[name].keys[0] if name in columns and columns[name].keys else name): value
        for name, value in given.items()
    }


def _kept(route: Route) -> dict[str, Any]:
    """A value that `keep` lets through, for each of its columns that comes from the record."""
    found = {}
    for name, values in route.keep.items():
        keys = route.columns[name].keys
        value = next((value for value in values if value is not None), None)
        if keys and value is not None:
            found[keys[0]] = value
    return found


def _compared(route: Route) -> dict[str, Any]:
    """What the transform compares columns with: a guess at what it lets through."""
    found: dict[str, Any] = {}
    for name, sign, text in _COMPARED.findall(route.transform or ""):
        keys = route.columns[name].keys if name in route.columns else []
        if keys and name != "TimeGenerated":
            value = text[1:-1] if text[0] in "'\"" else msgspec.json.decode(text)
            if not isinstance(value, str):
                value += {">": 1, "<": -1}.get(sign, 0)
            found.setdefault(keys[0], value)
    return found


def _time(route: Route, now: datetime) -> dict[str, Any]:
    """The time of the record, as its column expects it."""
    column = route.columns["TimeGenerated"]
    if not column.keys or column.join:
        return {}
    return {column.keys[0]: _written(column, now)}


def _written(column: Column, now: datetime) -> Any:
    scale = {"epoch": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000, "epoch_ns": 1_000_000_000}
    if column.format in scale:
        return int(now.timestamp()) * scale[column.format]
    if column.format is None or "%" not in column.format:
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    try:
        local = now.astimezone(ZoneInfo(column.zone or "UTC"))
    except (KeyError, ValueError):  # an offset such as +02:00
        local = now.astimezone(datetime.strptime(column.zone or "+00:00", "%z").tzinfo)
    return local.strftime(column.format)


def _exploded(route: Route, record: dict[str, Any]) -> dict[str, Any]:
    """The record with a list of one element, where the route makes a row of each."""
    if route.explode is None:
        return record
    made: Any = [dict(record)]
    for part in reversed(route.explode.split(".")):
        made = {part: made}
    return {**record, **made}


# -- tried ------------------------------------------------------------------------------------


def _tried(route: Route, facts: SourceFacts, content: bytes, mark: str) -> tuple[str, bool] | str:
    """The column that holds the mark and whether it is dynamic; or why none does."""
    rooms = front(route, facts, Start(Position(), Counts(), seekable=False), Limits(salt=_SALT))
    lines: list[bytes] = []
    reason = "it becomes no row"
    for rows in rooms.rows(_pieces(rooms, content)):
        lines += [line for line in rows.text.splitlines() if mark.encode() in line]
        for reject in rows.rejects:
            reason = f"it would be dead-lettered: {reject.reason}: {reject.detail}"
        if rows.filtered:
            reason = "keep or drop leaves it out"
    if not lines:
        return reason
    transformed = _transformed(route, lines)
    if isinstance(transformed, str):
        return transformed
    columns, found = transformed
    for row in found:
        for name, kind in columns.items():
            if mark in str(row.get(name)):
                return name, kind == "dynamic"
    return "the transform leaves the mark out of its row"


def _pieces(rooms: Front, content: bytes) -> Iterator[Piece]:
    yield from rooms.decoder.feed(content)
    yield from rooms.decoder.flush()


def _transformed(route: Route, lines: list[bytes]) -> tuple[Mapping[str, str], list[dict[str, Any]]] | str:
    """Columns and rows as the table gets them; or why there is no row."""
    columns: Mapping[str, str] = {name: column.type for name, column in route.columns.items()}
    if route.transform is None:
        return columns, [msgspec.json.decode(line) for line in lines]
    from ..transform.run import Transform  # noqa: PLC0415 - few routes have one

    transform = Transform(route.transform, columns)
    result = transform.run(b"[" + b",".join(lines) + b"]")
    if result.failures:
        return f"the transform fails on it: {result.failures[0].sentence}"
    if not result.count:
        return "the transform leaves it out"
    return result.columns, result.rows
