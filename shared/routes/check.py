"""Plain values to Routes, or every problem at once.

Rule: a problem names the place, the key, what is wrong and the remedy. Invariant:
all problems of a file are found in one pass; a route with problems hides none of
the other routes'. Strategy: each part is converted on its own; when msgspec
refuses one, the offending key is taken out and the part is tried again.

Facts about names, types and limits: Azure Monitor's data collection rule and
table references (learn.microsoft.com/azure/azure-monitor).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ..decode import CHARSETS
from ..errors import RoutesError
from ..formats import FORMATS
from .auditing import audit_route
from .builtin import columns_for
from .columns import VALUE_TYPES, ColumnChecker
from .declare import (
    EVERYTHING_ELSE,
    AuditDeclaration,
    Column,
    From,
    Redaction,
    Route,
    RouteDeclaration,
    Routes,
    Values,
)
from .match import captures
from .read import Document, KeyPath
from .redactions import missed
from .words import did_you_mean, inner_path, inner_types, key_names, plain, remove

MAX_TRANSFORM = 15_360
_NEEDED: dict[str, Any] = {"from": {}, "format": {"type": "ndjson"}, "table": "Some_CL"}
"""What every route has to say, and what stands in for it while the rest is looked at."""
_TOP = ["routes", "audit"]
_ROUTE_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_TABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_AT = re.compile(r"(.*) - at `\$(.*)`$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")


class _Checker:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems = list(document.problems)

    def say(self, path: KeyPath, sentence: str) -> None:
        name = ".".join(str(part) for part in path)
        self.problems.append(f"{self.document.at(path)}: {name + ': ' if name else ''}{sentence}")

    # -- conversion -------------------------------------------------------------------------

    def convert(self, value: Any, type_: Any, path: KeyPath) -> Any:
        """`value` as `type_`, or None after saying everything that is wrong with it."""
        found = len(self.problems)
        result, _ = self.partly(value, type_, path)
        return result if len(self.problems) == found else None

    def partly(
        self, value: Any, type_: Any, path: KeyPath, needed: Mapping[str, Any] | None = None
    ) -> tuple[Any, Any]:
        """What of `value` is of `type_`, after saying everything that is wrong; and the value that gave it.

        Args:
            value: plain.
            type_: what it is to be.
            path: of the value.
            needed: what stands in for keys that had to be taken out.

        Returns:
            None, and what is left, where nothing can be made of it.
        """
        value = copy.deepcopy(value)
        for _ in range(200):
            try:
                return msgspec.convert(value, type_), value
            except msgspec.ValidationError as error:
                if not self._take_out(value, str(error), type_, path):
                    break
                for key, stand_in in (needed or {}).items():
                    value.setdefault(key, stand_in)
        return None, value

    def _take_out(self, value: Any, message: str, type_: Any, path: KeyPath) -> bool:
        """Say what `message` is about and remove the key, so that the next problem shows."""
        match = _AT.match(message)
        text, inner = (match[1], inner_path(match[2])) if match else (message, ())
        unknown = _UNKNOWN.match(text)
        types = inner_types(type_, inner)
        if unknown:
            inner = (*inner, unknown[1])
            text = f"no such key{did_you_mean(unknown[1], key_names(types)) or '.'}"
        self.say((*path, *inner), plain(text, types))
        return remove(value, inner)

    # -- routes -----------------------------------------------------------------------------

    def routes(self) -> Routes:
        top = self.document.value
        if not isinstance(top, dict) or not isinstance(top.get("routes"), dict) or not top["routes"]:
            self.say((), 'the file must have "routes:" with at least one route below it.')
            raise RoutesError(self.problems)
        for key in top:
            if key not in _TOP:
                self.say((key,), f"no such key{did_you_mean(key, _TOP) or '.'}")
        found = [self.route(name, value) for name, value in top["routes"].items()]
        routes = [route for route in found if route is not None]
        self.across(routes)
        audit = self.audit(top["audit"], routes) if "audit" in top else None
        if self.problems:
            raise RoutesError(self.problems)
        return Routes({route.name: route for route in routes}, audit)

    def audit(self, value: Any, routes: list[Route]) -> Route | None:
        """The table of audit rows: one of its own, since its columns are not the user's."""
        if not isinstance(value, dict):
            self.say(("audit",), "it must be a mapping, such as { table: LogferryAudit_CL }.")
            return None
        declared = self.convert(value, AuditDeclaration, ("audit",))
        if declared is None:
            return None
        table, path = declared.table, ("audit", "table")
        if not _TABLE_NAME.fullmatch(table) or not table.endswith("_CL"):
            self.say(path, f"{table!r}: a table of your own is letters, digits and _ and ends in _CL.")
        made = audit_route(table, default_stream(table))
        for route in routes:
            if route.table.casefold() == table.casefold() or route.stream == made.stream:
                self.say(
                    path, f"{route.name} fills {table} or its stream already; audit rows have their own."
                )
        return made

    def route(self, name: str, value: Any) -> Route | None:
        path: KeyPath = ("routes", name)
        if not _ROUTE_NAME.fullmatch(name):
            self.say(path, "a route's name is lower-case letters, digits and hyphens, a letter first.")
        if not isinstance(value, dict):
            self.say(path, "a route is a mapping; it needs at least from, format and table.")
            return None
        before = len(self.problems)
        for key in (key for key in _NEEDED if key not in value):
            self.say(path, f"{key} is missing.")
        value, unread = self.each(_shorthands({**_NEEDED, **value}), path)
        value = self.builtin(value, path)
        declared, _ = self.partly(value, RouteDeclaration, path, _NEEDED)
        if declared is None:
            return None
        options = self.format(declared.format, (*path, "format"))
        self.simple(declared, path)
        ColumnChecker(declared, self.say, path).run()
        self.filters(declared, path, unread)
        self.redactions(declared, path, unread)
        return _finish(name, declared, options) if len(self.problems) == before else None

    def each(self, value: dict[str, Any], path: KeyPath) -> tuple[dict[str, Any], set[str]]:
        """Convert a route's mappings entry by entry: msgspec does not name the key of a bad one.

        Returns:
            The route with what can be read of them, and the columns whose type cannot.
        """
        value, unread = dict(value), set()
        for part, type_ in (("columns", Column), ("keep", Values), ("drop", Values), ("redact", Redaction)):
            entries = value.get(part)
            if not isinstance(entries, dict):
                continue
            value[part] = {}
            for name, entry in entries.items():
                made, left = self.partly(entry, type_, (*path, part, name))
                if made is not None and _type(entry) == _type(left):
                    value[part][name] = left
                elif part == "columns":
                    unread.add(name)
        return value, unread

    def builtin(self, value: dict[str, Any], path: KeyPath) -> dict[str, Any]:
        """The same with the columns of one of Azure's own tables, where the route does not declare them itself."""
        own, table, form = value.get("columns", {}), value.get("table"), value.get("format")
        kind = form.get("type") if isinstance(form, dict) else None
        there = columns_for(table, str(kind)) if isinstance(table, str) and isinstance(own, dict) else None
        if there is None:
            return value
        takes_all = any(column.get("from") == EVERYTHING_ELSE for column in own.values())
        if takes_all or value.get("on_undeclared", "keep_in_extra") != "keep_in_extra":
            there = {name: told for name, told in there.items() if told.get("from") != EVERYTHING_ELSE}
        for name in own.keys() & there.keys():
            kind = own[name].get("type", there[name]["type"])
            if kind != there[name]["type"]:
                self.say(
                    (*path, "columns", name), f"{table}.{name} is {there[name]['type']} in Azure, not {kind}."
                )
            own = {**own, name: {"type": there[name]["type"], **own[name]}}
        return {**value, "columns": {**there, **own}}

    def format(self, value: dict[str, Any], path: KeyPath) -> Any:
        kind = value.get("type")
        if kind is None:
            self.say(path, "type is missing.")
            return None
        if not isinstance(kind, str) or kind not in FORMATS:
            hint = did_you_mean(str(kind), list(FORMATS))
            self.say((*path, "type"), f"no format {kind!r}{hint or '.'} There are: {', '.join(FORMATS)}.")
            return None
        return self.convert(value, FORMATS[kind].options, path)

    def simple(self, route: RouteDeclaration, path: KeyPath) -> None:
        if route.charset not in CHARSETS:
            hint = did_you_mean(route.charset, list(CHARSETS))
            self.say(
                (*path, "charset"),
                f"no charset {route.charset!r}{hint or '.'} There are: {', '.join(CHARSETS)}.",
            )
        if not _TABLE_NAME.fullmatch(route.table):
            self.say(
                (*path, "table"), f"{route.table!r} is no table name: letters, digits and _, a letter first."
            )
        self.stream(route, path)
        self.blobs(route.from_, path)
        if route.explode is not None and not all(route.explode.split(".")):
            self.say(
                (*path, "explode"),
                f"{route.explode!r} has an empty key; write keys with one dot between two.",
            )
        if route.transform is not None and len(route.transform) > MAX_TRANSFORM:
            self.say(
                (*path, "transform"), f"has {len(route.transform)} characters; a rule takes {MAX_TRANSFORM}."
            )

    def stream(self, route: RouteDeclaration, path: KeyPath) -> None:
        prefix = "Custom-" if route.table.endswith("_CL") else ("Custom-", "Microsoft-")
        if route.stream is not None and not route.stream.startswith(prefix):
            self.say(
                (*path, "stream"), f"{route.stream!r}: a stream into a custom table begins with Custom-."
            )

    def blobs(self, takes: From, path: KeyPath) -> None:
        for index, pattern in enumerate(takes.blobs):
            if not pattern or pattern.startswith("/"):
                self.say(
                    (*path, "from", "blobs", index),
                    f"{pattern!r}: write the path below the container, without a leading slash.",
                )
            names = captures(pattern)
            if len(set(names)) < len(names):
                self.say(
                    (*path, "from", "blobs", index), f"{pattern!r} captures a name twice; give each its own."
                )

    def filters(self, route: RouteDeclaration, path: KeyPath, unread: set[str]) -> None:
        names = [*route.columns, "TimeGenerated", *unread]
        for word, wanted in (("keep", route.keep), ("drop", route.drop)):
            for name in wanted:
                self.filter_values(route, name, wanted[name], (*path, word, name))
                if name not in names:
                    self.say(
                        (*path, word, name),
                        f"no such column{did_you_mean(name, names) or '.'} Filters look at the route's columns.",
                    )

    def filter_values(self, route: RouteDeclaration, name: str, values: Any, path: KeyPath) -> None:
        """A value of another type than its column's would match nothing, and `keep` would leave out every row."""
        if name not in route.columns:
            return
        kind = route.columns[name].type
        if not _tuple(values):
            self.say(path, "names no value. List at least one.")
        for value in _tuple(values):
            if value is not None and type(value) not in VALUE_TYPES[kind]:
                self.say(
                    path,
                    f"{value!r} is {type(value).__name__}, but {name} is {kind}: it would match no row.",
                )

    def redactions(self, route: RouteDeclaration, path: KeyPath, unread: set[str]) -> None:
        """Every redaction can be made; its salt is the app's, and looked for there."""
        if route.redact:
            from ..shape.redact import redactor  # noqa: PLC0415 - RE2 is loaded where it is used
        for name, how in route.redact.items():
            here = (*path, "redact", name)
            if name == "TimeGenerated":
                self.say(here, "is what the table is ordered by, and cannot be redacted.")
            kind = route.columns[name].type if name in route.columns else "dynamic"
            if how != "remove" and kind not in {"string", "dynamic"} and name not in unread:
                self.say(here, f"{name} is {kind}, and what stands there instead would be text: say remove.")
            try:
                redactor(how, b"any")
            except ValueError as error:
                self.say(here, str(error))
        known = route.redact.keys() - unread
        for name, sentence in missed(_effective(route), [name for name in route.redact if name in known]):
            self.say((*path, "redact", name), sentence)

    def table_columns(self, routes: list[Route]) -> None:
        """A column that several routes fill is one column: its name and type must be the same."""
        seen: dict[tuple[str, str], tuple[str, str, str, str]] = {}
        for route in routes:
            for name, column in route.columns.items():
                here = (route.table, name, column.type, route.name)
                first = seen.setdefault((route.table.casefold(), name.casefold()), here)
                if first[:3] != here[:3]:
                    self.say(
                        ("routes", route.name, "columns", name),
                        f"{route.table}.{name} is {column.type} here, and {first[0]}.{first[1]} is {first[2]} in {first[3]}; it is one column in Azure, so say the same in both.",
                    )

    def across(self, routes: list[Route]) -> None:
        self.table_columns(routes)
        takers = [route.name for route in routes if route.takes.messages]
        if len(takers) > 1:
            self.say(
                ("routes", takers[1], "from", "messages"),
                f"{takers[0]} takes the messages that name no route already.",
            )
        first: dict[str, Route] = {}
        for route in routes:
            other = first.setdefault(route.stream, route)
            if _declares(other) != _declares(route):
                self.say(
                    ("routes", route.name),
                    f"shares the stream {route.stream} with {other.name}, so table, column types and transform must be the same; or give it a stream of its own.",
                )


