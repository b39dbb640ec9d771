"""What is known of a source's progress, as it is written down.

Rule: an entry is a small JSON document that a person can read. Invariant: its
`position` covers accepted, filtered and dead-lettered records only.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ..model import Counts, Position

State = Literal["running", "deferred", "split", "done", "dead", "unrouted", "gone"]


class Marks(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was read of a blob, as hashes, so that a later version can be held against it.

    Hashes: the first 16 bytes of SHA-256, as hex digits. No content is kept.
    """

    end: int = 0
    """Bytes that had been read; 0 where nothing is known."""
    head: str = ""
    """Hash of the first `head_bytes` bytes."""
    head_bytes: int = 0
    tail: str = ""
    """Hash of the `tail_bytes` bytes before `end`."""
    tail_bytes: int = 0
    newline: bool = False
    """Whether the byte before `end` is a newline."""


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
    modified: float = 0.0
    """Epoch seconds: when this version was written, by the storage service's clock."""
    position: Position = Position()
    counts: Counts = msgspec.field(default_factory=Counts)
    seekable: bool = False
    """Whether `position.offset` is an offset into the stored bytes as well."""
    attempts: int = 0
    """How many invocations have worked on this version."""
    crashes: int = 0
    """How many workers died on it, or ended with an error nobody expected, since the position last moved."""
    failure: str = ""
    """The last error that nobody expected, by type and place, since the position last moved."""
    owner: str = ""
    reason: str = ""
    deferred_since: float = 0.0
    """Epoch seconds by the service's clock: when the present run of deferrals began; 0 when the last run got
    further."""
    marks: Marks = Marks()
    """What the runs so far have read."""
    parts: list[int] = []
    """Where the parts begin that it was cut into; empty for one that is read as a whole."""
    part: int = -1
    """Which part of its source this entry is about; -1 for the source itself."""
    audited: Counts | None = None
    """What rows in the audit table have counted already: more than nothing in a blob that has grown."""
    first: str = ""
    """Of a blob that has only grown: the version that its records are counted from."""
    updated: str = ""
    """UTC text, for readers; who is first is decided by the service's own clock."""

    def dump(self) -> bytes:
        """The document."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


# msgspec writes down what a type is when it is first used, and several threads that do so at once end the
# process (0.22). An import has a lock.
_decoder = msgspec.json.Decoder(Entry)


def parse(document: bytes) -> Entry:
    """An entry from its document. Fields that a later version added are ignored."""
    return _decoder.decode(document)
