"""`logferry deadletters purge`: gone for good.

Rule: it is said what goes, and asked for, before anything does. Invariants: without a
terminal to ask at and without `--yes` nothing is removed; where a reason was named,
records with other reasons stay; a document that changes meanwhile is left alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec

from ..ledger.deadletter import document as written
from ..ledger.deadletter import rejects_of, shared
from ..ledger.store import Conflict
from .bar import steps
from .deadletters_find import Document, Wanted, find, nothing, read, total
from .deadletters_list import as_dict
from .local import Trouble
from .show import Show
from .storage import Place, reached


def purge(place: Place, wanted: Wanted, *, dry_run: bool, yes: bool, as_json: bool) -> bool:
    """Remove what is meant; whether all of it went. Raises Trouble."""
    screen = Show()
    documents = list(find(place, wanted))
    if as_json:
        text = msgspec.json.format(msgspec.json.encode([as_dict(d) for d in documents]), indent=2)
        screen.raw(text.decode() + "\n")
    else:
        _say(screen, place, wanted, documents)
    if dry_run or not documents:
        return True
    if not yes and not _agreed():
        screen.line("Nothing was removed.")
        return False
    kept = 0
    with steps("Removing", len(documents), shown=screen.pretty and not as_json) as moved:
        for document in documents:
            kept += not _remove(place, document, wanted.reason)
            moved()
    if not as_json:
        screen.line("Removed." if not kept else f"{kept:,} documents changed meanwhile and are still there.")
    return not kept


def _say(screen: Show, place: Place, wanted: Wanted, documents: Sequence[Document]) -> None:
    if not documents:
        nothing(screen, place, wanted)
        return
    records = sum(document.reasons[wanted.reason] for document in documents) if wanted.reason else None
    only = f" (of these {records:,} with {wanted.reason})" if records is not None else ""
    screen.line(f"To be removed from {place.where}: {total(documents)}{only}.", "bold")


def _agreed() -> bool:
    """Whether somebody says yes. Raises Trouble where there is nobody to ask."""
    import typer  # noqa: PLC0415 - is there: it called us

    if not sys.stdin.isatty():
        raise Trouble("Nothing was removed: there is no terminal to ask at. Say --yes.")
    return typer.confirm("Remove this for good?")


def _remove(place: Place, document: Document, reason: str) -> bool:
    """Remove a document, or its records with a reason; whether that could be done."""
    if not reason or set(document.reasons) == {reason}:
        with reached(place):
            place.dead_letter.remove(document.name)
        return True
    found = read(place, document)
    if found is None:
        return True
    stored, lines = found
    kept = [pair for pair in zip(lines, rejects_of(lines), strict=True) if pair[0].reason != reason]
    try:
        with reached(place):
            if kept:
                text, tags = written(shared([line for line, _ in kept], [reject for _, reject in kept]))
                place.dead_letter.replace(document.name, text, tags, stored.etag)
            else:
                place.dead_letter.remove(document.name, stored.etag)
    except Conflict:
        return False
    return True
