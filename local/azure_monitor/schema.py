"""A stream's columns and its transform, as a table of DuckDB.

Rule: a table has the columns that its routes declare, and besides them those that
a transform's output adds. Output columns that no table can have (a timespan, a
reserved or malformed name) are dropped and reported.

Invariant: a transform is compiled once, when the server starts. One with a mistake
stops the server, as Azure refuses to deploy it; one that cannot be run here (it needs
a service in Azure) is said to be so, and its rows are kept as they came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import duckdb

from shared.transform.run import Transform, TransformError

from .config import WORKSPACE_ID, StreamSpec

DUCKDB_TYPES = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "boolean": "BOOLEAN",
    "datetime": "TIMESTAMPTZ",
    "dynamic": "JSON",
    "decimal": "DOUBLE",
    "guid": "UUID",
}
"""Types to DuckDB's; timespan is missing because no table has it."""

RESERVED = frozenset(
    {
        "id",
        "BilledSize",
        "IsBillable",
        "InvalidTimeGenerated",
        "TenantId",
        "Title",
        "Type",
        "UniqueId",
        "_ItemId",
        "_ResourceGroup",
        "_ResourceId",
        "_SubscriptionId",
        "_TimeReceived",
    }
)
"""Columns that are Azure Monitor's own."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,44}")
_NUMBERS = frozenset({"int", "long", "real", "decimal"})
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_QUOTED = re.compile(r'(AS )?"((?:[^"]|"")*)"')


@dataclass(slots=True)
class Plan:
    """How the posts of one stream become rows of its table."""

    spec: StreamSpec
    output: dict[str, str]
    """Columns that are written: name to type, as posts and transforms have it."""
    transform: Transform | None = None
    """What posts go through first."""
    dropped: list[str] = field(default_factory=list)
    """Output columns that no table can have."""
    warnings: list[str] = field(default_factory=list)

    @property
    def sets_time(self) -> bool:
        """Whether TimeGenerated is made by the transform, so that it has to be looked at again."""
        return self.transform is not None and "TimeGenerated" not in self.transform.kept

    def insert(self) -> str:
        """SQL with parameters `bodies` (list of JSON arrays) and `received`; gives the number of rows."""
        columns = ", ".join([*self._select(), '$received::TIMESTAMPTZ AS "_TimeReceived"'])
        into = f"INSERT INTO {quote(self.spec.table)} BY NAME"
        return f"{into} SELECT {columns} FROM ({_rows(self.output)})"  # noqa: S608 - names are quoted

    def count_replaced(self) -> str:
        """SQL with parameter `received`; the rows of that time whose TimeGenerated was put there."""
        where = '"_TimeReceived" = $received AND "TimeGenerated" = $received'
        return f"SELECT count(*) FROM {quote(self.spec.table)} WHERE {where}"  # noqa: S608 - quoted

    def _select(self) -> Iterable[str]:
        for name, kind in self.output.items():
            value = f"s.{quote(name)}"
            if kind == "datetime":  # DuckDB knows no lower-case t and z
                value = f"TRY_CAST(upper({value}) AS TIMESTAMPTZ)"
            if name == "TimeGenerated":
                value = _in_window(value)
            yield f"{value} AS {quote(name)}"
        if "TimeGenerated" not in self.output:
            yield '$received::TIMESTAMPTZ AS "TimeGenerated"'


def plan(spec: StreamSpec) -> Plan:
    """Compile a stream's transform.

    Raises:
        TransformError: the transform has a mistake; the message names the stream.
    """
    made = Plan(spec, dict(spec.columns))
    if spec.transform is None:
        return made
    try:
        made.transform = Transform(spec.transform, spec.columns)
    except TransformError as error:
        raise TransformError(f"{spec.stream}: transform: {error}") from error
    if made.transform.note is not None:
        made.warnings.append(f"{spec.stream}: {made.transform.note}")
    _outcome(made, made.transform.columns)
    return made


def _outcome(made: Plan, columns: Mapping[str, str]) -> None:
    """What of a transform's output goes into the table."""
    made.output = {}
    for name, kind in columns.items():
        if name in RESERVED or not _NAME.fullmatch(name) or kind not in DUCKDB_TYPES:
            made.dropped.append(name)
            continue
        if name not in made.spec.columns and name.casefold() in _folded(made):
            made.warnings.append(
                f"{made.spec.stream}: the transform's {name} is left out here: local tables do not tell "
                "names by their case, as Azure does."
            )
            continue
        declared = made.spec.columns.get(name)
        made.output[name] = declared or kind
        if declared not in {None, kind} and not {declared, kind} <= _NUMBERS:
            made.warnings.append(
                f"{made.spec.stream}: the transform gives {name} as {kind}, the table has {declared}: "
                "Azure refuses a rule whose output does not have the table's types."
            )
    if "TimeGenerated" not in columns:
        made.warnings.append(
            f"{made.spec.stream}: the transform's output has no TimeGenerated; Azure asks for it."
        )


