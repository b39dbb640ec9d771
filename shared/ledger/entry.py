"""What is known of a source's progress, as it is written down.

Rule: an entry is a small JSON document that a person can read. Invariant: its
`position` covers accepted, filtered and dead-lettered records only.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ..model import Counts, Position

State = Literal["running", "deferred", "done", "dead", "unrouted"]


class Entry(msgspec.Struct, omit_defaults=True):
    """One source's entry in the ledger."""

    source: str
    """container/path."""
    version: str
    """The blob's ETag, without quotes."""
    size: int
    """Bytes of that version."""
    route: str
    state: State
    received: float
    """Epoch seconds: when work on this version began."""
    position: Position = Position()
    counts: Counts = msgspec.field(default_factory=Counts)
    seekable: bool = False
    """Whether `position.offset` is an offset into the stored bytes as well."""
    attempts: int = 0
    """How many invocations have worked on this version."""
    crashes: int = 0
    """How many workers disappeared without a word since the position last moved."""
    owner: str = ""
    reason: str = ""
    deferred_since: float = 0.0
    """Epoch seconds by the service's clock: when the present run of deferrals began; 0 when the last run got
    further."""
    updated: str = ""
    """UTC text, for readers; who is first is decided by the service's own clock."""

    def dump(self) -> bytes:
        """The document."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


def parse(document: bytes) -> Entry:
    """An entry from its document. Fields that a later version added are ignored."""
    return msgspec.json.decode(document, type=Entry)
