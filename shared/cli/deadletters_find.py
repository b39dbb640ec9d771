"""Which documents of the dead letter are meant.

Rule: everything is told from a listing and its metadata; nothing is downloaded to
find something. Invariant: traces of replays are no documents.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from ..ledger.deadletter import DOCUMENT, Line, parse, read_tags
from ..ledger.store import Listed, Stored
from .local import Trouble
from .show import Show
from .storage import Place, reached

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
NOBODY = "none"
"""How documents of sources that no route took are listed."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document, as a listing tells of it."""

    name: str
    when: datetime
    """When its oldest record was written down, UTC."""
    route: str
    kind: str
    source: str
    records: int
    """0 for a source as a whole."""
    reasons: Counter[str]
    tries: int

    @property
    def whole(self) -> bool:
        """Whether it is a source as a whole."""
        return self.records == 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command was asked for."""

    names: tuple[str, ...] = ()
    route: str = ""
    source: str = ""
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 0

    @classmethod
    def of(
        cls,
        names: Sequence[str] | None,
        route: str,
        source: str,
        reason: str,
        since: str,
        until: str,
        limit: int,
    ) -> Wanted:
        """From the options. Raises Trouble."""
        return cls(tuple(names or ()), route, source, reason, moment(since), moment(until), limit)

    @property
    def says_something(self) -> bool:
        """Whether anything narrows it down."""
        return any((self.names, self.route, self.source, self.reason, self.since, self.until))

    def takes(self, document: Document) -> bool:
        """Whether a document is meant."""
        path = document.source.partition("/")[2]
        return (
            (not self.route or document.route == self.route)
            and (not self.reason or self.reason in document.reasons)
            and (not self.source or any(fnmatchcase(text, self.source) for text in (document.source, path)))
            and (self.since is None or document.when >= self.since)
            and (self.until is None or document.when < self.until)
        )


def moment(text: str, now: datetime | None = None) -> datetime | None:
    """A point in time, UTC: a date, a time, or so long ago; None for nothing said.

    Raises:
        Trouble: it is none of these.
    """
    if not text:
        return None
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Trouble(
            f"{text} is no time; write 2026-11-20, 2026-11-20T06:00, or 2d, 3h, 30m for so long ago."
        ) from None


def find(place: Place, wanted: Wanted) -> Iterator[Document]:
    """The documents that are meant, by name. Raises Trouble."""
    left = wanted.limit or -1
    prefixes = wanted.names or (f"{wanted.route}/" if wanted.route else "",)
    seen: set[str] = set()
    for prefix in prefixes:
        with reached(place):
            for row in place.dead_letter.listing(prefix):
                if not row.name.endswith(DOCUMENT) or row.name in seen:
                    continue
                seen.add(row.name)
                document = _document(row)
                if wanted.takes(document):
                    yield document
                    left -= 1
                    if left == 0:
                        return


def _document(row: Listed) -> Document:
    tags = read_tags(row.metadata)
    pairs = [
        pair.rpartition("=") for pair in tags.get("reasons", "").removesuffix("...").split(",") if "=" in pair
    ]
    records = tags.get("records", "")
    return Document(
        name=row.name,
        when=_when(tags.get("time", ""), row.modified),
        route=tags.get("route") or row.name.partition("/")[0],
        kind=tags.get("kind", ""),
        source=tags.get("source", ""),
        records=int(records) if records.isdigit() else 0,
        reasons=Counter({reason: int(count) for reason, _, count in pairs if count.isdigit()}),
        tries=int(tags["tries"]) if tags.get("tries", "").isdigit() else 0,
    )


def _when(text: str, modified: float) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(modified, UTC)


def read(place: Place, document: Document) -> tuple[Stored, list[Line]] | None:
    """A document and its lines; None if it is gone meanwhile.

    Raises:
        Trouble: it is none, or the service says no.
    """
    with reached(place):
        stored = place.dead_letter.read(document.name)
    if stored is None:
        return None
    try:
        return stored, parse(stored.document)
    except ValueError as error:
        raise Trouble(f"{document.name}: {error}") from error


def where(line: Line) -> str:
    """A record's place in its source, for people."""
    if line.ordinal is None:
        return "as a whole"
    if line.line is not None:
        return f"line {line.line:,}"
    return f"record {line.ordinal + 1:,}"


def nothing(screen: Show, place: Place, wanted: Wanted) -> None:
    """Say that nothing matches; where it may be the route's name, which routes there are."""
    narrow = " that matches" if wanted.says_something else ""
    screen.line(f"Nothing{narrow} is in the dead letter of {place.where}.", "green")
    if not wanted.route:
        return
    routes = {document.route for document in find(place, Wanted())}
    if routes and wanted.route not in routes:
        said = f"There is nothing of a route {wanted.route}; there is of: {', '.join(sorted(routes))}."
        screen.prose(said, "yellow")


def total(documents: Sequence[Document]) -> str:
    """How much that is, in words."""
    from .explain import count  # noqa: PLC0415 - it knows all of routes.yaml

    records = sum(document.records for document in documents)
    whole = sum(document.whole for document in documents)
    parts = [count(records, "record")] if records or not whole else []
    parts += [f"{count(whole, 'source')} as a whole"] if whole else []
    sources = len({document.source for document in documents})
    return f"{' and '.join(parts)} in {count(len(documents), 'document')}, of {count(sources, 'source')}"
