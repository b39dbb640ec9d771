"""What the app's storage says of its work: the ledger, what is put aside, queues, the dead letter.

Rule: nothing is written, and nothing is read but listings and the entries of the few
sources that are shown; a listing has each entry's state and counts beside its name.
Invariant: memory does not grow with the number of entries. A state or a field that is
not known here is shown as it is, or left out; it stops nothing.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, get_args

import msgspec

from ..ledger.claims import PREFIX, parts_of
from ..ledger.deadletter import read_tags
from ..ledger.entry import State
from ..ledger.store import Listed, guarded
from ..model import Counts
from ..routes.match import matches
from .storage import Place

DAY = 86_400.0
QUIET = 1_800.0
"""Seconds; work that is not touched for so long was left behind, and the sweep has not found it either."""

STATES = frozenset(get_args(State))
"""What one can ask for; any other, of a later version, is shown nonetheless."""
OPEN = ("running", "split", "deferred")
"""States of sources that somebody goes on with."""

_BEATS = frozenset({"running", "deferred"})
"""States in which an entry is written again and again."""
_READERS = 8
_HELD = "held/"
_HELD_ROWS = "held/audit/"
_REPLAYED = "replayed/"


@dataclass(slots=True)
class Wanted:
    """Which sources, and how many of each state are shown."""

    routes: Sequence[str] = ()
    states: Sequence[str] = ()
    source: str = ""
    """A glob of paths below the drop container, or of container/path; "" for all."""
    rows: int = 20


@dataclass(slots=True)
class Row:
    """One source."""

    source: str
    route: str
    state: str
    written: float
    """Epoch seconds: when its entry was last written, which is its last sign of life."""
    name: str
    """Of its entry."""
    entry: dict[str, Any] = field(default_factory=dict)
    """The entry; empty if it is gone by now, or cannot be read."""
    parts: Counter[str] = field(default_factory=Counter)
    """Of a source that was cut in parts: how many parts are in which state."""


@dataclass(slots=True)
class Tally:
    """The sources of one route."""

    states: Counter[str] = field(default_factory=Counter)
    day: int = 0
    """Sources that were done in the last 24 hours."""
    counts: Counts = field(default_factory=Counts)
    """Of these."""
    dead_records: int = 0
    """Records that lie in the dead letter."""
    dead_sources: int = 0
    """Sources that lie there as a whole."""


@dataclass(slots=True)
class Status:
    """Everything, at one moment."""

    where: str
    at: float
    states: Counter[str] = field(default_factory=Counter)
    routes: dict[str, Tally] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    """By state, those that matter most first."""
    quiet: Counter[str] = field(default_factory=Counter)
    """Sources that somebody should be on and nobody is, by state."""
    uncounted: int = 0
    """Sources done in the last 24 hours whose entry's listing has no counts: an older version wrote it."""
    messages: int = 0
    """Messages that are put aside."""
    audit_rows: int = 0
    """Audit rows that are."""
    held_since: float = 0.0
    """Epoch seconds: the one among both that was touched longest ago."""
    queues: dict[str, int] = field(default_factory=dict)
    """Messages on each queue that there is; those that are not to be seen yet included."""

    def of(self, route: str) -> Tally:
        """The tally of a route."""
        return self.routes.setdefault(route, Tally())


def read(place: Place, wanted: Wanted) -> Status:
    """Everything as it is now. Raises ServiceUnavailable."""
    status = Status(place.where, time.time())
    kept: dict[str, list[tuple[float, str, Listed]]] = {}
    for listed in _entries(place, wanted):
        _count(status, listed)
        _keep(kept, listed, wanted)
    status.rows = {state: _rows(found) for state, found in kept.items()}
    _details(place, [row for rows in status.rows.values() for row in rows])
    _held(place, status)
    _dead_letter(place, status, wanted)
    status.queues = _queues(place)
    return status


# -- the ledger -----------------------------------------------------------------------------------


def _entries(place: Place, wanted: Wanted) -> Iterator[Listed]:
    glob = _glob(place, wanted.source)
    for listed in place.state.listing(PREFIX + _fixed(glob)):
        tags = listed.metadata
        if wanted.routes and (tags.get("route") or "") not in wanted.routes:
            continue
        if wanted.states and (tags.get("state") or "") not in wanted.states:
            continue
        if glob and not matches(listed.name.removeprefix(PREFIX), (glob,)):
            continue
        yield listed


def _glob(place: Place, source: str) -> str:
    """A glob of container/path."""
    containers = {place.names.drop_container, *place.names.allowed_containers}
    if not source or source.partition("/")[0] in containers:
        return source
    return f"{place.names.drop_container}/{source}"


def _fixed(glob: str) -> str:
    """What every name begins with that a glob matches."""
    ends = [glob.find(sign) for sign in "*?[{\\!+@(" if sign in glob]
    return glob[: min(ends)] if ends else glob


