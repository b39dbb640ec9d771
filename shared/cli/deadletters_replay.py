"""`logferry deadletters replay`: a work message for each document, and what became of them.

Rule: the app does it, with its own identity; here it is only asked for and waited for.
Invariant: what is said to be done has a trace that says so, of this very run.
"""

from __future__ import annotations

import getpass
import socket
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from ..ledger.deadletter import trace_prefix
from ..ledger.trace import Trace, parse
from ..sources.work import ReplayWork
from .bar import steps
from .deadletters_find import Document, Wanted, find, nothing, total
from .explain import count
from .show import Cell, Show
from .storage import Place, reached

PATIENCE = 120.0
"""Seconds without any document settled, after which the command leaves; the app goes on."""
_LOOKED_AT = 16
_EVERY = 0.5
_LONGEST_DELAY = 6 * 86_400
"""Seconds; a message can be put off for seven days. Source: Put Message, visibilitytimeout."""


def replay(place: Place, wanted: Wanted, *, rate: float, wait: bool, as_json: bool) -> bool:
    """Have the app replay what is meant; whether all of it landed, as far as was waited. Raises Trouble."""
    screen = Show()
    documents = list(find(place, wanted))
    by = f"{_who()} {uuid.uuid4().hex[:8]}"
    last = _ask(place, documents, wanted.reason, by, rate)
    if not as_json:
        _asked(screen, place, wanted, documents, last)
    if not wait or not documents:
        if as_json:
            screen.raw(_json(documents, {}))
        return True
    traces = _wait(screen, place, documents, by, last, quiet=as_json)
    if as_json:
        screen.raw(_json(documents, traces))
    else:
        _page(screen, documents, traces)
    ends = [traces.get(document.name) for document in documents]
    return all(trace is not None and _is_well(trace) for trace in ends)


def _who() -> str:
    with suppress(Exception):  # no such user in /etc/passwd, in a container for instance
        return f"{getpass.getuser()}@{socket.gethostname()}"
    return socket.gethostname()


def _ask(place: Place, documents: Sequence[Document], reason: str, by: str, rate: float) -> float:
    """Put the work messages on the queue; seconds until the last of them is seen."""
    before = delay = 0.0
    for document in documents:
        delay = min(before / rate, _LONGEST_DELAY) if rate else 0.0
        with reached(place):
            place.work.put(ReplayWork(document.name, by, reason), delay)
        before += document.reasons[reason] if reason else max(1, document.records)
    return delay


def _asked(screen: Show, place: Place, wanted: Wanted, documents: Sequence[Document], last: float) -> None:
    if not documents:
        nothing(screen, place, wanted)
        return
    over = f", over {last:,.0f} s" if last else ""
    screen.line(f"{total(documents)}: on the queue {place.names.work_queue}{over}.")


# -- waiting ------------------------------------------------------------------------------------


def _wait(
    screen: Show, place: Place, documents: Sequence[Document], by: str, last: float, *, quiet: bool
) -> dict[str, Trace]:
    """The last trace of each document, as far as there is one in time."""
    traces: dict[str, Trace] = {}
    seen: set[str] = set()
    pending = [document.name for document in documents]
    until = time.monotonic() + last + PATIENCE
    with steps("Waiting for the app", len(pending), shown=screen.pretty and not quiet) as moved:
        while pending and time.monotonic() < until:
            settled = [name for name in pending[:_LOOKED_AT] if _look(place, name, by, seen, traces)]
            for name in settled:
                pending.remove(name)
                moved()
                until = max(until, time.monotonic() + PATIENCE)
            if not settled:
                pending = [*pending[_LOOKED_AT:], *pending[:_LOOKED_AT]]
                time.sleep(_EVERY)
    return traces


def _look(place: Place, name: str, by: str, seen: set[str], traces: dict[str, Trace]) -> bool:
    """Whether a document is settled: whether a trace of this run says so."""
    with reached(place):
        for row in place.dead_letter.listing(trace_prefix(name)):
            if row.name in seen:
                continue
            seen.add(row.name)
            stored = place.dead_letter.read(row.name)
            trace = None if stored is None else parse(stored.document)
            if trace is not None and trace.by == by:
                traces[name] = _together(traces.get(name), trace)
    found = traces.get(name)
    return found is not None and (
        found.outcome != "deferred" and not (found.outcome == "continued" and found.left)
    )


def _together(before: Trace | None, trace: Trace) -> Trace:
    """The later trace, with what landed in the earlier runs counted too."""
    if before is None:
        return trace
    return msgspec.structs.replace(
        trace,
        accepted=before.accepted + trace.accepted,
        filtered=before.filtered + trace.filtered,
        dead_lettered=before.dead_lettered + trace.dead_lettered,
    )


# -- what became of them ------------------------------------------------------------------------


def _is_well(trace: Trace) -> bool:
    return trace.outcome in {"done", "continued"} and not trace.dead_lettered and not trace.left


def _page(screen: Show, documents: Sequence[Document], traces: dict[str, Trace]) -> None:
    routes: dict[str, list[Document]] = {}
    for document in documents:
        routes.setdefault(document.route, []).append(document)
    headings = ("Route", "Documents", "Landed", "Filtered", "Rejected again", "Not settled")
    screen.table(headings, [_row(name, found, traces) for name, found in routes.items()], right=headings[1:])
    open_ = [document.name for document in documents if document.name not in traces]
    for reason in sorted(
        {f"{t.outcome}: {t.reason}" for t in traces.values() if t.reason and not _is_well(t)}
    ):
        screen.prose(reason, "yellow")
    whole = sum(document.whole and document.name in traces for document in documents)
    if whole:
        screen.prose(
            f"{count(whole, 'source')} taken again as a whole; how far it is: logferry status", "dim"
        )
    if any(trace.dead_lettered for trace in traces.values()):
        screen.prose("What was rejected again, and why: logferry deadletters show", "dim")
    if open_:
        said = f"{count(len(open_), 'document')} not settled yet; the app goes on with what is on its queue."
        screen.prose(said, "yellow")


def _row(name: str, documents: Sequence[Document], traces: dict[str, Trace]) -> Sequence[Cell]:
    found = [traces[document.name] for document in documents if document.name in traces]
    landed, back = sum(t.accepted for t in found), sum(t.dead_lettered for t in found)
    missing = [document for document in documents if document.name not in traces]
    left = sum(t.left for t in found) + sum(max(1, document.records) for document in missing)
    return (
        name,
        f"{len(documents):,}",
        (f"{landed:,}", "green" if landed else ""),
        f"{sum(t.filtered for t in found):,}",
        (f"{back:,}", "red" if back else ""),
        (f"{left:,}", "yellow" if left else ""),
    )


def _json(documents: Sequence[Document], traces: dict[str, Trace]) -> str:
    answer: list[dict[str, Any]] = [
        {"document": document.name, "records": document.records or None, "trace": traces.get(document.name)}
        for document in documents
    ]
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n"
