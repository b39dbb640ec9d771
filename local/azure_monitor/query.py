"""KQL in, the query API's JSON out.

Rule: the reply has the form of the Log Analytics query API (v1): one PrimaryResult
with Kusto types, `statistics` and `render` where they are asked for, and an `error`
beside a result that was cut. Invariant: a query can read the workspace's tables and
nothing else, and whatever is wrong with it is a QueryError with a sentence that helps.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import duckdb
import duckdb_kql
from duckdb_kql.types import kusto_type

from .query_errors import Place, QueryError, too_many
from .query_render import rendering
from .query_span import interval
from .query_values import write
from .schema import quote, wrong_case

_NO_TABLE = re.compile(r"Table with name (.+?) does not exist")
_NO_COLUMN = re.compile(r'Referenced column "(.+?)" (?:was )?not found')
_EXPECTED = re.compile(r" expecting \{.{60,}\}")
"""Every word of the language that could stand there, which tells nobody anything."""
_TOKEN = re.compile(r"\w+|\S")


class Question(NamedTuple):
    """What is asked."""

    query: str
    timespan: str | None = None
    """ISO 8601 duration or interval; rows outside are not seen."""
    statistics: bool = False
    """Whether to say how long it took."""
    render: bool = False
    """Whether to say how the query wants its result drawn."""


def run(
    con: duckdb.DuckDBPyConnection,
    tables: Mapping[str, Mapping[str, str]],
    asked: Question,
    most: int,
) -> dict[str, Any]:
    """Answer one query.

    Args:
        con: a cursor of its own.
        tables: name to columns.
        asked: the question.
        most: rows that are given; where there are more, the answer says so.

    Raises:
        QueryError: it cannot be answered.
    """
    began = time.perf_counter()
    sql, parameters = _translate(asked.query, tables)
    if asked.timespan:
        sql = _within(sql, tables, *interval(asked.timespan, dt.datetime.now(dt.UTC)))
    try:
        con.execute(sql, parameters or None)
        description, rows = con.description or [], con.fetchmany(most + 1)
    except duckdb.Error as error:
        raise _explain(error, tables) from error
    kinds = [kusto_type(column[1]) for column in description]
    columns = [{"name": column[0], "type": kind} for column, kind in zip(description, kinds, strict=True)]
    found = write(kinds, rows[:most])
    answer: dict[str, Any] = {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": found}]}
    if asked.statistics:
        answer["statistics"] = _statistics(time.perf_counter() - began, found)
    if asked.render and (drawn := rendering(asked.query)):
        answer["render"] = drawn
    if len(rows) > most:
        answer["error"] = too_many(most)
    return answer


def _statistics(seconds: float, rows: list[list[Any]]) -> dict[str, Any]:
    sizes = [{"tableRowCount": len(rows), "tableSize": len(json.dumps(rows))}]
    return {"query": {"executionTime": seconds, "datasetStatistics": sizes}}


def _translate(query: str, tables: Mapping[str, Mapping[str, str]]) -> tuple[str, dict[str, Any]]:
    if query.lstrip().startswith("."):
        raise QueryError("SyntaxError", "a workspace takes queries, not control commands.")
    try:
        found = duckdb_kql.to_sql(query, schema={t: list(c) for t, c in tables.items()}, allow_write=False)
    except duckdb_kql.KqlSyntaxError as error:
        raise _unreadable(query, error) from error
    except duckdb_kql.KqlUnsupportedError as error:
        raise QueryError("SemanticError", _unknown(error)) from error
    except duckdb_kql.KqlError as error:
        raise QueryError("SemanticError", str(error)) from error
    except RecursionError as error:
        raise QueryError("SyntaxError", "the query is nested too deeply.") from error
    sql = str(found)
    named = [table for table in tables if quote(table) in sql]
    wrong = wrong_case(sql, [*tables, *(column for table in named for column in tables[table])])
    if wrong:
        raise QueryError("SemanticError", wrong)
    return sql, dict(found.parameters)


def _unknown(error: duckdb_kql.KqlUnsupportedError) -> str:
    """Not the author's mistake, perhaps: what local Azure cannot run may be right in Azure."""
    what = error.construct.removeprefix("function:")
    why = f": {error.hint}" if error.hint and "translate/" not in error.hint else ""
    return f"local Azure cannot run {what!r}, which may be right in Azure{why}."


def _unreadable(query: str, error: duckdb_kql.KqlSyntaxError) -> QueryError:
    """With the place of the first thing that could not be read, as the service has it."""
    if not error.diagnostics:
        return QueryError("SyntaxError", str(error))
    first = error.diagnostics[0]
    lines = query.splitlines() or [""]
    line, pos = min(first.span.line, len(lines)), first.span.column
    there = _TOKEN.search(lines[line - 1], pos)
    place = Place(line, pos, there[0] if there else "")
    at = f"at '{place.token}' on line [{line},{pos}]"
    why = _EXPECTED.sub("", first.message)
    return QueryError("SyntaxError", f"Query could not be parsed {at}: {why}", place=place)


def _explain(error: duckdb.Error, tables: Mapping[str, Mapping[str, str]]) -> QueryError:
    text = str(error).strip().splitlines()[0]
    table, column = _NO_TABLE.search(text), _NO_COLUMN.search(text)
    if table:
        text = f"there is no table {table[1]!r}. There are: {', '.join(tables)}."
    elif column:
        every = {name for columns in tables.values() for name in columns}
        close = difflib.get_close_matches(column[1], every, 1)
        text = f"there is no column {column[1]!r}{f'; did you mean {close[0]!r}?' if close else '.'}"
    return QueryError("SemanticError", text)


def _within(sql: str, tables: Mapping[str, Mapping[str, str]], start: dt.datetime, end: dt.datetime) -> str:
    """Put narrowed tables of the same names in front of a query."""
    span = f"BETWEEN '{start.isoformat()}'::TIMESTAMPTZ AND '{end.isoformat()}'::TIMESTAMPTZ"
    shadows = ", ".join(_narrowed(table, span) for table in tables)
    for head in ("WITH RECURSIVE ", "WITH "):
        if sql.startswith(head):
            return f"{head}{shadows}, {sql[len(head) :]}"
    return f"WITH {shadows} {sql}"


def _narrowed(table: str, span: str) -> str:
    name = quote(table)
    return f'{name} AS (SELECT * FROM "main".{name} WHERE "TimeGenerated" {span})'  # noqa: S608 - both are quoted
