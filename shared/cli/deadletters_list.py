"""`logferry deadletters list`: what is in the dead letter.

Rule: by route and reason, since that is what one mends; each document where asked.
Invariant: the totals are those of what is listed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from .deadletters_find import Document, Wanted, find, nothing, total
from .explain import count
from .show import Cell, Show
from .storage import Place


def show(place: Place, wanted: Wanted, *, each: bool, as_json: bool) -> None:
    """List what is meant. Raises Trouble."""
    screen = Show()
    documents = list(find(place, wanted))
    if as_json:
        screen.raw(_json(documents))
        return
    if not documents:
        nothing(screen, place, wanted)
        return
    if each or wanted.names:
        _each(screen, documents)
    else:
        _grouped(screen, documents)
    screen.line()
    screen.line(f"{total(documents)}.", "bold")
    if not each and not wanted.names:
        screen.prose("To look: logferry deadletters show. Once mended: logferry deadletters replay.", "dim")


def _grouped(screen: Show, documents: Sequence[Document]) -> None:
    groups: dict[tuple[str, str], list[Document]] = defaultdict(list)
    for document in documents:
        for reason in document.reasons or {"": 0}:
            groups[document.route, reason].append(document)
    headings = ("Route", "Reason", "Records", "Sources", "Docs", "Oldest (UTC)", "Newest")
    rows = [_group(route, reason, found) for (route, reason), found in sorted(groups.items())]
    screen.table(headings, rows, right=("Records", "Sources", "Docs"))


def _group(route: str, reason: str, documents: Sequence[Document]) -> Sequence[Cell]:
    records = sum(document.reasons[reason] for document in documents if not document.whole)
    times = [document.when for document in documents]
    return (
        route,
        (reason, "red"),
        f"{records:,}" if records else "whole",
        f"{len({document.source for document in documents}):,}",
        f"{len(documents):,}",
        f"{min(times):%Y-%m-%d %H:%M}",
        f"{max(times):%m-%d %H:%M}",
    )


def _each(screen: Show, documents: Sequence[Document]) -> None:
    if screen.pretty:  # a name to copy takes a line of its own
        for document in documents:
            tries = f", replayed {count(document.tries, 'time')}" if document.tries else ""
            whole = "as a whole, " if document.whole else ""
            screen.line(f"{document.when:%Y-%m-%d %H:%M}  {document.source}{tries}", "bold")
            screen.line(f"  {whole}{reasons(document)}", "red")
            screen.line(f"  {document.name}", "dim")
        return
    headings = ("When (UTC)", "Source", "Records", "Tries", "Reasons", "Document")
    rows: list[Sequence[Cell]] = [
        (
            f"{document.when:%Y-%m-%d %H:%M}",
            document.source,
            "whole" if document.whole else f"{document.records:,}",
            f"{document.tries:,}" if document.tries else "",
            (reasons(document), "red"),
            document.name,
        )
        for document in documents
    ]
    screen.table(headings, rows, right=("Records", "Tries"))


def reasons(document: Document) -> str:
    """Reasons and how often, the most frequent first."""
    if document.whole:
        return ", ".join(document.reasons)
    return ", ".join(f"{reason} {count:,}" for reason, count in document.reasons.most_common())


def as_dict(document: Document) -> dict[str, Any]:
    """For programs."""
    return {
        "document": document.name,
        "time": document.when,
        "route": document.route,
        "kind": document.kind,
        "source": document.source,
        "records": None if document.whole else document.records,
        "reasons": dict(document.reasons),
        "tries": document.tries,
    }


def _json(documents: Sequence[Document]) -> str:
    answer = {
        "records": sum(document.records for document in documents),
        "sources_as_a_whole": sum(document.whole for document in documents),
        "documents": [as_dict(document) for document in documents],
    }
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n"
