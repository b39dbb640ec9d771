"""Small values for tests: blocks, rows, routes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from shared.model import Block, Origin, Position, Reject, Rows
from shared.routes import Route, loads

NOW = 1_795_500_000.0
"""2026-11-24T06:00:00Z, for tests that need a clock."""
FRESH = "2026-11-24T05:00:00Z"


def lines(records: Sequence[Any]) -> bytes:
    """Records as JSON lines."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def block(records: list[Any], *, base: int = 0, offset: int = 0, rejects: Sequence[int] = ()) -> Block:
    """A block of records; `rejects` are the places (0, 1, ...) of its span that hold no record."""
    span = len(records) + len(rejects)
    ordinals = [base + place for place in range(span) if place not in rejects]
    start = Position(offset=offset, base=base, line=base + 1, ordinal=base)

    def origin(index: int) -> Origin:
        return Origin(offset + index, ordinals[index] + 1, lines([records[index]])[:-1])

    bad = [
        Reject(base + place, offset, base + place + 1, "InvalidJson", "made up", b"{") for place in rejects
    ]
    return Block(start, records, ordinals, base + span, origin, bad)


def rows(records: list[Any], *, filtered: Sequence[int] = (), **options: Any) -> Rows:
    """A block's rows, unchanged; `filtered` are the indexes of records that a filter left out."""
    made = block(records, **options)
    kept = [index for index in range(len(records)) if index not in filtered]
    ordinals = [made.ordinals[index] for index in kept]
    out = [made.ordinals[index] for index in range(len(records)) if index in filtered]
    return Rows(lines([records[index] for index in kept]), ordinals, made, made.rejects, out)


def route(**parts: Any) -> Route:
    """One route; what is not given has the simplest value."""
    declared = {"from": {"blobs": ["**"]}, "format": {"type": "ndjson"}, "table": "Test_CL", **parts}
    return loads(json.dumps({"routes": {"test": declared}})).by_name["test"]