def check(document: Document) -> Routes:
    """Routes from a document.

    Raises:
        RoutesError: with every problem, in the file's order of discovery.
    """
    return _Checker(document).routes()


def _finish(name: str, route: RouteDeclaration, options: Any) -> Route:
    columns = _effective(route)
    kept = any(column.from_ == EVERYTHING_ELSE for column in columns.values())
    default: Any = "keep_in_extra" if kept else "dead_letter"
    return Route(
        name=name,
        takes=route.from_,
        format=options,
        table=route.table,
        stream=route.stream or default_stream(route.table),
        charset=route.charset,
        columns=columns,
        keep={column: _tuple(values) for column, values in route.keep.items()},
        drop={column: _tuple(values) for column, values in route.drop.items()},
        transform=route.transform,
        on_bad_value=route.on_bad_value or default,
        on_undeclared=route.on_undeclared,
        on_old_time=route.on_old_time or default,
        explode=route.explode,
        redact=route.redact,
        on_not_a_number=route.on_not_a_number,
        on_big_integer=route.on_big_integer,
        on_lone_surrogate=route.on_lone_surrogate,
        on_duplicate_key=route.on_duplicate_key or default,
        on_long_value=route.on_long_value,
        on_large_record=route.on_large_record,
    )


def default_stream(table: str) -> str:
    """Custom-WebAccess for WebAccess_CL, Custom-Syslog for the built-in table Syslog."""
    return f"Custom-{table.removesuffix('_CL')}"


