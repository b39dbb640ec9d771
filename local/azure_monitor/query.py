"""KQL in, the query API's JSON out.

Rule: the reply has the form of the Log Analytics query API (v1): one PrimaryResult
with Kusto types, times as ISO 8601 with Z, dynamic values as JSON text, a timespan
as d.hh:mm:ss. Invariant: a query can read the workspace's tables and nothing else,
and whatever is wrong with it is a QueryError with a sentence that helps.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
import math
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import duckdb_kql
from duckdb_kql.types import kusto_type
from isodate import ISO8601Error, parse_datetime, parse_duration  # type: ignore[import-untyped]

from .schema import quote, wrong_case

_NO_TABLE = re.compile(r"Table with name (.+?) does not exist")
_NO_COLUMN = re.compile(r'Referenced column "(.+?)" (?:was )?not found')


class QueryError(Exception):
    """A query that cannot be answered.

    Args:
        code: SyntaxError, SemanticError or another of the service's inner codes.
        message: what is wrong.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def to_json(self) -> dict[str, Any]:
        """The body of the service's 400."""
        return {
            "error": {
                "message": "The request had some invalid properties",
                "code": "BadArgumentError",
                "correlationId": str(uuid.uuid4()),
                "innererror": {"code": self.code, "message": str(self)},
            }
        }


def run(
    con: duckdb.DuckDBPyConnection,
    tables: Mapping[str, Mapping[str, str]],
    query: str,
    timespan: str | None = None,
    *,
    statistics: bool = False,
) -> dict[str, Any]:
    """Answer one query.

    Args:
        con: a cursor of its own.
        tables: name to columns.
        query: KQL.
        timespan: ISO 8601 duration or interval; rows outside are not seen.
        statistics: whether to say how long it took.

    Raises:
        QueryError: it cannot be answered.
    """
    began = time.perf_counter()
    sql, parameters = _translate(query, tables)
    if timespan:
        sql = _within(sql, tables, *_interval(timespan, dt.datetime.now(dt.UTC)))
    try:
        con.execute(sql, parameters or None)
        description, rows = con.description or [], con.fetchall()
    except duckdb.Error as error:
        raise _explain(error, tables) from error
    kinds = [kusto_type(column[1]) for column in description]
    writers = [_WRITERS.get(kind, _as_is) for kind in kinds]
    found = [[None if v is None else write(v) for write, v in zip(writers, row, strict=True)] for row in rows]
    columns = [{"name": column[0], "type": kind} for column, kind in zip(description, kinds, strict=True)]
    answer: dict[str, Any] = {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": found}]}
    if statistics:
        seconds = time.perf_counter() - began
        sizes = [{"tableRowCount": len(found), "tableSize": len(json.dumps(found))}]
        answer["statistics"] = {"query": {"executionTime": seconds, "datasetStatistics": sizes}}
    return answer


def _translate(query: str, tables: Mapping[str, Mapping[str, str]]) -> tuple[str, dict[str, Any]]:
    if query.lstrip().startswith("."):
        raise QueryError("SyntaxError", "a workspace takes queries, not control commands.")
    try:
        found = duckdb_kql.to_sql(query, schema={t: list(c) for t, c in tables.items()}, allow_write=False)
    except duckdb_kql.KqlSyntaxError as error:
        raise QueryError("SyntaxError", str(error)) from error
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


def _interval(text: str, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """`PT1H`, `start/end`, `start/PT1H` or `PT1H/end` as two times.

    Raises:
        QueryError: it is none of these.
    """
    try:
        first, _, second = text.partition("/")
        if not second:
            return now - _duration(first), now
        if first.startswith("P"):
            end = _time(second)
            return end - _duration(first), end
        start = _time(first)
        return start, start + _duration(second) if second.startswith("P") else _time(second)
    except (ISO8601Error, ValueError, OverflowError, TypeError) as error:
        raise QueryError("BadArgument", f"timespan {text!r} is no ISO 8601 duration or interval.") from error


def _duration(text: str) -> dt.timedelta:
    found = parse_duration(text)
    if not isinstance(found, dt.timedelta):
        raise TypeError("months and years have no fixed length")
    return found


def _time(text: str) -> dt.datetime:
    time_ = parse_datetime(text) if "T" in text else dt.datetime.fromisoformat(text)
    return time_ if time_.tzinfo else time_.replace(tzinfo=dt.UTC)


# -- one value as the service writes it -------------------------------------------------------


def _as_is(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else str(value)


def _datetime(value: Any) -> str:
    if isinstance(value, dt.datetime):
        value = value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return str(value.isoformat()).replace("+00:00", "Z")
    return f"{value}T00:00:00Z" if isinstance(value, dt.date) else str(value)


def _timespan(value: Any) -> str:
    if not isinstance(value, dt.timedelta):
        return str(value)
    sign, value = ("-", -value) if value < dt.timedelta() else ("", value)
    days, seconds = value.days, value.seconds
    fraction = f".{value.microseconds:06d}0" if value.microseconds else ""
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"
    return f"{sign}{f'{days}.' if days else ''}{clock}"


def _real(value: Any) -> Any:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _dynamic(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "datetime": _datetime,
    "timespan": _timespan,
    "real": _real,
    "dynamic": _dynamic,
}
