"""Who works on a source, and how far it is.

Rule: one worker at a time has the claim on a source; it holds as long as the entry
keeps being written, and a claim that shows no sign of life may be taken over.
Invariants: every write is conditional on the writer's own last one, so a worker
that lost its claim cannot write (ClaimLost), whatever its clock says; a version
that is done is not begun again; progress of one version is carried over to another
only where the caller has seen that the new one begins with the old one.
"""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec

from ..errors import ClaimLost, ServiceUnavailable, SourceBusy
from ..model import Counts, Position
from .entry import Entry, Marks, State, parse
from .store import Conflict, Listed, Store, Stored, name_of

PREFIX = "blobs/"
PARTS = "parts/"

Continues = Callable[[Entry], bool]
"""Whether a version that is new to the ledger goes on where this entry of an older one stopped."""


def _never(_: Entry) -> bool:
    return False


class Claim:
    """The right to work on a source, and its entry. One thread at a time may write."""

    def __init__(
        self, store: Store, name: str, entry: Entry, etag: str, survived: Callable[[str], None]
    ) -> None:
        self.entry = entry
        self._survived = survived
        self._store = store
        self._name = name
        self._etag = etag
        self._owner = entry.owner
        self.saved = entry.position
        """What the ledger says of the position, whatever is not written yet."""

    def save(self, position: Position, counts: Counts, *, seekable: bool, marks: Marks | None = None) -> None:
        """Write a checkpoint, which is a sign of life as well.

        Args:
            position: how far the source is settled.
            counts: of the source so far.
            seekable: whether `position.offset` is one into the stored bytes.
            marks: what has been read; at least up to `position`.

        Raises:
            ClaimLost: another worker has taken over.
            ServiceUnavailable: it could not be written.
        """
        entry = self.entry
        if position.ordinal > entry.position.ordinal:
            entry.crashes, entry.failure = 0, ""
        entry.position, entry.counts, entry.seekable = position, counts, seekable
        entry.marks = marks or entry.marks
        self._write()
        self.saved = position

    def finish(self, state: State, reason: str = "") -> None:
        """Write the last entry of this run. Raises as `save` does."""
        entry = self.entry
        entry.state, entry.reason, entry.owner = state, reason, ""
        if state == "deferred":
            entry.deferred_since = entry.deferred_since or self._store.now()
        else:
            entry.deferred_since = 0.0
        try:
            self._write()
        except ServiceUnavailable:
            self._survived(self._owner)
            raise

    def withdraw(self) -> None:
        """Take the entry away again, as if it had never been made. Raises ServiceUnavailable."""
        with contextlib.suppress(Conflict):  # it is somebody else's by now
            self._store.remove(self._name, self._etag)

    def _write(self) -> None:
        self.entry.updated = _now_text()
        document, tags = self.entry.dump(), metadata(self.entry)
        try:
            self._etag = self._store.replace(self._name, document, tags, self._etag)
        except Conflict:
            self._etag = self._after_conflict(document, tags)

    def _after_conflict(self, document: bytes, tags: dict[str, str]) -> str:
        """Our own write, if its answer was lost, looks like somebody else's: the owner in the entry tells."""
        lost = ClaimLost(f"{self.entry.source}: another worker has taken over")
        stored = self._store.read(self._name)
        if stored is None:
            raise lost
        if stored.document == document:
            return stored.etag
        if parse(stored.document).owner != self._owner:
            raise lost
        try:
            return self._store.replace(self._name, document, tags, stored.etag)
        except Conflict:
            raise lost from None


