"""Bytes in, records out.

Rule: a parser is fed UTF-8 bytes in chunks of any size and gives Blocks; what
cannot be a record becomes a typed Reject with its position and reason. It raises
nothing on any input. Invariants: how the input is cut into chunks never changes
the records, their ordinals or the rejects; one bad record costs one record; a
parser begun again at a Block's start gives that block's records again; memory is
bounded by MAX_RECORD_BYTES, not by the input.

A new format is one module with an options Struct (its tag is the name in
routes.yaml) and a parser class, one row in FORMATS, and one fixture folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from ..model import Block, Position

MAX_RECORD_BYTES = 4 * 1024 * 1024
"""A longer record can be no row (a post holds 1 MB); it is rejected without being held in memory."""

BLOCK_BYTES = 256 * 1024
"""How much input a block covers, about: small enough that one odd record slows little else."""


class Parser(Protocol):
    """What every format gives. Not thread-safe; one per run over a source."""

    def feed(self, data: bytes) -> Iterator[Block]:
        """Take the next bytes; give the blocks that are complete."""
        ...

    def flush(self) -> Iterator[Block]:
        """The input has ended: give what is left, the unfinished last record included."""
        ...


class MakeParser(Protocol):
    """A format's constructor.

    Args:
        options: the route's `format`, an instance of the format's options Struct.
        start: where the bytes to come begin (`Position()` for a whole source).
        want: a msgspec type that records should be decoded to where they all fit
            (`Block.typed`); formats that are not JSON ignore it.
    """

    def __call__(self, options: Any, start: Position, want: type | None = None) -> Parser: ...


ParserFactory = Callable[..., Parser]
