"""Who works on a source, and how far it is.

Rule: one worker at a time has the claim on a source; it holds as long as the entry
keeps being written, and a claim that shows no sign of life may be taken over.
Invariants: every write is conditional on the writer's own last one, so a worker
that lost its claim cannot write (ClaimLost), whatever its clock says; a version
that is done is not begun again; progress of one version is never carried over to
another, but for an append blob that has only grown.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import msgspec

from ..errors import ClaimLost, SourceBusy
from ..model import Counts, Position
from .entry import Entry, State, parse
from .store import Conflict, Store, Stored, name_of

PREFIX = "blobs/"


class Claim:
    """The right to work on a source, and its entry. One thread at a time may write."""

    def __init__(self, store: Store, name: str, entry: Entry, etag: str) -> None:
        self.entry = entry
        self._store = store
        self._name = name
        self._etag = etag
        self._owner = entry.owner

    def save(self, position: Position, counts: Counts, *, seekable: bool) -> None:
        """Write a checkpoint, which is a sign of life as well.

        Raises:
            ClaimLost: another worker has taken over.
            ServiceUnavailable: it could not be written.
        """
        entry = self.entry
        if position.ordinal > entry.position.ordinal:
            entry.crashes = 0
        entry.position, entry.counts, entry.seekable = position, counts, seekable
        self._write()

    def finish(self, state: State, reason: str = "") -> None:
        """Write the last entry of this run. Raises as `save` does."""
        entry = self.entry
        entry.state, entry.reason, entry.owner = state, reason, ""
        if state == "deferred":
            entry.deferred_since = entry.deferred_since or self._store.now()
        else:
            entry.deferred_since = 0.0
        self._write()

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

    def claim(self, fresh: Entry, *, grows: bool = False) -> Claim | None:
        """Take a source, or learn that it is done.

        Args:
            fresh: the entry to begin with, if this version is new.
            grows: whether a larger version continues a smaller one (an append blob).

        Returns:
            The claim, or None if this version is done.

        Raises:
            SourceBusy: another worker shows signs of life.
            ServiceUnavailable: the ledger cannot be reached.
        """
        name = name_of(PREFIX, fresh.source)
        for _ in range(5):
            stored = self._store.read(name)
            if stored is not None and self._is_settled(stored, fresh):
                return None
            try:
                return self._take(name, stored, fresh, grows=grows)
            except Conflict:
                continue  # somebody was faster; look again
        raise SourceBusy(f"{fresh.source}: many workers want it at once")

    def _is_settled(self, stored: Stored, fresh: Entry) -> bool:
        entry = parse(stored.document)
        same = entry.version == fresh.version
        if same and entry.state == "done":
            return True
        if same and entry.state in {"dead", "unrouted"} and entry.route == fresh.route:
            return True
        if entry.state == "running" and stored.age < self._claim_seconds:
            raise SourceBusy(f"{fresh.source}: another worker is on it")
        return False

    def _take(self, name: str, stored: Stored | None, fresh: Entry, *, grows: bool) -> Claim:
        entry = fresh if stored is None else _continued(parse(stored.document), fresh, grows=grows)
        entry.state, entry.owner, entry.updated = "running", uuid.uuid4().hex, _now_text()
        entry.attempts += 1
        document, tags = entry.dump(), metadata(entry)
        if stored is None:
            etag = self._store.create(name, document, tags)
        else:
            etag = self._store.replace(name, document, tags, stored.etag)
        return Claim(self._store, name, entry, etag)


def _continued(old: Entry, fresh: Entry, *, grows: bool) -> Entry:
    if old.version == fresh.version and old.route == fresh.route:
        old.crashes += old.state == "running"
        return old
    if grows and old.route == fresh.route and fresh.size >= old.size:
        return msgspec.structs.replace(old, version=fresh.version, size=fresh.size)
    return fresh


def metadata(entry: Entry) -> dict[str, str]:
    """What a listing shows of an entry."""
    return {"state": entry.state, "version": entry.version, "route": entry.route}


def _now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
