"""`logferry deadletters replay --dry-run`: what would become of each record.

Rule: the rooms are the app's own (again.py), with the routes file that is at hand.
Invariant: every record is in one of the figures; nothing is sent, nothing is written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from .. import again
from ..ledger.deadletter import Line, rejects_of
from ..pipeline import Limits, json_route
from ..routes import Route, Routes, load
from .bar import steps
from .deadletters_find import Document, Wanted, find, nothing, read, where
from .explain import count
from .local import find as find_local
from .show import Show
from .storage import Place

_SHOWN = 10
"""Reasons with their details, of a route."""
_ALIKE = 3


@dataclass(slots=True)
class _Found:
    """What would become of one route's records."""

    records: int = 0
    rows: int = 0
    filtered: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    whole: int = 0
    places: dict[tuple[str, str], list[Line]] = field(default_factory=dict)
    """The first ones that would be rejected, by reason and detail; few of each, so that others are seen."""
    shown: int = 0
    """Records that `places` stands for."""

    def reject(self, line: Line, reason: str, detail: str, records: int = 1) -> None:
        """Count what would be rejected again, and keep an example."""
        self.rejected[reason] += records
        if (reason, detail) not in self.places and len(self.places) >= _SHOWN:
            return
        alike = self.places.setdefault((reason, detail), [])
        if len(alike) < (_ALIKE if records == 1 else 1):
            alike.append(line)
            self.shown += records


def dry(place: Place, wanted: Wanted, file: Path | None, *, as_json: bool) -> bool:
    """Say what would become of the records that are meant; whether none would stay. Raises Trouble."""
    routes = load(file or _routes_file(place))
    found: dict[str, _Found] = {}
    screen, documents = Show(), list(find(place, wanted))
    with steps("Trying", len(documents), shown=screen.pretty and not as_json) as tried:
        for document in documents:
            lines = read(place, document)
            meant = [line for line in lines[1] if wanted.reason in {"", line.reason}] if lines else []
            if lines is not None:
                _try(found, routes, document, meant)
            tried()
    if as_json:
        screen.raw(_json(found))
    elif not found:
        nothing(screen, place, wanted)
    else:
        _page(screen, found)
    return not any(one.rejected for one in found.values())


def _routes_file(place: Place) -> Path:
    return find_local().routes if place.where == "local Azure" else Path("routes.yaml")


def _try(found: dict[str, _Found], routes: Routes, document: Document, lines: list[Line]) -> None:
    one = found.setdefault(document.route, _Found())
    if not lines:
        return
    if lines[0].whole:
        one.whole += 1
        return
    one.records += len(lines)
    route = routes.by_name.get(lines[0].route)
    if route is None:
        there = ", ".join(routes.by_name)
        detail = f"there is no route {lines[0].route!r}; there are: {there}"
        one.reject(lines[0], "NoRoute", detail, len(lines))
        return
    _taken(one, route, lines)


def _taken(one: _Found, route: Route, lines: list[Line]) -> None:
    route = json_route(route, None) if lines[0].kind == "message" else route
    limits = Limits(salt=b"made up, for a dry run only")
    rooms = again.made(route, rejects_of(lines), lines[0].facts, limits)
    rejects = []
    for rows in rooms.rows(()):
        one.rows += len(rows.ordinals)
        one.filtered += len(rows.filtered)
        rejects += rows.rejects
    _, back = rooms.outcome(rejects, len(lines))
    for index, reject in back:
        one.reject(lines[index], reject.reason, reject.detail)


def _page(show: Show, found: dict[str, _Found]) -> None:
    headings = ("Route", "Records", "Rows", "Filtered", "Rejected again", "Taken as a whole")
    rows = [
        (
            name,
            f"{one.records:,}",
            (f"{one.rows:,}", "green" if one.rows else ""),
            f"{one.filtered:,}",
            (f"{one.rejected.total():,}", "red" if one.rejected else ""),
            f"{one.whole:,}",
        )
        for name, one in found.items()
    ]
    show.table(headings, rows, right=headings[1:])
    for name, one in found.items():
        if one.places:
            show.heading(f"{name}: would stay")
            show.table(
                ("Source", "Where", "Reason", "Detail"),
                [
                    (line.source, where(line), (reason, "red"), detail)
                    for (reason, detail), lines in one.places.items()
                    for line in lines
                ],
            )
        more = one.rejected.total() - one.shown
        if more > 0 and "NoRoute" not in one.rejected:
            show.line(f"... and {count(more, 'more record')}.", "dim")
    show.line()
    show.line("Nothing was sent.", "bold")


def _json(found: dict[str, _Found]) -> str:
    def one(name: str, route: _Found) -> dict[str, Any]:
        return {
            "route": name,
            "records": route.records,
            "rows": route.rows,
            "filtered": route.filtered,
            "rejected": dict(route.rejected),
            "whole": route.whole,
            "examples": [
                {
                    "source": line.source,
                    "ordinal": line.ordinal,
                    "line": line.line,
                    "reason": reason,
                    "detail": detail,
                }
                for (reason, detail), lines in route.places.items()
                for line in lines
            ],
        }

    answer = [one(name, route) for name, route in found.items()]
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n"
