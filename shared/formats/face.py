"""What every format gives, and the limits that all of them keep.

Rule: nothing here reads a byte; the formats import this module, and the registry
in `formats/__init__.py` imports the formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from ..model import Block, Origin, Position

MAX_RECORD_BYTES = 4 * 1024 * 1024
"""A longer record can be no row (a post holds 1 MB); it is rejected without being held in memory."""

BLOCK_BYTES = 256 * 1024
"""How much input a block covers, about: small enough that one odd record slows little else."""

RAW_BYTES = 64 * 1024
"""How much of a record that is not held in memory a reject keeps."""


class Parser(Protocol):
    """What every format gives. Not thread-safe; one per run over a source.

    `feed` and `flush` are lazy: nothing is read until the iterator is drained, and
    each must be drained before the next call.
    """

    def feed(self, data: bytes) -> Iterator[Block]:
        """Take the next bytes; give the blocks that are complete."""
        ...

    def flush(self) -> Iterator[Block]:
        """The input has ended: give what is left, the unfinished last record included."""
        ...

    def complete(self) -> Iterator[Block]:
        """The input breaks off (it cannot be decompressed any further): give the records that are complete.

        What is left then is the record that the break cut in two; see `rest`.
        Nothing may be fed afterwards.
        """
        ...

    def rest(self) -> Origin:
        """The bytes that were fed and are in no block yet, at most their first MAX_RECORD_BYTES."""
        ...


class MakeParser(Protocol):
    """A format's constructor.

    Args:
        options: the route's `format`, an instance of the format's options Struct.
        start: where the bytes to come begin (`Position()` for a whole source).
        want: a msgspec type that records should be decoded to where they all fit
            (`Block.typed`); formats that are not JSON ignore it.
    """

    def __call__(self, options: Any, start: Position, want: type | None = None) -> Parser:
        """A parser for the bytes from `start` on."""
        ...


ParserFactory = Callable[..., Parser]


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """One row of the registry: all that the rest of Logferry knows of a format."""

    name: str
    """The `type` in routes.yaml."""
    options: type[msgspec.Struct]
    """Its other keys in routes.yaml; each field is documented with msgspec.Meta(description=...)."""
    make: MakeParser
    splittable: bool
    """Whether a parser can start after any newline, so that several workers can share one source."""
    summary: str
    """One line for the documentation."""
