"""All transforms of a routes file, with places in that file.

Rule: every transform of the file is looked at, whatever else is wrong with it: one of
a route that cannot be used is read as a text alone, without columns. Invariant: a
custom table's columns are all known only where every route that fills it is; of
Azure's own tables they never are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..errors import RoutesError
from ..routes import Route
from ..routes.builtin import tables as builtin_tables
from ..routes.check import check
from ..routes.read import Document
from ..routes.scalars import Place, places
from .analyser import Analyser, AnalyserError
from .face import Checked, Table
from .together import Asked, check_all

MOST_SHOWN = 20
"""Problems of one transform: a bracket too many can make thousands."""
_FOLDED = (
    "this comment takes in the lines below it, because YAML makes one line of them: write the transform "
    "below `transform: |`."
)


class Found(NamedTuple):
    """A problem, where it stands in the routes file."""

    route: str
    line: int
    column: int
    sentence: str


@dataclass(frozen=True, slots=True)
class FileChecked:
    """The transforms of a file."""

    problems: tuple[Found, ...]
    """In the file's order."""
    by_route: Mapping[str, Checked]
    failed: str | None = None
    """Why the analyser, though it is there, did not answer; the check is then ours alone."""


def usable(document: Document) -> dict[str, Route]:
    """The routes of a file that can be used, each on its own."""
    named = document.value.get("routes") if isinstance(document.value, dict) else None
    routes: dict[str, Route] = {}
    for name, value in named.items() if isinstance(named, dict) else ():
        alone = replace(document, value={"routes": {name: value}}, problems=[])
        try:
            routes.update(check(alone).by_name)
        except RoutesError:
            continue
    return routes


def check_file(document: Document, analyser: Analyser | None) -> FileChecked:
    """Check the transforms of a routes file."""
    routes = usable(document)
    texts = {
        path[1]: (path, value)
        for path in document.scalars
        if len(path) == 3 and path[0] == "routes" and isinstance(value := _value(document, path), str)
    }
    asked = [_asked(str(name), text, document, routes) for name, (_, text) in texts.items()]
    checked, failed = _checked(asked, analyser)
    by_route = {str(name): found for name, found in zip(texts, checked, strict=True)}
    problems = [
        found
        for name, (path, text) in texts.items()
        for found in _placed(str(name), text, by_route[str(name)], places(document, path))
    ]
    problems.sort(key=lambda found: (found.line, found.column))
    return FileChecked(tuple(problems), by_route, failed)


def _checked(asked: Sequence[Asked], analyser: Analyser | None) -> tuple[list[Checked], str | None]:
    try:
        return check_all(asked, analyser), None
    except AnalyserError as error:
        return check_all(asked, None), str(error)


def _value(document: Document, path: Sequence[str | int]) -> Any:
    value = document.value
    for part in path:
        value = value[part]
    return value


def _asked(name: str, text: str, document: Document, routes: Mapping[str, Route]) -> Asked:
    route = routes.get(name)
    if route is None:
        return Asked(text, None)
    columns = {column: declared.type for column, declared in route.columns.items()}
    return Asked(text, columns, _table(route.table, document, routes))


def _table(table: str, document: Document, routes: Mapping[str, Route]) -> Table:
    """What is known of a table: of a custom one, the columns of all routes that fill it.

    Azure's own tables have more columns than a route has; a type is known of those in builtin.json only.
    """
    fill = [route for route in routes.values() if route.table == table]
    columns = {name: column.type for route in fill for name, column in route.columns.items()}
    declared = document.value["routes"]
    unusable = [value for name, value in declared.items() if name not in routes and isinstance(value, dict)]
    custom = table.endswith("_CL")
    known = custom or table in builtin_tables()
    whole = custom and not any(value.get("table") == table for value in unusable)
    return Table(columns if known else {}, whole, table)


def _placed(name: str, text: str, checked: Checked, found: list[Place]) -> list[Found]:
    """A transform's problems with their places in the file; its length is for the routes' check to say."""
    problems = [
        Found(name, *found[min(problem.offset, len(text))], problem.sentence)
        for problem in checked.problems
        if problem.kind != "length"
    ]
    if len(problems) > MOST_SHOWN:
        left = len(problems) - MOST_SHOWN
        last = problems[MOST_SHOWN]
        problems[MOST_SHOWN:] = [
            last._replace(sentence=f"{left:,} more problems from here on; mend those above first.")
        ]
    for start, end in checked.comments:
        if found[start][0] != found[end - 1][0]:
            problems.append(Found(name, *found[start], _FOLDED))
    return problems