def _count(status: Status, listed: Listed) -> None:
    state = listed.metadata.get("state") or "unknown"
    tally = status.of(listed.metadata.get("route") or "")
    age = status.at - listed.modified
    status.states[state] += 1
    tally.states[state] += 1
    if state in _BEATS and age > QUIET:
        status.quiet[state] += 1
    if state != "done" or age > DAY:
        return
    tally.day += 1
    try:
        numbers = [int(text) for text in listed.metadata["counts"].split(",")]
        tally.counts.read += numbers[0]
        tally.counts.accepted += numbers[1]
        tally.counts.filtered += numbers[2]
        tally.counts.dead_lettered += numbers[3]
    except (KeyError, ValueError, IndexError):
        status.uncounted += 1


def _keep(kept: dict[str, list[tuple[float, str, Listed]]], listed: Listed, wanted: Wanted) -> None:
    """The few of each state that are shown: of open ones the longest untouched, of others the latest."""
    state = listed.metadata.get("state") or "unknown"
    if not wanted.rows or (state == "done" and "done" not in wanted.states):
        return
    heap = kept.setdefault(state, [])
    rank = -listed.modified if state in OPEN else listed.modified
    if len(heap) < wanted.rows:
        heapq.heappush(heap, (rank, listed.name, listed))
    elif rank > heap[0][0]:
        heapq.heapreplace(heap, (rank, listed.name, listed))


def _rows(heap: Iterable[tuple[float, str, Listed]]) -> list[Row]:
    return [
        Row(
            source=listed.name.removeprefix(PREFIX),
            route=listed.metadata.get("route") or "",
            state=listed.metadata.get("state") or "unknown",
            written=listed.modified,
            name=listed.name,
        )
        for _, _, listed in sorted(heap, key=lambda found: (-found[0], found[1]))
    ]


def _details(place: Place, rows: Sequence[Row]) -> None:
    """Read the entries of the rows that are shown, several at once."""
    if not rows:
        return
    with ThreadPoolExecutor(_READERS, "logferry-status") as pool:
        list(pool.map(lambda row: _detail(place, row), rows))


def _detail(place: Place, row: Row) -> None:
    stored = place.state.read(row.name)
    if stored is None:
        return
    try:
        row.entry = msgspec.json.decode(stored.document, type=dict[str, Any])
    except msgspec.DecodeError:
        return
    row.source = str(row.entry.get("source", row.source))  # a long name is cut in the listing
    if row.state == "split":
        _read_parts(place, row)


def _read_parts(place: Place, row: Row) -> None:
    """The parts of a source, which have the signs of life; one that nobody has taken has no entry yet."""
    prefix = parts_of(row.source, *(str(row.entry.get(key, "")) for key in ("version", "route")))
    for listed in place.state.listing(prefix):
        row.parts[listed.metadata.get("state") or "unknown"] += 1
        row.written = max(row.written, listed.modified)


# -- everything else ------------------------------------------------------------------------------


def _held(place: Place, status: Status) -> None:
    for listed in place.state.listing(_HELD):
        if listed.name.startswith(_HELD_ROWS):
            status.audit_rows += 1
        else:
            status.messages += 1
        status.held_since = min(status.held_since or listed.modified, listed.modified)


def _dead_letter(place: Place, status: Status, wanted: Wanted) -> None:
    glob = _glob(place, wanted.source)
    for listed in place.dead_letter.listing(""):
        route = listed.name.partition("/")[0]
        if listed.name.startswith(_REPLAYED) or (wanted.routes and route not in wanted.routes):
            continue
        if glob and not matches(read_tags(listed.metadata).get("source", ""), (glob,)):
            continue
        tally, records = status.of("" if route == "none" else route), listed.metadata.get("records") or ""
        if records.isdigit():
            tally.dead_records += int(records)
        else:
            tally.dead_sources += 1


def _queues(place: Place) -> dict[str, int]:
    from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

    names = [place.names.ingest_queue, place.names.work_queue]
    names += [f"{name}-poison" for name in names]
    found = {}
    for name in [*names, "webjobs-blobtrigger-poison"]:
        queue = place.storage.queues.get_queue_client(name)
        try:
            properties = guarded(queue.get_queue_properties)
        except ResourceNotFoundError:
            continue
        found[name] = int(properties.approximate_message_count or 0)
    return found


def alarms(status: Status) -> list[str]:
    """What somebody has to look at: a sentence each. None of these mends itself."""
    found = []
    whole = sum(tally.dead_sources for tally in status.routes.values())
    if whole:
        found.append(f"{whole:,} in the dead letter as a whole: logferry deadletters list")
    for state, count in status.quiet.items():
        found.append(
            f"{count:,} {state} without a sign of life for over {QUIET / 60:.0f} minutes: is the app "
            "running, and its sweep?"
        )
    if status.held_since and status.at - status.held_since > 2 * QUIET:
        found.append(
            "What is put aside has not been tried for over an hour: is the app running, and its sweep?"
        )
    for queue, count in status.queues.items():
        if queue.endswith("-poison") and count:
            found.append(f"{count:,} on {queue}: the host gave up on them.")
    return found
