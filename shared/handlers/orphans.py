"""Entries of parts that nobody will ask for again.

Rule: whoever closes a source that was cut removes the entries of its parts; what a
crash in between leaves, or a worker that came too late has made, goes here. Invariant:
the parts of a source that is in work, or dead and may be replayed, stay.
"""

from __future__ import annotations

from itertools import groupby

from ..app import App
from ..ledger.claims import PARTS
from ..ledger.entry import Entry
from ..ledger.store import Listed

_NEEDED = frozenset({"split", "dead"})


def remove(app: App) -> int:
    """Remove them; how many sources they were of. Raises ServiceUnavailable."""
    removed = 0
    for _, rows in groupby(app.state.listing(PARTS), key=_source):
        first, *more = rows
        part = app.ledger.part(first)
        if part is None or _is_needed(app, part):
            continue
        for row in (first, *more):
            app.state.remove(row.name)
        removed += 1
    return removed


def _source(row: Listed) -> str:
    return row.name.rpartition("/")[0]


def _is_needed(app: App, part: Entry) -> bool:
    parent = app.ledger.read(part.source)
    if parent is None or parent.state not in _NEEDED:
        return False
    return (parent.version, parent.route) == (part.version, part.route)