def _effective(route: RouteDeclaration) -> dict[str, Column]:
    columns = {name: _with_from(name, column) for name, column in route.columns.items()}
    if "TimeGenerated" not in columns:
        columns = {"TimeGenerated": Column("datetime", "TimeGenerated"), **columns}
    everything = any(column.from_ == EVERYTHING_ELSE for column in columns.values())
    if not everything and route.on_undeclared == "keep_in_extra":
        columns["Extra"] = Column("dynamic", EVERYTHING_ELSE)
    return columns


def _with_from(name: str, column: Column) -> Column:
    comes_from = (
        column.from_ is not None or column.join or column.value is not None or column.fact is not None
    )
    return column if comes_from else msgspec.structs.replace(column, from_=name)


def _declares(route: Route) -> tuple[Any, ...]:
    return route.table, {name: column.type for name, column in route.columns.items()}, route.transform


def _tuple(values: Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, list) else (values,)


def _type(column: Any) -> Any:
    """What a column says of its type."""
    return column.get("type") if isinstance(column, dict) else None


def _shorthands(value: dict[str, Any]) -> dict[str, Any]:
    """`format: csv` for `format: {type: csv}`; `on_bad_value: null`, which YAML reads as no value, for "null"."""
    value = dict(value)
    if isinstance(value.get("format"), str):
        value["format"] = {"type": value["format"]}
    for key in ("on_bad_value", "on_not_a_number", "on_big_integer"):
        if key in value and value[key] is None:
            value[key] = "null"
    return value
