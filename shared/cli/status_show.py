"""`logferry status`, as people read it and as programs do.

Rule: what stands here is how things are said; what there is to say comes from
status_read. Invariant: JSON has every number that the tables have, unrounded, and
times in UTC; ages are for people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..sources.work import longest_backoff
from .explain import count
from .show import Cell, Show
from .status_read import OPEN, Row, Status, Tally, alarms

_WORDS = {
    "running": "In work",
    "split": "In work, in parts",
    "deferred": "Deferred: goes on by itself",
    "dead": "Dead: dead-lettered as a whole",
    "unrouted": "Unrouted: no route takes it",
    "gone": "Gone: removed before all of it was read",
    "done": "Done",
}
_STYLES = {"dead": "red", "unrouted": "yellow", "deferred": "yellow"}
_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))

Maker = Callable[[Status, Row], Cell]


def show_status(show: Show, status: Status) -> None:
    """Everything but what somebody has to look at."""
    show.line(f"{status.where}, {_stamp(status.at)}", "bold")
    _rest(show, status)
    known = [state for state in _WORDS if state in status.rows]
    for state in [*known, *sorted(status.rows.keys() - _WORDS.keys())]:
        _sources(show, status, state)
    _routes(show, status)


def show_alarms(show: Show, status: Status) -> None:
    """What somebody has to look at; last, where the screen ends."""
    found = alarms(status)
    if found:
        show.line()
    for alarm in found:
        show.prose(alarm, "red")


def _sources(show: Show, status: Status, state: str) -> None:
    rows, there = status.rows[state], status.states[state]
    more = f", {len(rows):,} shown" if len(rows) < there else ""
    show.heading(f"{_WORDS.get(state, state)} ({there:,}{more})")
    columns = _COLUMNS.get(state, _COLUMNS["dead"])
    cells = ([make(status, row) for make in columns.values()] for row in rows)
    show.table(list(columns), cells, right=("Size", "At", "Records"))


# -- a source's cells -----------------------------------------------------------------------------


def _source(_: Status, row: Row) -> Cell:
    return row.source, _STYLES.get(row.state, "")


def _route(_: Status, row: Row) -> Cell:
    return row.route


def _size(_: Status, row: Row) -> Cell:
    size = row.entry.get("size")
    return size_text(size) if isinstance(size, int) else ""


def _at(_: Status, row: Row) -> Cell:
    share = progress(row)
    return "" if share is None else f"{share:.0%}"


def _records(_: Status, row: Row) -> Cell:
    return f"{_number(row.entry.get('counts'), 'read'):,}" if row.entry else ""


def _begun(status: Status, row: Row) -> Cell:
    return _ago(status, _time(row, "received"))


def _deferred(status: Status, row: Row) -> Cell:
    return _ago(status, _time(row, "deferred_since") or row.written)


def _written(status: Status, row: Row) -> Cell:
    return _ago(status, row.written)


def _parts(_: Status, row: Row) -> Cell:
    whole = len(row.entry.get("parts") or ())
    told = [f"{row.parts['done']:,} of {whole:,} done"]
    told += [f"{number:,} {state}" for state, number in sorted(row.parts.items()) if state != "done"]
    return ", ".join(told)


def _next(status: Status, row: Row) -> Cell:
    due = next_look(row)
    if due is None:
        return ""
    return f"within {age_text(due - status.at)}" if due > status.at else ("overdue", "yellow")


def _reason(_: Status, row: Row) -> Cell:
    return str(row.entry.get("reason", ""))


_OPEN_COLUMNS: dict[str, Maker] = {"Source": _source, "Route": _route, "Size": _size}
_COLUMNS: dict[str, dict[str, Maker]] = {
    "running": {**_OPEN_COLUMNS, "At": _at, "Records": _records, "Begun": _begun, "Sign of life": _written},
    "split": {**_OPEN_COLUMNS, "Parts": _parts, "Begun": _begun, "Sign of life": _written},
    "deferred": {
        **_OPEN_COLUMNS, "At": _at, "Records": _records,
        "Since": _deferred, "Next look": _next, "Why": _reason,
    },
    "dead": {"Source": _source, "Route": _route, "Ended": _written, "Why": _reason},
    "done": {**_OPEN_COLUMNS, "Records": _records, "Ended": _written},
}  # fmt: skip


def progress(row: Row) -> float | None:
    """How much of a source's bytes is settled; None where that cannot be told, as in a compressed one."""
    position, size = row.entry.get("position"), row.entry.get("size")
    if not row.entry.get("seekable") or not isinstance(size, int) or size <= 0:
        return None
    return min(_number(position, "offset") / size, 1.0)


