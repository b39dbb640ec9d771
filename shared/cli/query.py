"""`logferry query`: KQL against a workspace.

Rule: the workspace's own query API is asked, as any client would. Invariant: CSV
and JSON hold every value as the API gave it; only the table for people is cleaned,
and cut where it is a screen.

Source of the form: Log Analytics query API (v1).
"""

from __future__ import annotations

import csv
import io
import json
import sys
from typing import Any, Literal

import msgspec

from .show import Show
from .workspace import Answer, Workspace

As = Literal["table", "csv", "json"]

_NUMBERS = frozenset({"int", "long", "real", "decimal"})
_LONGEST = 400
"""Characters of one value on a screen; a pipe gets all of it."""


def query(where: Workspace, kql: str, how: As, timespan: str | None) -> bool:
    """Ask, and write the answer; whether it is all of it.

    Args:
        where: who is asked.
        kql: the query.
        how: the form of the answer.
        timespan: ISO 8601; None for everything.

    Raises:
        Trouble: the query is wrong, or there is no answer.
    """
    answer = where.ask(kql, timespan)
    show = Show()
    if how == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([answer.columns, *answer.rows])
        show.raw(text.getvalue())
    elif how == "json":
        show.raw(msgspec.json.format(msgspec.json.encode(answer.dicts()), indent=2).decode() + "\n")
    else:
        _table(show, answer)
    if answer.partial:
        Show(sys.stderr).line(f"This is not all of it: {answer.partial}", "red")
    return not answer.partial


def _table(show: Show, answer: Answer) -> None:
    right = [n for n, kind in zip(answer.columns, answer.kinds, strict=True) if kind in _NUMBERS]
    longest = _LONGEST if show.pretty else None
    rows = [["" if value is None else _text(value, longest) for value in row] for row in answer.rows]
    show.table(answer.columns, rows, right=right)
    show.line(f"{len(rows):,} row{'s' if len(rows) != 1 else ''}", "dim")


def _text(value: Any, longest: int | None) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    if longest is None or len(text) <= longest:
        return text
    return f"{text[:longest]}... ({len(text) - longest:,} more)"