def _folded(made: Plan) -> set[str]:
    return {name.casefold() for name in (*made.spec.columns, *made.output)}


def tables_of(plans: Iterable[Plan]) -> dict[str, dict[str, str]]:
    """Every table with its columns and their DuckDB types, the standard ones included.

    Raises:
        ValueError: two streams give one column of a table different types.
    """
    tables: dict[str, dict[str, str]] = {}
    for made in plans:
        columns = tables.setdefault(made.spec.table, {"TimeGenerated": "TIMESTAMPTZ"})
        for name, kind in {**made.spec.columns, **made.output}.items():
            duckdb_type = DUCKDB_TYPES[kind]
            if columns.setdefault(name, duckdb_type) != duckdb_type:
                raise ValueError(
                    f"table {made.spec.table}: column {name} is {columns[name]} and {duckdb_type}."
                )
    standard = {"TenantId": "VARCHAR", "Type": "VARCHAR", "_TimeReceived": "TIMESTAMPTZ"}
    return {table: {**columns, **standard} for table, columns in tables.items()}


def create(con: duckdb.DuckDBPyConnection, tables: Mapping[str, Mapping[str, str]]) -> None:
    """Make the tables, or add to those of an earlier run what is new."""
    for table, columns in tables.items():
        con.execute(f'CREATE TABLE IF NOT EXISTS {quote(table)} ("TimeGenerated" TIMESTAMPTZ)')
        there = {row[0] for row in con.execute(f"DESCRIBE {quote(table)}").fetchall()}
        defaults = {"TenantId": f" DEFAULT '{WORKSPACE_ID}'", "Type": f" DEFAULT {_text(table)}"}
        for name, kind in columns.items():
            if name not in there:
                con.execute(
                    f"ALTER TABLE {quote(table)} ADD COLUMN {quote(name)} {kind}{defaults.get(name, '')}"
                )


def wrong_case(sql: str, known: Iterable[str]) -> str | None:
    """A sentence, if translated SQL names a column that only differs in case from one that exists.

    Kusto tells `status` from `Status`, DuckDB does not.
    """
    found = _QUOTED.findall(_LITERAL.sub("''", sql))
    spelled = set(known) | {name for alias, name in found if alias}
    folded = {name.casefold(): name for name in known}
    for _, name in found:
        if name not in spelled and name.casefold() in folded:
            right = folded[name.casefold()]
            return f"there is no column {name!r}; names are case-sensitive, and it is {right!r}."
    return None


def quote(name: str) -> str:
    """An identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _rows(columns: Mapping[str, str]) -> str:
    """The rows of the posts as structs `s`: a value that does not cast is null, as in Azure."""
    shape = {"TimeGenerated": "VARCHAR"} | {name: _staged(kind) for name, kind in columns.items()}
    bodies = "SELECT unnest($bodies::VARCHAR[]) AS b"
    elements = f"SELECT unnest(json_extract(b, '$[*]')) AS e FROM ({bodies})"  # noqa: S608 - a constant
    return f"SELECT json_transform(e, {_text(json.dumps(shape))}) AS s FROM ({elements})"  # noqa: S608 - quoted


def _staged(kind: str) -> str:
    return "VARCHAR" if kind == "datetime" else DUCKDB_TYPES[kind]


def _in_window(value: str) -> str:
    received = "$received::TIMESTAMPTZ"
    return (
        f"CASE WHEN {value} BETWEEN {received} - INTERVAL 2 DAY AND {received} + INTERVAL 1 DAY "
        f"THEN {value} ELSE {received} END"
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
