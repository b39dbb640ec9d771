"""Bytes in, bytes out: compression by magic number, then charset to UTF-8.

Rule: a decoder is fed chunks of any size and gives chunks of at most
`OUTPUT_CHUNK` bytes, so memory stays flat whatever the ratio. It raises
DecodeError with the offset where the bytes go no further, and nothing else.
Invariant: what was given before an error stands; the error says where the rest
begins. How the input is cut into chunks never changes the joined output (of
corrupt input: nothing but how much comes before the error).

Strategy: three small stages in a row, each a generator of chunks: sniff (which
compression is it?), decompress, transcode. A new compression is one class beside
`GzipDecoder` and one row in COMPRESSIONS; a new charset is one row in CHARSETS.

What is not done: a gzip inside a gzip is opened once; UTF-16 is not guessed, a
route names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from .charset import CHARSETS, make_charset
from .compression import COMPRESSIONS, Caps, Sniffer
from .limits import OUTPUT_CHUNK

__all__ = [
    "CHARSETS",
    "COMPRESSIONS",
    "MAX_OUTPUT",
    "MAX_RATIO",
    "OUTPUT_CHUNK",
    "Decoder",
    "Stage",
    "make_decoder",
    "skip",
]

MAX_OUTPUT = 1 << 40
"""Bytes (1 TiB) that one compressed source may become."""

MAX_RATIO = 1000.0
"""Decompressed bytes a compressed byte may become, judged after RATIO_GRACE bytes. Deflate ends at 1032:1,
which only runs of one byte reach; one log line repeated for ever comes to about 300:1."""


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


class Decoder(Stage, Protocol):
    """Bytes as they are stored in, UTF-8 bytes out."""

    @property
    def transparent(self) -> bool:
        """Whether an offset into what came out so far is the same offset into what went in."""
        ...


class _Chain:
    """Decompress, then transcode."""

    def __init__(self, first: Sniffer, second: Stage) -> None:
        self._first = first
        self._second = second

    @property
    def transparent(self) -> bool:
        return self._first.transparent and getattr(self._second, "transparent", False)

    def feed(self, data: bytes) -> Iterator[bytes]:
        for chunk in self._first.feed(data):
            yield from self._second.feed(chunk)

    def flush(self) -> Iterator[bytes]:
        for chunk in self._first.flush():
            yield from self._second.feed(chunk)
        yield from self._second.flush()


def make_decoder(
    charset: str = "utf-8",
    *,
    compression: str = "auto",
    at_start: bool = True,
    max_output: int = MAX_OUTPUT,
    max_ratio: float = MAX_RATIO,
) -> Decoder:
    """The decoder for one source.

    Args:
        charset: one of CHARSETS: how the (decompressed) text is encoded.
        compression: "auto" goes by the magic number; "none" takes the bytes as they
            are; the name of one of COMPRESSIONS takes nothing else.
        at_start: False if the bytes to come begin in the middle of a source (one whose
            decoder was `transparent`): a byte order mark there is a character.
        max_output: bytes that a compressed source may become at most.
        max_ratio: decompressed bytes per compressed byte at most.

    Raises:
        ValueError: no such charset or compression; the message lists those there are.
    """
    caps = Caps(max_output, max_ratio)
    return _Chain(Sniffer(compression, caps), make_charset(charset, at_start=at_start))


def skip(chunks: Iterable[bytes], n: int) -> Iterator[bytes]:
    """The chunks without their first `n` bytes: to go on at a Position in a source that cannot be ranged."""
    for chunk in chunks:
        if n >= len(chunk):
            n -= len(chunk)
        else:
            yield chunk[n:] if n else chunk
            n = 0
