"""Sizes and caps that the stages of a decoder share.

Rule: what a source becomes is counted over all its layers and members together, so
that a bomb made of small bombs is one bomb. Invariant: pieces are cut by the
source's bytes alone, never by how they arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..errors import DecodeError
from .face import Piece

OUTPUT_CHUNK = 1024 * 1024
"""No chunk that a decoder gives is longer, in bytes."""

INPUT_PIECE = 64 * 1024
"""Compressed bytes that a decompressor is fed at a time."""

PIECE = 1024
"""Compressed bytes that one call of a library is fed, where a call that fails gives nothing: the loss
before an error; twice as many would gain little speed."""

MAX_OUTPUT = 1 << 40
"""Bytes (1 TiB) that one compressed source may become."""

MAX_RATIO = 1000.0
"""Decompressed bytes a compressed byte may become, judged after RATIO_GRACE bytes. Deflate ends at 1032:1,
which only runs of one byte reach; one log line repeated for ever comes to about 300:1."""

RATIO_GRACE = 64 * 1024 * 1024
"""Bytes of output before a ratio is judged: a small file of blanks is no attack."""

MAX_WINDOW = 64 * 1024 * 1024
"""Bytes that a decompressor may hold of its own output (zstd's window, xz's dictionary). `xz -9` takes
exactly this; four at once leave room in an instance of 512 MB, which four of 128 MB do not."""

MAX_MEMBERS = 100_000
"""Files that the archives of one source may hold, all together."""

LAYERS = 2
"""Compressions that are undone one inside the other."""


class OverLimitError(DecodeError):
    """A cap is passed: the whole source goes no further, whatever member it happened in."""


class Caps(NamedTuple):
    """How far a compressed source may grow."""

    max_output: int = MAX_OUTPUT
    max_ratio: float = MAX_RATIO
    max_window: int = MAX_WINDOW
    max_members: int = MAX_MEMBERS


class Meter:
    """What one source has become so far.

    Args:
        caps: how far it may grow.
    """

    def __init__(self, caps: Caps) -> None:
        self.caps = caps
        self.taken = 0
        """Bytes of the source itself that were fed to its outermost decompressor."""
        self._given = [0] * LAYERS
        self._members = 0

    def gave(self, layer: int, size: int) -> None:
        """Count what a layer gave. Raises OverLimitError."""
        given = self._given[layer] = self._given[layer] + size
        if given > self.caps.max_output:
            raise OverLimitError(
                f"the decompressed source is over the limit of {self.caps.max_output:,} bytes; "
                "split it into smaller files, or raise MAX_DECODED_BYTES",
                offset=self.taken,
            )
        if given > RATIO_GRACE and given > self.taken * self.caps.max_ratio:
            raise OverLimitError(
                f"over {self.caps.max_ratio:g} bytes come out of each compressed byte: this looks like "
                "a decompression bomb and is not read any further; if it is none, store it uncompressed",
                offset=self.taken,
            )

    def member(self) -> None:
        """Count a file of an archive. Raises OverLimitError."""
        self._members += 1
        if self._members > self.caps.max_members:
            raise OverLimitError(
                f"the archive holds more than {self.caps.max_members:,} files; split it into smaller ones",
                offset=self.taken,
            )


def pieces(data: bytes, size: int = OUTPUT_CHUNK) -> Iterator[bytes]:
    """`data` in pieces of at most `size` bytes; without a copy where it is one."""
    if len(data) <= size:
        if data:
            yield data
        return
    with memoryview(data) as view:
        for start in range(0, len(data), size):
            yield bytes(view[start : start + size])


class Even:
    """Bytes in pieces of exactly INPUT_PIECE, wherever the chunks that bring them end."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The pieces that are full."""
        self._held += data
        while len(self._held) >= INPUT_PIECE:
            yield self._take(INPUT_PIECE)

    def rest(self) -> bytes:
        """What is left, less than a piece."""
        return self._take(len(self._held))

    def _take(self, size: int) -> bytes:
        with memoryview(self._held) as view:
            taken = bytes(view[:size])
        del self._held[:size]
        return taken


def gathered(found: Iterable[Piece]) -> Iterator[Piece]:
    """The same in chunks as near to OUTPUT_CHUNK as can be; an error comes after what came before it."""
    held: list[bytes] = []
    size = 0
    error: DecodeError | None = None
    try:
        for piece in found:
            new = len(piece) if isinstance(piece, bytes) else OUTPUT_CHUNK
            if held and size + new > OUTPUT_CHUNK:
                yield held[0] if len(held) == 1 else b"".join(held)
                held, size = [], 0
            if isinstance(piece, bytes):
                held.append(piece)
                size += new
            else:
                yield piece
    except DecodeError as broken:
        error = broken
    if held:
        yield b"".join(held)
    if error is not None:
        raise error
