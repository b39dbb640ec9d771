"""The tables at the end of a tour.

Rule: words and numbers come from the result; nothing is worked out twice.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from shared.audit import Audit
from shared.cli.local import Local
from shared.cli.show import Cell, Show

from .drive import Fate, Result

NUMBERS = ("Read", "Accepted", "Filtered", "Dead", "ms")
BOOKS = ("Accepted", "Received", "Left out", "Rows")
WIDE = 125
"""Columns of a terminal from which on notes stand beside the numbers."""
LATE = "time_replaced"
"""Said once, for all: the samples are always late."""
_CHANGES = {
    "bad_value_kept": ("bad value kept", "bad values kept"),
    "bad_value_null": ("bad value nulled", "bad values nulled"),
    "undeclared_kept": ("with undeclared fields kept",) * 2,
    "undeclared_dropped": ("with undeclared fields dropped",) * 2,
    "time_missing": ("without a time",) * 2,
    "big_integer_text": ("big integer kept as text", "big integers kept as text"),
}
"""What shaping counts, for one and for many; the most telling first."""
_OUTCOMES = {
    "unrouted": "no route takes its path",
    "gone": "gone before it was read",
    "continued": "goes on",
    "deferred": "deferred",
    "changed": "replaced while it was read",
}
_ORDER = {kind: place for place, kind in enumerate(_CHANGES)}


def report(show: Show, result: Result) -> None:
    """Everything that the tour saw."""
    _inputs(show, result)
    _dead_letter(show, result)
    _tables(show, result)
    _verdict(show, result)


def _inputs(show: Show, result: Result) -> None:
    beside = not show.pretty or show.console.width >= WIDE
    headings = ("Input", "Route", "Table", *NUMBERS, *(("Note",) if beside else ()))
    reasons = _reasons(result)
    notes = {fate.name: _note(fate, reasons[fate.name]) for fate in result.fates}
    rows = [[*_row(fate), *((notes[fate.name],) if beside else ())] for fate in result.fates]
    rows.append([*_totals(result.audits), *(("",) if beside else ())])
    show.heading("What went in, and what became of it")
    show.table(headings, rows, right=NUMBERS)
    if not beside:
        show.heading("Notes")
        show.table(("Input", "Note"), [(name, note) for name, note in notes.items() if note])


def _row(fate: Fate) -> list[Cell]:
    audit = fate.audit
    if audit is None:
        return [(fate.name, "red"), "", "", *([""] * len(NUMBERS))]
    dead: Cell = (f"{audit.dead_lettered:,}", "red") if audit.dead_lettered else "0"
    none = ("-", "dim")
    numbers = [f"{audit.read:,}", f"{audit.accepted:,}", f"{audit.filtered:,}", dead, f"{audit.ms:,}"]
    return [fate.name, audit.route or none, audit.table or none, *numbers]


def _totals(audits: list[Audit]) -> list[Cell]:
    sums = [
        sum(getattr(audit, name) for audit in audits)
        for name in ("read", "accepted", "filtered", "dead_lettered")
    ]
    return [(text, "bold") for text in (f"{len(audits)} inputs", "", "", *(f"{n:,}" for n in sums), "")]


def _reasons(result: Result) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {fate.name: Counter() for fate in result.fates}
    for line in result.dead:
        found[line.name][line.reason] += 1
    return found


def _note(fate: Fate, reasons: Counter[str]) -> str:
    if fate.audit is None:
        return "no audit row"
    shown = ((kind, count) for kind, count in fate.audit.changed.items() if kind != LATE)
    counts = sorted(shown, key=lambda item: _ORDER.get(item[0], -1))
    changed = [f"{count:,} {_CHANGES.get(kind, (kind, kind))[count != 1]}" for kind, count in counts]
    dead = [f"dead letter: {', '.join(reasons)}"] if reasons else []
    other = [_OUTCOMES[fate.audit.outcome]] if fate.audit.outcome in _OUTCOMES else []
    return "; ".join([*other, *dead, *changed])


def _dead_letter(show: Show, result: Result) -> None:
    if not result.dead:
        return
    show.heading("In the dead letter: kept, with the reason")
    show.table(
        ("Input", "Where", "Reason", "Detail"),
        [(line.name, line.place, (line.reason, "red"), line.detail) for line in result.dead],
    )


def _tables(show: Show, result: Result) -> None:
    show.heading("What landed, in three books that must agree")
    rows: list[list[Cell]] = []
    for table in result.tables:
        fine = not list(table.problems())
        mark = ("adds up", "green") if fine else ("DOES NOT ADD UP", "bold red")
        numbers = (table.accepted, table.received, table.dropped, table.rows)
        rows.append([table.table, *(f"{number:,}" for number in numbers), mark])
    show.table(("Table", *BOOKS, ""), rows, right=BOOKS)
    show.prose(
        "Accepted: by the app's audit rows. Received: by the ingestion endpoint. "
        "Left out: by the rule's transform. Rows: KQL, T | count.",
        "dim",
    )


def _verdict(show: Show, result: Result) -> None:
    show.line()
    for problem in result.problems:
        show.prose(problem, "bold red")
    if result.problems:
        return
    audits = result.audits
    show.prose(
        f"Everything is accounted for: {sum(a.read for a in audits):,} records read = "
        f"{sum(a.accepted for a in audits):,} accepted + {sum(a.filtered for a in audits):,} filtered + "
        f"{sum(a.dead_lettered for a in audits):,} dead-lettered, in {result.seconds:.1f} s.",
        "bold green",
    )
    if late := sum(audit.changed.get(LATE, 0) for audit in audits):
        show.prose(
            f"The samples are of November 2026: {late:,} rows were older than Azure keeps a TimeGenerated "
            "for. They have the time of receipt, and their own in another column."
        )


def invitation(show: Show, local: Local, state_dir: Path) -> None:
    """What to try oneself."""
    program = _short(Path(sys.executable).with_name("logferry"))
    show.heading("Now you. Local Azure stays up until Ctrl-C; in another terminal:")
    for command in (
        "drop samples/web/access-2.csv.gz --as web/again.csv.gz --wait",
        """send '{"name": "door opened", "severity": 1}' --wait""",
        "query 'WebAccess_CL | summarize Requests = count() by Status'",
    ):
        show.line(f"  {program} {command}", "cyan")
    show.line()
    show.line(f"  Tables, posts and losses in a browser:  {local.monitor_url}/")
    show.line(f"  What the app says, and every other log:  {_short(state_dir / 'logs')}/")


def _short(path: Path) -> str:
    """Relative to where we are, if that is shorter."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
