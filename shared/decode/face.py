"""What the stages of a decoder hand to each other, and to who reads them.

Rule: nothing here reads a byte; every stage imports this module. Invariant: a
Member is closed by exactly one End, unless a DecodeError ends the whole source
first; members may stand inside one another (a zip in a zip), and their bytes
belong to the innermost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from ..errors import DecodeError


class Member(NamedTuple):
    """What comes next is a file of an archive: charset, header and format begin anew."""

    name: str
    """Its path in the archive, `/` between folders; archives inside one another are joined the same way."""


class End(NamedTuple):
    """The innermost open member ends here."""

    name: str
    error: DecodeError | None = None
    """Why it goes no further, where it did not end as it should. Others may follow."""


Mark = Member | End
Piece = bytes | Mark


class Stage(Protocol):
    """Bytes in, bytes out.

    Both methods are generators: nothing happens until they are drained, and each
    must be drained before the next call.
    """

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take the next bytes; give what they decode to.

        Raises:
            DecodeError: the bytes go no further; all that could be decoded was given before it.
        """
        ...

    def flush(self) -> Iterator[bytes]:
        """The input has ended; give what is left.

        Raises:
            DecodeError: the compressed bytes stop in the middle.
        """
        ...


class Unpack(Protocol):
    """One compression undone: as `Stage`, but for the files of an archive there are marks between the bytes.

    What it gives may be cut small, and over OUTPUT_CHUNK never; it is fed pieces of
    INPUT_PIECE bytes (the last may be shorter) and nothing more after an error.
    """

    @property
    def taken(self) -> int:
        """Compressed bytes that are done with, about: where in them the output comes from."""
        ...

    def feed(self, data: bytes) -> Iterator[Piece]:
        """As `Stage.feed`."""
        ...

    def flush(self) -> Iterator[Piece]:
        """As `Stage.flush`."""
        ...


class Decoder(Protocol):
    """Bytes as they are stored in; UTF-8 bytes out, and marks where there are several files."""

    @property
    def transparent(self) -> bool:
        """Whether an offset into what came out so far is the same offset into what went in."""
        ...

    def feed(self, data: bytes) -> Iterator[Piece]:
        """As `Stage.feed`."""
        ...

    def flush(self) -> Iterator[Piece]:
        """As `Stage.flush`."""
        ...