class Ledger:
    """Entries of blobs.

    Args:
        store: the state container.
        claim_seconds: after that long without a sign of life a claim may be taken over.
    """

    def __init__(self, store: Store, claim_seconds: float) -> None:
        self._store = store
        self._claim_seconds = claim_seconds
        self._survivors: set[str] = set()
        """Owners of claims that this process could not write an end of: no worker has died of them."""

    def claim(self, fresh: Entry, continues: Continues = _never, *, new: bool = False) -> Claim | Entry:
        """Take a source, or a part of one, or learn that there is nothing to take.

        Args:
            fresh: the entry to begin with, if this version is new.
            continues: asked about the entry of another version.
            new: whether the source is expected to have none; a request is saved where that is true.

        Returns:
            The claim; or the entry as it stands, if this version is done, dead or cut in parts.

        Raises:
            SourceBusy: another worker shows signs of life.
            ServiceUnavailable: the ledger cannot be reached.
        """
        name = entry_name(fresh)
        stored = None if new else self._store.read(name)
        for _ in range(5):
            if stored is not None and (settled := self._settled(stored, fresh)):
                return settled
            entry = self._begun(stored, fresh, continues)
            etag, stored = self._put(name, entry, stored)
            if etag:
                return Claim(self._store, name, entry, etag, self._survivors.add)
        raise SourceBusy(f"{fresh.source}: many workers want it at once")

    def read(self, source: str) -> Entry | None:
        """The entry of a source as it is now. Raises ServiceUnavailable."""
        stored = self._store.read(name_of(PREFIX, source))
        return None if stored is None else parse(stored.document)

    def _settled(self, stored: Stored, fresh: Entry) -> Entry | None:
        entry = parse(stored.document)
        same = entry.version == fresh.version
        if same and entry.state in {"done", "split"}:
            return entry
        if same and entry.state in {"dead", "unrouted"} and entry.route == fresh.route:
            return entry
        if entry.state == "running" and stored.age < self._claim_seconds:
            raise SourceBusy(f"{fresh.source}: another worker is on it")
        return None

    def _begun(self, stored: Stored | None, fresh: Entry, continues: Continues) -> Entry:
        """The entry with which work begins, or goes on."""
        old = None if stored is None else parse(stored.document)
        entry = msgspec.structs.replace(fresh if old is None else self._continued(old, fresh, continues))
        entry.state, entry.owner, entry.updated = "running", uuid.uuid4().hex, _now_text()
        entry.attempts += 1
        return entry

    def _put(self, name: str, entry: Entry, over: Stored | None) -> tuple[str, Stored | None]:
        """The ETag of the entry as written; none, and what is there instead, if somebody was faster."""
        document, tags = entry.dump(), metadata(entry)
        try:
            if over is None:
                return self._store.create(name, document, tags), None
            return self._store.replace(name, document, tags, over.etag), None
        except Conflict:
            stored = self._store.read(name)
        if stored is not None and stored.document == document:  # ours: only its answer was lost
            return stored.etag, None
        return "", stored

    def _continued(self, old: Entry, fresh: Entry, continues: Continues) -> Entry:
        died = old.state == "running" and old.owner not in self._survivors
        self._survivors.discard(old.owner)
        return _continued(old, fresh, continues, died=died)

    # -- sources that were cut in parts ---------------------------------------------------------

    def parts(self, parent: Entry) -> Iterator[Listed]:
        """The parts of a source that anybody has taken so far, in order. Raises ServiceUnavailable."""
        return self._store.listing(_parts_of(parent))

    def part(self, row: Listed) -> Entry | None:
        """The entry of a row of `parts`. Raises ServiceUnavailable."""
        stored = self._store.read(row.name)
        return None if stored is None else parse(stored.document)

    def amend(self, seen: Entry, change: Callable[[Entry], None]) -> Entry | None:
        """Change an entry that nobody has a claim on.

        Args:
            seen: the entry as it was read; it must still have this version and this state.
            change: puts into the entry what is to be written.

        Returns:
            The entry as written; None if somebody else was faster.

        Raises:
            ServiceUnavailable: the ledger cannot be reached.
        """
        name, entry, written = entry_name(seen), seen, b""
        for _ in range(5):
            stored = self._store.read(name)
            if stored is None:
                return None
            if stored.document == written:  # only the answer was lost
                return entry
            entry = parse(stored.document)
            if (entry.version, entry.state) != (seen.version, seen.state):
                return None
            change(entry)
            entry.updated = _now_text()
            written = entry.dump()
            with contextlib.suppress(Conflict):  # then what is there instead is looked at
                self._store.replace(name, written, metadata(entry), stored.etag)
                return entry
        return None

    def forget_parts(self, parent: Entry) -> None:
        """Remove the entries of a closed source's parts. Raises ServiceUnavailable."""
        for row in list(self.parts(parent)):
            self._store.remove(row.name)


def entry_name(entry: Entry) -> str:
    """Where an entry is kept: under the blob's own path; a part's under a hash, with its number."""
    if entry.part < 0:
        return name_of(PREFIX, entry.source)
    return f"{_parts_of(entry)}{entry.part:06d}"


def _parts_of(entry: Entry) -> str:
    return parts_of(entry.source, entry.version, entry.route)


def parts_of(source: str, version: str, route: str) -> str:
    """What the names of the entries of a source's parts begin with."""
    key = hashlib.sha256(f"{source}\n{version}\n{route}".encode()).hexdigest()[:24]
    return f"{PARTS}{key}/"


def _continued(old: Entry, fresh: Entry, continues: Continues, *, died: bool) -> Entry:
    same = old.version == fresh.version
    if not (same or continues(old)) or old.route != fresh.route:
        return fresh
    old.crashes += died
    if same:
        return old
    if old.state != "running":  # what a dead worker wrote of rejects is found again by the day of receipt
        old.received = fresh.received
    first = old.first or old.version
    changes = {"version": fresh.version, "size": fresh.size, "modified": fresh.modified}
    return msgspec.structs.replace(old, first=first, parts=[], **changes)


def metadata(entry: Entry) -> dict[str, str]:
    """What a listing shows of an entry: enough to find what was left behind, and to sum up."""
    counts = entry.counts
    numbers = (counts.read, counts.accepted, counts.filtered, counts.dead_lettered)
    return {
        "state": entry.state,
        "version": entry.version,
        "route": entry.route,
        "counts": ",".join(map(str, numbers)),
    }


def _now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
