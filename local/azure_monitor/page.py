"""A page for people: what landed, what was lost, and a box for KQL.

Rule: made on the server; no script, nothing loaded from elsewhere. Invariant: every
value on it is escaped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .query import Question
from .query_errors import QueryError

if TYPE_CHECKING:
    from .app import Monitor

SHOWN = 50
"""Losses and posts on the page; the control API has more."""
ROWS = 500
"""Rows of a query's answer on the page."""

_STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")

_TIMESPANS = {"": "any time", "PT1H": "last hour", "P1D": "last day", "P7D": "last 7 days"}


async def page(monitor: Monitor, query: str, timespan: str) -> str:
    """The whole page, with a query's answer if one was asked."""
    await monitor.settled()
    answer = await _answer(monitor, query, timespan) if query.strip() else ""
    counts = await asyncio.to_thread(monitor.tables.counts)
    lost = monitor.state.losses()
    parts = [
        _box(query or _example(counts), timespan, answer),
        _section("Tables", _tables(monitor, counts)),
        _section("Streams", _streams(monitor.state.metrics())),
        _section("What Azure would have lost in silence", _losses(lost)),
        _section("Recent posts", _posts(monitor.state.posts()[:SHOWN])),
    ]
    return _PAGE.format(style=_STYLE, head=_head(monitor), body="".join(parts))


_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Local Azure Monitor</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
    "<style>{style}</style></head><body><main><header><h1>Local Azure Monitor</h1>{head}</header>{body}"
    '<p class="soft">As JSON: <a href="/local/status">status</a>, <a href="/local/metrics">metrics</a>, '
    '<a href="/local/losses">losses</a>, <a href="/local/posts">posts</a>, '
    '<a href="/local/faults">faults</a>.</p>'
    "</main></body></html>"
)


def _head(monitor: Monitor) -> str:
    rules = ", ".join(f"<code>{escape(rule)}</code>" for rule in monitor.config.rules)
    notes = [f"rule {rules}"]
    if not monitor.config.keep:
        notes.append("rows are checked and counted, not kept")
    if not monitor.roles.granted:
        notes.append('<span class="bad">the role on the rule is taken away: 403</span>')
    faults = len(monitor.faults.to_json())
    if faults:
        notes.append(f'<span class="warning">{_many(faults, "scripted fault")} waiting</span>')
    notes += [f'<span class="warning">{escape(warning)}</span>' for warning in monitor.tables.warnings]
    return "".join(f"<p>{note}</p>" for note in notes)


def _box(query: str, timespan: str, answer: str) -> str:
    options = "".join(
        f'<option value="{value}"{" selected" if value == timespan else ""}>{label}</option>'
        for value, label in _TIMESPANS.items()
    )
    return (
        '<section><h2><label for="query">Query</label></h2><form method="get" action="/">'
        f'<textarea id="query" name="query" spellcheck="false">{escape(query)}</textarea>'
        f'<div class="bar"><button>Run</button>'
        f'<select name="timespan" aria-label="Time span">{options}</select>'
        f'<span class="soft">KQL over the tables below</span></div></form>{answer}</section>'
    )


def _example(counts: dict[str, int]) -> str:
    if not counts:
        return ""
    return f"{max(counts, key=lambda table: counts[table])}\n| sort by TimeGenerated desc\n| take 20"


async def _answer(monitor: Monitor, query: str, timespan: str) -> str:
    try:
        answer = await monitor.ask(Question(query, timespan or None, statistics=True))
    except QueryError as error:
        said = f"<strong>{escape(error.code)}</strong>: {escape(str(error))}"
        return f'<p class="bad answer" role="alert">{said}</p>'
    table = answer["tables"][0]
    rows = table["rows"]
    seconds = answer["statistics"]["query"]["executionTime"]
    more = f", {ROWS} of them shown" if len(rows) > ROWS else ""
    numbers = [column["type"] in {"int", "long", "real", "decimal"} for column in table["columns"]]
    body = _table(
        [column["name"] for column in table["columns"]], (map(_cell, row) for row in rows[:ROWS]), numbers
    )
    return f'<p class="soft answer">{_many(len(rows), "row")}{more}, {seconds * 1000:.0f} ms</p>{body}'


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"  # readable; the API has every digit
    return "" if value is None else escape(str(value).lower() if isinstance(value, bool) else str(value))


