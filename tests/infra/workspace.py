"""A workspace to run the queries of alerts and of the workbook in: Azure's tables, and what the app said.

Rule: Azure's own tables have the columns of its documentation (fixtures/azure_tables.json names the
page of each); log lines are those of the app that ran. Queries are run by the engine of local Azure.
"""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from local.azure_monitor.query import Question, run
from local.azure_monitor.schema import DUCKDB_TYPES, create, quote
from shared.routes.auditing import audit_columns
from shared.transform.analyser import Analyser

FIXTURE = Path(__file__).parent / "fixtures" / "azure_tables.json"
SCRIPT = Path(__file__).with_name("analyse_queries.js")

_MOST = 10_000
"""Rows of an answer; none here has as many."""

_LEVELS = {logging.INFO: 1, logging.WARNING: 2, logging.ERROR: 3, logging.CRITICAL: 4}
"""Of Python to those of AppTraces. Source: Application Insights, SeverityLevel."""


def azure_tables() -> dict[str, dict[str, str]]:
    """Table -> column -> type, as Azure documents its own, and the table of audit rows."""
    documented = json.loads(FIXTURE.read_text(encoding="utf-8"))
    tables = {name: dict(table["columns"]) for name, table in documented.items()}
    tables["LogferryAudit_CL"] = {name: column.type for name, column in audit_columns().items()}
    return tables


def analyse(
    analyser: Analyser, queries: Sequence[str], tables: Mapping[str, Mapping[str, str]]
) -> list[dict[str, Any]]:
    """What Microsoft's analyser says of each query: `errors`, and the `columns` that come out.

    Args:
        analyser: where it is.
        queries: KQL, each by itself.
        tables: further ones than Azure's own: name -> column -> type, as Kusto spells it.
    """
    asked = {"tables": {**tables, **azure_tables()}, "queries": list(queries)}
    done = subprocess.run(
        [analyser.node, str(SCRIPT), str(analyser.package)],
        input=json.dumps(asked).encode(),
        capture_output=True,
        timeout=120,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


class Workspace:
    """Tables that rows are put in, and queries that read them.

    Args:
        component: id of the Application Insights component that log lines come from.
    """

    def __init__(self, component: str) -> None:
        self._component = component
        self._con = duckdb.connect()
        self._con.execute("SET TimeZone='UTC'")
        self._tables = {
            name: {
                column: DUCKDB_TYPES["boolean" if kind == "bool" else kind]
                for column, kind in columns.items()
            }
            for name, columns in azure_tables().items()
        }
        create(self._con, self._tables)

    def add(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Rows as they would be in Azure; those without a time are from now."""
        for row in rows:
            values = {"TimeGenerated": datetime.now(UTC), "_ResourceId": self._component.lower(), **row}
            values = {name: value for name, value in values.items() if name in self._tables[table]}
            names = ", ".join(quote(name) for name in values)
            marks = ", ".join("?" for _ in values)
            self._con.execute(f"INSERT INTO {quote(table)} ({names}) VALUES ({marks})", list(values.values()))

    def log(self, records: Iterable[logging.LogRecord], ago: float = 0.0) -> None:
        """Log lines as the Functions host hands them on, `ago` seconds older than they are."""
        self.add(
            "AppTraces",
            (
                {
                    "TimeGenerated": datetime.fromtimestamp(record.created - ago, UTC),
                    "Message": record.getMessage(),
                    "SeverityLevel": _LEVELS.get(record.levelno, 0),
                }
                for record in records
            ),
        )

    def ask(self, query: str, window: str | None = None) -> list[dict[str, Any]]:
        """Rows of a query over what is not older than `window` (ISO 8601)."""
        (table,) = run(self._con, self._tables, Question(query, window), _MOST)["tables"]
        names = [column["name"] for column in table["columns"]]
        return [dict(zip(names, row, strict=True)) for row in table["rows"]]

    def close(self) -> None:
        """Forget everything."""
        self._con.close()
