"""What was put in, and what is due of it.

Rule: a source knows its records by their ids; where they land is the verdict's to see.
Invariant: every id is in one of `accepted`, `filtered` and `bad`, or, of a version
that was replaced, in `maybe` or `maybe_bad`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

from tests.crash.records import Made
from tests.crash.stage import PART_BYTES, Stage


class Torn(NamedTuple):
    """A line that was appended without its end."""

    identity: str
    rest: bytes
    is_whole: bool
    """Whether nothing but the newline is missing."""


@dataclass(slots=True)
class Source:
    """A file or a message, and what is due."""

    key: str
    """First part of its records' ids."""
    kind: str = ""
    name: str = ""
    """Path in the drop container, or the queue's id of the message."""
    is_message: bool = False
    accepted: list[str] = field(default_factory=list)
    filtered: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    whole: bool = False
    """Whether it is dead as a whole: a message that is none of the forms, or that the host gave up."""
    grows: int = 0
    """How many more times it will grow, or be replaced."""
    next: int = 0
    """Number of its next record."""
    torn: Torn | None = None
    torn_at: float = 0.0
    """Monotonic seconds: when it was last appended to."""
    data: bytes = b""
    """Of a blob that is rewritten: what it is now."""
    offsets: dict[str, int] = field(default_factory=dict)
    """Where the lines of a blob that is cut in parts begin."""
    maybe: set[str] = field(default_factory=set)
    """Rows of versions that were replaced: there, or not."""
    maybe_bad: set[str] = field(default_factory=set)
    old_parts: int = 1
    """Into how many parts a version that was replaced may have been cut."""
    poison: bool = False
    replays: Made | None = None
    """Of a message that the host gave up: what becomes of it in a replay."""

    def expect(self, made: Made) -> None:
        """More records of it."""
        self.accepted += made.accepted
        self.filtered += made.filtered
        self.bad += made.bad
        self.next += len(made.accepted) + len(made.filtered) + len(made.bad)

    @property
    def read(self) -> int:
        """How many records it has."""
        return len(self.accepted) + len(self.filtered) + len(self.bad)

    @property
    def must_be_replayed(self) -> bool:
        """Whether no document of it may be left in the end."""
        return self.kind == "mended" or (self.poison and not self.whole)

    def lay_out(self, made: Made) -> None:
        """Where its lines begin; the ids of their records are in the order of the lines."""
        ids = sorted([*made.accepted, *made.filtered, *made.bad])
        place = 0
        for identity, line in zip(ids, made.data.splitlines(keepends=True), strict=True):
            self.offsets[identity] = place
            place += len(line)

    def give_up(self) -> None:
        """The line that was torn is never ended: a record if only the newline is missing."""
        assert self.torn is not None
        if not self.torn.is_whole:
            for ids in (self.accepted, self.filtered):
                if self.torn.identity in ids:
                    ids.remove(self.torn.identity)
            self.bad.append(self.torn.identity)
        self.grows, self.torn = 0, None

    def replace(self) -> None:
        """All that there was is an old version's now."""
        self.maybe.update(self.accepted)
        self.maybe_bad.update(self.bad)
        if self.offsets:
            self.old_parts = max(self.old_parts, round(max(self.offsets.values()) / PART_BYTES) + 1)
        self.accepted, self.filtered, self.bad, self.offsets = [], [], [], {}

    def replayed(self) -> None:
        """A message that the host gave up is taken again after all."""
        if self.whole and self.replays is not None:
            made, self.whole, self.bad = self.replays, False, []
            self.accepted += made.accepted
            self.filtered += made.filtered


def length(queue: Any) -> int:
    """How many messages are on a queue, hidden ones included."""
    from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

    try:
        return int(queue.get_queue_properties().approximate_message_count or 0)
    except ResourceNotFoundError:
        return 0


def dead_documents(stage: Stage) -> Iterator[tuple[str, str]]:
    """Name and source of every document of the dead letter, from one listing."""
    if stage.dead.exists():
        for row in stage.dead.list_blobs(include=["metadata"]):
            if row.name.endswith(".ndjson") and not row.name.startswith("replayed/"):
                yield row.name, unquote((row.metadata or {}).get("source", ""))
