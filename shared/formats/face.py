"""What every format gives, and the limits that all of them keep.

Rule: nothing here reads a byte; the formats import this module, and the registry
in `formats/__init__.py` imports the formats.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

import msgspec

from ..model import Block, Origin, Position

MAX_RECORD_BYTES = 4 * 1024 * 1024
"""A longer record can be no row (a post holds 1 MB); it is rejected without being held in memory."""

BLOCK_BYTES = 96 * 1024
"""How much input a block covers, about: so much that its values stay in a processor's cache."""

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


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """One row of the registry: all that the rest of Logferry knows of a format.

    What a format is made of is imported when it is first asked for: a cold start
    pays for the formats of its routes and for no others.
    """

    name: str
    """The `type` in routes.yaml."""
    place: str
    """`module:Options:Parser` in this package. The options Struct has the format's other keys in
    routes.yaml, each documented with msgspec.Meta(description=...); its docstring is the format's
    page in the docs, the first line of it a summary."""
    lines: bool = False
    """Whether every line is a record by itself, whatever the options say; where that depends on them,
    they have a method `each_line`. See `splittable`."""
    text: bool = True
    """Whether the input is text in the route's charset; else its bytes are taken as they are."""

    def splittable(self, options: Any) -> bool:
        """Whether a parser can start after any newline, so that several workers can share one source."""
        each_line = getattr(options, "each_line", None)
        return self.lines or (each_line is not None and each_line())

    @property
    def options(self) -> type[msgspec.Struct]:
        """What a route may say of its input."""
        return cast("type[msgspec.Struct]", self._part(1))

    @property
    def make(self) -> MakeParser:
        """The parser's constructor."""
        return cast("MakeParser", self._part(2))

    @property
    def summary(self) -> str:
        """One line for the documentation."""
        return (self.options.__doc__ or "").strip().partition("\n")[0]

    def _part(self, index: int) -> Any:
        parts = self.place.split(":")
        return getattr(import_module(f".{parts[0]}", __package__), parts[index])