def _tables(monitor: Monitor, counts: dict[str, int]) -> str:
    rows = (
        [f"<code>{escape(table)}</code>", f"{counts[table]:,}", escape(", ".join(columns))]
        for table, columns in monitor.tables.columns.items()
    )
    return _table(["Table", "Rows", "Columns"], rows, [False, True, False], wrap=True)


def _streams(metrics: list[dict[str, Any]]) -> str:
    rows = (
        [
            f"<code>{escape(found['InputStreamId'])}</code>",
            ", ".join(_code(code, n) for code, n in sorted(found["ApiCallReceived_Count"].items())),
            f"{found['RowsReceived_Count']:,}",
            f"{found['BytesReceived_Count']:,}",
            f"{found['RowsDropped_Count']:,}",
            f"{found['TransformationErrors_Count']:,}",
        ]
        for found in metrics
    )
    heads = [
        "Stream",
        "Calls by answer",
        "Rows received",
        "Raw bytes",
        "Dropped by transform",
        "Transform errors",
    ]
    return _table(
        heads, rows, [False, False, True, True, True, True], wrap=True, empty="No post has come yet."
    )


def _code(code: str, count: int) -> str:
    return f'<span class="{"good" if code == "204" else "bad"}">{escape(code)}</span> &times; {count:,}'


def _losses(lost: dict[str, Any]) -> str:
    if not lost["counts"]:
        return '<p class="soft">Nothing.</p>'
    kinds = ", ".join(
        f'<span class="{found["severity"]}">{escape(kind)}</span> &times; {found["count"]:,}'
        for kind, found in lost["counts"].items()
    )
    rows = (
        [
            escape(loss["time"][11:23]),
            f"<code>{escape(loss['stream'])}</code>",
            f'<span class="{loss["severity"]}">{escape(loss["kind"])}</span>',
            "" if loss["record"] is None else str(loss["record"]),
            escape(loss["column"] or ""),
            escape(loss["explanation"]),
        ]
        for loss in reversed(lost["losses"][-SHOWN:])
    )
    heads = ["Time", "Stream", "Kind", "Record", "Column", "What happens"]
    return f"<p>{kinds}</p>{_table(heads, rows, [False, False, False, True, False, False], wrap=True)}"


def _posts(posts: list[dict[str, Any]]) -> str:
    rows = (
        [
            escape(post["time"][11:23]),
            f"<code>{escape(post['stream'])}</code>",
            _answered(post["status"]),
            f"{post['rows']:,}",
            f"{post['raw_bytes']:,}",
            f"{post['wire_bytes']:,}",
            f"<code>{escape(post['request_id'])}</code>",
        ]
        for post in posts
    )
    heads = ["Time", "Stream", "Answer", "Rows", "Raw bytes", "On the wire", "Request"]
    return _table(
        heads, rows, [False, False, False, True, True, True, False], wrap=True, empty="No post has come yet."
    )


def _answered(status: int) -> str:
    return f'<span class="{"good" if status == 204 else "bad"}">{status or "dropped"}</span>'


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


def _table(
    heads: Sequence[str],
    rows: Iterable[Iterable[str]],
    numbers: Sequence[bool],
    *,
    wrap: bool = False,
    empty: str = "",
) -> str:
    """A table; the cells are HTML already, the heads are not."""
    kinds = ["n" if number else "" if wrap else "mono" for number in numbers]
    head = "".join(
        f'<th class="{"n" if number else ""}">{escape(text)}</th>'
        for text, number in zip(heads, numbers, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, kinds)}</tr>" for row in rows)
    if not body and empty:
        return f'<p class="soft">{empty}</p>'
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _cells(row: Iterable[str], kinds: Sequence[str]) -> str:
    return "".join(f'<td class="{kind}">{cell}</td>' for cell, kind in zip(row, kinds, strict=True))
