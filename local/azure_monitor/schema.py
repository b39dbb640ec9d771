"""A stream's columns and its transform, as SQL.

Rule: a table has the columns that its routes declare, and besides them those that
a transform's output adds, found by describing the translated transform over an
empty `source`. Output columns that no table can have (a timespan, a reserved or
malformed name) are dropped and reported.

Invariant: a transform is translated once, when the server starts; each run puts the
posts' bodies and the time of receipt in as parameters, so now() stays the time of
the run. A transform with a mistake stops the server, as Azure refuses to deploy
it; one that cannot be run here (it needs a service in Azure, say) is said to be so,
and its rows are kept as they came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import duckdb
import duckdb_kql
from duckdb_kql.types import kusto_type

from .config import WORKSPACE_ID, StreamSpec

DUCKDB_TYPES = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "boolean": "BOOLEAN",
    "bool": "BOOLEAN",
    "datetime": "TIMESTAMPTZ",
    "dynamic": "JSON",
    "decimal": "DOUBLE",
    "guid": "UUID",
}
"""Stream and Kusto types to DuckDB's; timespan is missing because no table has it."""

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
_SETS_TIME = re.compile(r"\bTimeGenerated\s*=(?![=~])")


class TransformError(ValueError):
    """A transform that Azure would not deploy either."""


@dataclass(slots=True)
class Plan:
    """How the posts of one stream become rows of its table."""

    spec: StreamSpec
    output: dict[str, str]
    """Columns that are written: name to DuckDB type."""
    dropped: list[str] = field(default_factory=list)
    """Output columns that no table can have."""
    warnings: list[str] = field(default_factory=list)
    runs_transform: bool = False
    sets_time: bool = False
    """Whether TimeGenerated is made by the transform, so that it has to be looked at again."""
    _body: str = 'SELECT * FROM "source"'

    def insert(self) -> str:
        """SQL with parameters `bodies` (list of JSON arrays) and `received`; gives the number of rows."""
        columns = ", ".join([*self._select(), '$received::TIMESTAMPTZ AS "_TimeReceived"'])
        into = f"INSERT INTO {quote(self.spec.table)} BY NAME WITH {_source(self.spec)}"
        return f"{into} SELECT {columns} FROM ({self._body})"  # noqa: S608 - names are quoted

    def count_replaced(self) -> str:
        """SQL with parameter `received`; the rows of that time whose TimeGenerated was put there."""
        where = '"_TimeReceived" = $received AND "TimeGenerated" = $received'
        return f"SELECT count(*) FROM {quote(self.spec.table)} WHERE {where}"  # noqa: S608 - quoted

    def _select(self) -> Iterable[str]:
        for name, kind in self.output.items():
            value = f"TRY_CAST({quote(name)} AS {kind})"
            if name == "TimeGenerated":
                value = _in_window(value)
            yield f"{value} AS {quote(name)}"
        if "TimeGenerated" not in self.output:
            yield '$received::TIMESTAMPTZ AS "TimeGenerated"'


def plan(con: duckdb.DuckDBPyConnection, spec: StreamSpec) -> Plan:
    """Translate and describe a stream.

    Raises:
        TransformError: the transform has a mistake.
    """
    declared = {name: DUCKDB_TYPES[kind] for name, kind in spec.columns.items()}
    made = Plan(spec, declared)
    if spec.transform is None:
        return made
    try:
        body = str(duckdb_kql.to_sql(spec.transform, schema={"source": list(declared)}, allow_write=False))
        described = con.execute(f"DESCRIBE WITH {_empty(spec)} FROM ({body})").fetchall()
    except duckdb_kql.KqlUnsupportedError as error:
        what = error.construct.removeprefix("function:")
        made.warnings.append(
            f"{spec.stream}: the transform cannot be run here ({what}), so its rows are kept as they came."
        )
        return made
    except (duckdb_kql.KqlError, duckdb.Error) as error:
        raise TransformError(f"{spec.stream}: transform: {_first_line(error)}") from error
    wrong = wrong_case(body, declared)
    if wrong:
        raise TransformError(f"{spec.stream}: transform: {wrong}")
    _outcome(made, {row[0]: kusto_type(row[1]) for row in described})
    made._body, made.runs_transform = body, True
    made.sets_time = bool(_SETS_TIME.search(spec.transform)) or "TimeGenerated" not in declared
    return made


