"""`logferry query`: KQL against the local workspace.

Rule: the workspace's own query API is asked, as any client would. Invariant: CSV
and JSON hold every value as the API gave it; only the table for people is cleaned
and cut.

Source of the form: Log Analytics query API (v1).
"""

from __future__ import annotations

import csv
import io
import json
import urllib.error
import urllib.request
from typing import Any, Literal, NamedTuple

import msgspec

from .cli_local import Trouble, find
from .cli_show import Show

As = Literal["table", "csv", "json"]

_NUMBERS = frozenset({"int", "long", "real", "decimal"})


class Answer(NamedTuple):
    """A table that came back."""

    columns: list[str]
    kinds: list[str]
    rows: list[list[Any]]


def query(kql: str, how: As) -> None:
    """Ask, and write the answer. Raises Trouble."""
    answer = ask(find().query_url, kql)
    show = Show()
    if how == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([answer.columns, *answer.rows])
        show.raw(text.getvalue())
    elif how == "json":
        rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        show.raw(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n")
    else:
        _table(show, answer)


def ask(url: str, kql: str) -> Answer:
    """The primary result of a query.

    Args:
        url: the workspace's query address.
        kql: the query.

    Raises:
        Trouble: the query is wrong, or nobody answers.
    """
    body = json.dumps({"query": kql}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310
            table = json.load(response)["tables"][0]
    except urllib.error.HTTPError as error:
        raise Trouble(_why(error)) from error
    except (urllib.error.URLError, OSError) as error:
        raise Trouble(f"Nothing answers at {url}; start local Azure again with: make run") from error
    columns = table["columns"]
    return Answer([c["name"] for c in columns], [c["type"] for c in columns], table["rows"])


def _why(error: urllib.error.HTTPError) -> str:
    try:
        said = json.loads(error.read())["error"]
        inner = said.get("innererror", said)
        return f"{inner['code']}: {inner['message']}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"The query was refused: {error}"


def _table(show: Show, answer: Answer) -> None:
    right = [n for n, kind in zip(answer.columns, answer.kinds, strict=True) if kind in _NUMBERS]
    rows = [["" if value is None else _text(value) for value in row] for row in answer.rows]
    show.table(answer.columns, rows, right=right)
    show.line(f"{len(rows):,} row{'s' if len(rows) != 1 else ''}", "dim")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
