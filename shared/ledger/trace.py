"""What a replay did to a document of the dead letter.

Rule: one small document a run, beside the dead letter, that nobody writes over.
Invariant: it says which records went and which came back, by their ordinals, and
holds no record's content.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from ..audit import Result
from .deadletter import trace_prefix
from .store import Store


class Trace(msgspec.Struct, kw_only=True):
    """One run over a document."""

    document: str
    source: str
    version: str
    route: str
    outcome: Result
    by: str = ""
    time: str = ""
    read: int = 0
    accepted: int = 0
    filtered: int = 0
    dead_lettered: int = 0
    left: int = 0
    """Records that were not settled in this run, and stay in the document."""
    gone: str = ""
    """Ordinals of records that left the document: 0-5,7."""
    back: str = ""
    """Ordinals of records that were rejected again."""
    reason: str = ""

    def write(self, store: Store) -> str:
        """Write it to the dead-letter container; its name. Raises ServiceUnavailable."""
        now = datetime.now(UTC)
        self.time = now.isoformat(timespec="seconds").replace("+00:00", "Z")
        # A few digits more, so that two runs in the same moment have a trace each.
        name = f"{trace_prefix(self.document)}{now:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:6]}.json"
        store.put(name, msgspec.json.format(msgspec.json.encode(self), indent=2), {"outcome": self.outcome})
        return name


_decoder = msgspec.json.Decoder(Trace)
"""Made by the import, as in entry.py."""


def parse(document: bytes) -> Trace:
    """A trace from its document."""
    return _decoder.decode(document)


def ranges(ordinals: Sequence[int]) -> str:
    """Ascending numbers as text: `0-5,7`."""
    found: list[list[int]] = []
    for ordinal in ordinals:
        if found and found[-1][1] == ordinal - 1:
            found[-1][1] = ordinal
        else:
            found.append([ordinal, ordinal])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in found)
