"""The columns of a route: what cannot be is said, with the remedy.

Rule: one route's columns are looked at on their own; what several routes say of one
table is looked at in check.py. Facts about names, types and limits: Azure Monitor's
data collection rule and table references (learn.microsoft.com/azure/azure-monitor).
"""

from __future__ import annotations

from collections.abc import Callable

from ..shape.times import check_format
from .declare import EVERYTHING_ELSE, FACTS, Column, RouteDeclaration
from .match import captures
from .names import is_legal, is_reserved, legal
from .read import KeyPath
from .words import did_you_mean

MAX_COLUMNS = 500
VALUE_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "datetime": (str,),
    "int": (int,),
    "long": (int,),
    "real": (int, float),
    "boolean": (bool,),
    "dynamic": (str, int, float, bool),
}
_FORMATS = {"dynamic": "json", "string": "pairs"}
"""The formats that a column of this type may have; a datetime's are many."""
_OF_TYPE = {
    "modified": {"datetime", "string"},
    "received": {"datetime", "string"},
    "line": {"int", "long", "string"},
    "ordinal": {"int", "long", "string"},
}
"""The types that a fact fits; the others are text."""

Say = Callable[[KeyPath, str], None]


class ColumnChecker:
    """Checks the columns of a route.

    Args:
        route: as it is declared.
        say: takes the place and the sentence of each problem.
        path: of the route.
    """

    def __init__(self, route: RouteDeclaration, say: Say, path: KeyPath) -> None:
        self._route = route
        self._say = say
        self._path = path
        self._captured = {name for pattern in route.from_.blobs for name in captures(pattern)}

    def run(self) -> None:
        """Say everything that is wrong."""
        columns = self._route.columns
        for name, column in columns.items():
            self._column(name, column, (*self._path, "columns", name))
        if len(columns) > MAX_COLUMNS:
            self._say((*self._path, "columns"), f"{len(columns)} columns; a table holds {MAX_COLUMNS}.")
        self._everything([name for name, column in columns.items() if EVERYTHING_ELSE in candidates(column)])

    def _everything(self, takers: list[str]) -> None:
        """The column that takes what no other one does."""
        route, path = self._route, self._path
        if len(takers) > 1:
            self._say(
                (*path, "columns", takers[1]),
                f'"*" is taken by {takers[0]} already; one column can have it.',
            )
        if takers:
            return
        if "Extra" in route.columns and route.on_undeclared == "keep_in_extra":
            self._say(
                (*path, "columns", "Extra"),
                'give it type: dynamic and from: "*", or give another column "*".',
            )
        if (
            route.table.isidentifier()
            and not route.table.endswith("_CL")
            and route.on_undeclared == "keep_in_extra"
        ):
            self._say(
                path,
                f'a table of your own ends in _CL ({route.table}_CL); the built-in table {route.table} has no column Extra for what no column takes: say on_undeclared: drop or dead_letter, or declare a column from "*" whose name ends in _CF.',
            )
        if route.on_undeclared != "keep_in_extra":
            for key in ("on_bad_value", "on_old_time", "on_duplicate_key"):
                if getattr(route, key) == "keep_in_extra":
                    self._say(
                        (*path, key),
                        'there is no column from "*" to keep it in: add one, or choose dead_letter.',
                    )

    def _column(self, name: str, column: Column, path: KeyPath) -> None:
        self._name(name, column, path)
        self._origin(column, path)
        if EVERYTHING_ELSE in candidates(column) and not _takes_everything(column):
            self._say(
                (*path, "from"),
                '"*" stands alone, on a column of type dynamic, or of type string with format: pairs.',
            )
        if not all(candidates(column)) or column.from_ == []:
            self._say((*path, "from"), "name at least one key of the record, none of them empty.")
        if column.format is not None or column.zone is not None:
            self._format(column, path)

    def _name(self, name: str, column: Column, path: KeyPath) -> None:
        others = self._route.columns
        if is_reserved(name):
            source = (
                ""
                if column.from_ or column.join or column.fact or column.value is not None
                else f", and say from: {name}"
            )
            self._say(
                path,
                f"{name} is reserved by Azure Monitor. Take another name, such as {legal(name, others)}{source}.",
            )
        elif not is_legal(name):
            self._say(
                path,
                f"a column's name is 2 to 45 letters, digits and _, a letter first. Take {legal(name, others)}, and say from: {name!r}.",
            )
        same = next((n for n in others if n != name and n.casefold() == name.casefold()), None)
        if same is not None and list(others).index(same) < list(others).index(name):
            self._say(
                path, f"{same} is there already; a table does not tell upper from lower case. Rename one."
            )
        if name == "TimeGenerated" and column.type != "datetime":
            self._say((*path, "type"), f"TimeGenerated is a datetime, not {column.type}.")
        elif name.casefold() == "timegenerated" and name != "TimeGenerated":
            self._say(path, "write it TimeGenerated.")

    def _origin(self, column: Column, path: KeyPath) -> None:
        """One of from, join, value and fact."""
        given = [word for word in ("join", "value", "fact") if getattr(column, word) not in (None, [])]
        given = (["from"] if column.from_ is not None else []) + given
        if len(given) > 1:
            self._say(
                (*path, given[1]), f"{given[0]} says already where the value comes from; keep one of them."
            )
        if column.fact is not None:
            self._fact(column, (*path, "fact"))
        if column.value is not None and type(column.value) not in VALUE_TYPES[column.type]:
            self._say((*path, "value"), f"{column.value!r} is no {column.type}.")
        if column.value is not None and column.type == "datetime":
            self._say((*path, "value"), "a constant time is of no use; take fact: modified or received.")
        if column.join and not all(column.join):
            self._say((*path, "join"), "name the keys of the record, none of them empty.")

    def _fact(self, column: Column, path: KeyPath) -> None:
        name = str(column.fact)
        if name.startswith("path."):
            part = name.removeprefix("path.")
            if part not in self._captured:
                there = ", ".join(sorted(self._captured)) or "none"
                self._say(path, f"no pattern of from.blobs captures {{{part}}}; captured are: {there}.")
        elif name not in FACTS:
            hint = did_you_mean(name, list(FACTS)) or "."
            self._say(path, f"no fact {name!r}{hint} There are: {', '.join(FACTS)}, path.NAME.")
        elif column.type not in _OF_TYPE.get(name, {"string"}):
            wanted = " or ".join(sorted(_OF_TYPE.get(name, {"string"})))
            self._say(path, f"{name} is a {wanted}, not a {column.type}.")

    def _format(self, column: Column, path: KeyPath) -> None:
        if column.type == "datetime":
            written = column.format or "iso"
            read = self._time(written, None, (*path, "format"))
            if column.zone is not None:
                self._time(written if read else "iso", column.zone, (*path, "zone"))
            return
        if column.zone is not None:
            self._say((*path, "zone"), f"zone is for datetime columns, not for {column.type}.")
        if column.format is not None and column.format != _FORMATS.get(column.type):
            self._say(
                (*path, "format"),
                f'format is for datetime columns, json for dynamic ones and pairs for a string column from "*"; not {column.format!r} for {column.type}.',
            )
        elif column.format == "pairs" and column.from_ != EVERYTHING_ELSE:
            self._say((*path, "format"), 'pairs is for the column from "*".')

    def _time(self, written: str, zone: str | None, path: KeyPath) -> bool:
        """Whether times can be read so."""
        try:
            check_format(written, zone)
        except ValueError as error:
            self._say(path, str(error))
            return False
        return True


def candidates(column: Column) -> list[str]:
    """The keys that a column may come from."""
    return [column.from_] if isinstance(column.from_, str) else column.from_ or []


def _takes_everything(column: Column) -> bool:
    kind = column.type == "dynamic" or (column.type == "string" and column.format == "pairs")
    return kind and column.from_ == EVERYTHING_ELSE
