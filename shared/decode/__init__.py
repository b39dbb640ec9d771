"""Bytes in, bytes out: compression by magic number, then charset to UTF-8.

Rule: a decoder is fed chunks of any size and gives chunks of at most
`OUTPUT_CHUNK` bytes, so memory stays flat whatever the ratio; between the files of
an archive it gives marks. It raises DecodeError with the offset where the bytes go
no further, and nothing else. Invariants: what was given before an error stands;
how the input is cut into chunks changes nothing: not the joined output, nor the
marks, nor the error.

Strategy: stages in a row, each a generator: sniff (which compression is it?),
decompress, both once more, transcode. A new compression is one class beside
`GzipDecoder` and one row in COMPRESSIONS; a new charset is one row in CHARSETS.

What is not done: UTF-16 is not guessed, a route names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .charset import CHARSETS, make_charset
from .compression import COMPRESSIONS, Sniffer
from .face import Decoder, End, Mark, Member, Piece, Stage
from .limits import (
    LAYERS,
    MAX_MEMBERS,
    MAX_OUTPUT,
    MAX_RATIO,
    MAX_WINDOW,
    OUTPUT_CHUNK,
    RATIO_GRACE,
    Caps,
    Meter,
)

__all__ = [
    "CHARSETS",
    "COMPRESSIONS",
    "LAYERS",
    "MAX_MEMBERS",
    "MAX_OUTPUT",
    "MAX_RATIO",
    "MAX_WINDOW",
    "OUTPUT_CHUNK",
    "RATIO_GRACE",
    "Caps",
    "Decoder",
    "End",
    "Mark",
    "Member",
    "Piece",
    "Stage",
    "make_decoder",
    "skip",
]


class _Chain:
    """Decompress, then transcode; each file of an archive by itself."""

    def __init__(self, first: Sniffer, second: Stage, again: Callable[[], Stage]) -> None:
        self._first = first
        self._second = second
        self._again = again

    @property
    def transparent(self) -> bool:
        return self._first.transparent and getattr(self._second, "transparent", False)

    def feed(self, data: bytes) -> Iterator[Piece]:
        for piece in self._first.feed(data):
            yield from self._pass(piece)

    def flush(self) -> Iterator[Piece]:
        for piece in self._first.flush():
            yield from self._pass(piece)
        yield from self._second.flush()

    def _pass(self, piece: Piece) -> Iterator[Piece]:
        if isinstance(piece, bytes):
            yield from self._second.feed(piece)
            return
        if isinstance(piece, End) and piece.error is None:
            yield from self._second.flush()
        self._second = self._again()
        yield piece


def make_decoder(
    charset: str = "utf-8",
    *,
    compression: str = "auto",
    at_start: bool = True,
    caps: Caps | None = None,
) -> Decoder:
    """The decoder for one source.

    Args:
        charset: one of CHARSETS: how the (decompressed) text is encoded.
        compression: "auto" goes by the magic number; "none" takes the bytes as they
            are; the name of one of COMPRESSIONS takes nothing else.
        at_start: False if the bytes to come begin in the middle of a source (one whose
            decoder was `transparent`): a byte order mark there is a character.
        caps: how far a compressed source may grow, if not by the defaults.

    Raises:
        ValueError: no such charset or compression; the message lists those there are.
    """
    first = Sniffer(compression, Meter(caps or Caps()))
    return _Chain(first, make_charset(charset, at_start=at_start), lambda: make_charset(charset))


def skip(found: Iterable[Piece], n: int, marks: int = 0) -> Iterator[Piece]:
    """What a decoder gives without its first `n` bytes and `marks` marks, in whatever order these come.

    That is how to go on at a Position in a source that cannot be ranged.
    """
    for piece in found:
        if not isinstance(piece, bytes):
            if marks:
                marks -= 1
            else:
                yield piece
        elif n >= len(piece):
            n -= len(piece)
        else:
            yield piece[n:] if n else piece
            n = 0