def _outcome(made: Plan, columns: Mapping[str, str]) -> None:
    """What of a transform's output goes into the table."""
    made.output = {}
    for name, kind in columns.items():
        if name in RESERVED or not _NAME.fullmatch(name) or kind not in DUCKDB_TYPES:
            made.dropped.append(name)
            continue
        declared = made.spec.columns.get(name)
        made.output[name] = DUCKDB_TYPES[declared or kind]
        same = {declared, kind} <= _NUMBERS or DUCKDB_TYPES[declared or kind] == DUCKDB_TYPES[kind]
        if not same:
            made.warnings.append(
                f"{made.spec.stream}: the transform gives {name} as {kind}, the table has {declared}: "
                "Azure refuses a rule whose output does not have the table's types."
            )
    if "TimeGenerated" not in columns:
        made.warnings.append(
            f"{made.spec.stream}: the transform's output has no TimeGenerated; Azure asks for it."
        )


def tables_of(plans: Iterable[Plan]) -> dict[str, dict[str, str]]:
    """Every table with its columns and their DuckDB types, the standard ones included.

    Raises:
        ValueError: two streams give one column of a table different types.
    """
    tables: dict[str, dict[str, str]] = {}
    for made in plans:
        columns = tables.setdefault(made.spec.table, {"TimeGenerated": "TIMESTAMPTZ"})
        declared = {name: DUCKDB_TYPES[kind] for name, kind in made.spec.columns.items()}
        for name, kind in {**declared, **made.output}.items():
            if columns.setdefault(name, kind) != kind:
                raise ValueError(f"table {made.spec.table}: column {name} is {columns[name]} and {kind}.")
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


def _source(spec: StreamSpec) -> str:
    """The posts' rows as the declared columns: a value that does not cast is null, as in Azure."""
    shape = {name: _staged(kind) for name, kind in spec.columns.items()}
    columns = ", ".join(_column(name, kind) for name, kind in spec.columns.items())
    bodies = "SELECT unnest($bodies::VARCHAR[]) AS b"
    elements = f"SELECT unnest(json_extract(b, '$[*]')) AS e FROM ({bodies})"  # noqa: S608 - a constant
    structs = f"SELECT json_transform(e, {_text(json.dumps(shape))}) AS s FROM ({elements})"  # noqa: S608 - quoted
    return f'"source" AS MATERIALIZED (SELECT {columns} FROM ({structs}))'  # noqa: S608 - quoted


def _staged(kind: str) -> str:
    return "VARCHAR" if kind == "datetime" else DUCKDB_TYPES[kind]


def _column(name: str, kind: str) -> str:
    value = f"s.{quote(name)}"
    if kind == "datetime":  # DuckDB knows no lower-case t and z
        value = f"TRY_CAST(upper({value}) AS TIMESTAMPTZ)"
    return f"{value} AS {quote(name)}"


def _empty(spec: StreamSpec) -> str:
    columns = ", ".join(f"NULL::{DUCKDB_TYPES[kind]} AS {quote(name)}" for name, kind in spec.columns.items())
    return f'"source" AS (SELECT {columns} WHERE false)'


def _in_window(value: str) -> str:
    received = "$received::TIMESTAMPTZ"
    return (
        f"CASE WHEN {value} BETWEEN {received} - INTERVAL 2 DAY AND {received} + INTERVAL 1 DAY "
        f"THEN {value} ELSE {received} END"
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
