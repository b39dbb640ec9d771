"""bzip2 and xz: streams one after another, each read by the standard library.

Rule: everything that can be decoded is given before an error is raised. Strategy:
the library checks a block in the same call that gives the block's last bytes, and
gives nothing of a call that fails; so a call may give STEP bytes at most, and fewer
than these are the loss before an error (of bzip2, whose blocks are read whole, also
the block that is broken).

Several streams are one text; zeros after one (xz pads its streams so, page blobs
their end) are passed over; anything else there is an error, because it may be data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from ..errors import DecodeError
from .deflate import corrupt
from .limits import PIECE, pieces

STEP = 1024
"""Decompressed bytes that one call may give; calls of any size take about the same time a byte."""

_TOGETHER = 64
"""Calls whose output is given as one."""

_XZ_OVERHEAD = 2 * 1024 * 1024
"""What an xz decompressor holds besides its dictionary, generously."""


class _Engine(Protocol):
    """What `bz2` and `lzma` have in common: a decompressor of one stream."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class StreamsDecoder:
    """Streams in, their text out. See `Unpack`.

    Args:
        name: of the compression, for messages.
        magic: what every stream begins with.
        make: a decompressor for one stream.
        errors: what it raises.
    """

    def __init__(
        self,
        name: str,
        magic: bytes,
        make: Callable[[], _Engine],
        errors: tuple[type[Exception], ...],
    ) -> None:
        self._name = name
        self._magic = magic
        self._make = make
        self._errors = errors
        self._engine: _Engine | None = None
        self._held = b""
        self._streams = 0
        self.taken = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take compressed bytes; give what they become."""
        for piece in pieces(data, PIECE):
            self._held += piece
            while self._held:
                if self._engine is None and not self._begin():
                    break
                yield from self._body()

    def flush(self) -> Iterator[bytes]:
        """Raise DecodeError unless the input stopped after a whole stream."""
        if self._engine is not None or self._held or not self._streams:
            raise DecodeError(
                f"the {self._name} data is truncated: the file was cut off, or is still being written; "
                "what came before the cut was read",
                offset=self.taken + len(self._held),
            )
        yield from ()

    def _begin(self) -> bool:
        """Make a decompressor, if a stream begins here; False if more bytes are needed to tell."""
        if self._streams:
            padding = len(self._held) - len(self._held.lstrip(b"\0"))
            self._held, self.taken = self._held[padding:], self.taken + padding
        if self._held[: len(self._magic)] == self._magic:
            self._engine = self._make()
        elif not self._magic.startswith(self._held):
            after = f"after {self._streams} complete {self._name} stream(s) " if self._streams else ""
            raise DecodeError(f"{after}there are bytes that are not {self._name}", offset=self.taken)
        return self._engine is not None

    def _body(self) -> Iterator[bytes]:
        engine = self._engine
        assert engine is not None  # noqa: S101 - _begin() has made it
        data, self._held = self._held, b""
        start, self.taken = self.taken, self.taken + len(data)
        full = True
        while full and not engine.eof:
            found: list[bytes] = []
            try:
                while full and len(found) < _TOGETHER:
                    found.append(engine.decompress(data, STEP))
                    data, full = b"", not (engine.needs_input or engine.eof)
            except self._errors as error:
                yield b"".join(found)
                raise self._error(error, start) from error
            yield b"".join(found)
        if not engine.eof:
            return
        self._held, self._engine = engine.unused_data, None
        self.taken -= len(self._held)
        self._streams += 1

    def _error(self, error: Exception, offset: int) -> DecodeError:
        if "Memory usage limit" in str(error):  # the only sign that lzma gives of it
            return DecodeError(
                "the xz data was made with a dictionary larger than MAX_WINDOW_BYTES, the memory it may "
                "take here: pack it with `xz -9` at most, or raise that setting",
                offset=offset,
            )
        return corrupt(self._name, offset)


def bzip2() -> StreamsDecoder:
    """A decoder for bzip2."""
    from bz2 import BZ2Decompressor  # noqa: PLC0415

    return StreamsDecoder("bzip2", b"BZh", BZ2Decompressor, (OSError, ValueError))


def xz(max_window: int) -> StreamsDecoder:
    """A decoder for xz.

    Args:
        max_window: largest dictionary in bytes.
    """
    from lzma import FORMAT_XZ, LZMADecompressor, LZMAError  # noqa: PLC0415

    limit = max_window + _XZ_OVERHEAD
    return StreamsDecoder(
        "xz", b"\xfd7zXZ\0", lambda: LZMADecompressor(FORMAT_XZ, memlimit=limit), (LZMAError,)
    )