def next_look(row: Row) -> float | None:
    """Epoch seconds: when a deferred source is looked at, at the latest, if nothing asked for longer."""
    attempts = row.entry.get("attempts", 0)
    return row.written + longest_backoff(attempts) if isinstance(attempts, int) and row.entry else None


def _time(row: Row, key: str) -> float:
    value = row.entry.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


def _number(value: Any, key: str) -> int:
    found = value.get(key, 0) if isinstance(value, Mapping) else 0
    return found if isinstance(found, int) else 0


# -- sums -----------------------------------------------------------------------------------------


def _routes(show: Show, status: Status) -> None:
    if not status.routes:
        show.heading("No source yet.")
        return
    show.heading("Routes")
    sums = ("Done", "24 h", "Read", "Accepted", "Filtered", "Dead-lettered", "In dead letter")
    headings = ("Route", "In work", "Deferred", "Other", *sums)
    rows = [_tally(name, status.routes[name]) for name in sorted(status.routes)]
    show.table(headings, rows, right=headings[1:])
    if status.uncounted:
        show.line(
            f"24 h is without the records of {status.uncounted:,}, whose entries are of an older version.",
            "dim",
        )


def _tally(name: str, tally: Tally) -> list[Cell]:
    states, counts = tally.states, tally.counts
    other = sum(states.values()) - sum(states[state] for state in (*OPEN, "done"))
    numbers = [states["running"] + states["split"], states["deferred"], other, states["done"], tally.day]
    numbers += [counts.read, counts.accepted, counts.filtered, counts.dead_lettered]
    lies = f"{tally.dead_records:,}"
    if tally.dead_sources:
        lies += f" + {tally.dead_sources:,} whole"
    return [name or ("no route", "dim"), *(f"{number:,}" if number else "0" for number in numbers), lies]


def _rest(show: Show, status: Status) -> None:
    held = f"{count(status.messages, 'message')}, {count(status.audit_rows, 'audit row')}"
    if status.held_since:
        held += f"; untouched for {age_text(status.at - status.held_since)} at most"
    show.line(f"Put aside  {held}")
    queues = ", ".join(f"{name} {waiting:,}" for name, waiting in status.queues.items())
    show.line(f"Queues     {queues or 'none yet'}")


# -- words ----------------------------------------------------------------------------------------


def _ago(status: Status, moment: float) -> Cell:
    return f"{age_text(status.at - moment)} ago" if moment else ""


def age_text(seconds: float) -> str:
    """`12 s`, `3 min`, `5 h`, `2 d`."""
    for unit, word in _UNITS:
        if seconds >= unit:
            return f"{seconds / unit:.0f} {word}"
    return f"{max(seconds, 0):.0f} s"


def size_text(size: float) -> str:
    """`512 B`, `1.2 MB`."""
    for word in ("B", "kB", "MB", "GB"):
        if size < 1_000:
            return f"{size:.0f} {word}" if word == "B" or size >= 100 else f"{size:.1f} {word}"
        size /= 1_000
    return f"{size:,.1f} TB"


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


# -- JSON -----------------------------------------------------------------------------------------


def status_json(status: Status) -> str:
    """The same for programs."""
    tallies = {name: _tally_json(tally) for name, tally in sorted(status.routes.items())}
    answer = {
        "where": status.where,
        "time": _iso(status.at),
        "alarms": alarms(status),
        "states": dict(status.states),
        "sources": [source for rows in status.rows.values() for source in _sources_json(rows)],
        "routes": tallies,
        "uncounted": status.uncounted,
        "held": {
            "messages": status.messages,
            "audit_rows": status.audit_rows,
            "untouched_since": _iso(status.held_since),
        },
        "queues": status.queues,
    }
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n"


def _sources_json(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    for row in rows:
        deferred = row.state == "deferred"
        yield {
            "source": row.source,
            "route": row.route,
            "state": row.state,
            "version": row.entry.get("version"),
            "size": row.entry.get("size"),
            "progress": progress(row),
            "counts": row.entry.get("counts", {}),
            "begun": _iso(_time(row, "received")),
            "written": _iso(row.written),
            "deferred_since": _iso(_time(row, "deferred_since") or row.written) if deferred else None,
            "next_look": _iso(next_look(row) or 0) if deferred else None,
            "reason": row.entry.get("reason", ""),
            "parts": dict(row.parts),
        }


def _tally_json(tally: Tally) -> dict[str, Any]:
    counts = tally.counts
    day = {
        "sources": tally.day,
        "read": counts.read,
        "accepted": counts.accepted,
        "filtered": counts.filtered,
        "dead_lettered": counts.dead_lettered,
    }
    lies = {"records": tally.dead_records, "sources": tally.dead_sources}
    return {"states": dict(tally.states), "last_24_hours": day, "dead_letter": lies}


def _iso(moment: float) -> str | None:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds") if moment else None
