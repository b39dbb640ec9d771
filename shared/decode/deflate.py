"""Raw deflate (RFC 1951), one stream of it: what gzip and zip are made of.

Rule: everything that can be inflated is given before an error is raised. Strategy:
ISA-L gives no output of a call that fails, so it is fed PIECE bytes at a time: what
these had become before a broken code is the only loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from isal import igzip_lib

from ..errors import DecodeError
from .limits import PIECE

STEP = 64 * 1024
"""Decompressed bytes that one call may give."""

TOGETHER = 256 * 1024
"""Decompressed bytes that are given as one, about."""

_ERROR = cast("type[Exception]", igzip_lib.error)


def corrupt(name: str, offset: int) -> DecodeError:
    """The error for data that were read piece by piece up to `offset`."""
    return DecodeError(
        f"the {name} data is corrupt within {PIECE:,} bytes after this; what came before was read",
        offset=offset,
    )


class Inflater:
    """Deflated bytes in, inflated bytes out, TOGETHER and STEP at most at a time."""

    def __init__(self) -> None:
        self._deflate = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE)
        self.taken = 0
        self.eof = False
        """Whether the stream has ended."""
        self.unused = b""
        """What was fed and comes after the stream's end."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Inflate the next bytes; nothing may be fed after the end.

        Raises:
            DecodeError: the stream is corrupt; `offset` counts from its beginning.
        """
        deflate, waiting = self._deflate, 0
        found: list[bytes] = []
        for start in range(0, len(data), PIECE):
            piece, full = data[start : start + PIECE], True
            size = len(piece)
            while full:
                try:
                    out = deflate.decompress(piece, STEP)
                except _ERROR as error:
                    yield b"".join(found)
                    raise corrupt("deflated", self.taken) from error
                more = len(out) == STEP or not deflate.needs_input
                piece, full = b"", more and bool(out) and not deflate.eof
                found.append(out)
                waiting += len(out)
                if waiting > TOGETHER:
                    yield b"".join(found)
                    found, waiting = [], 0
            self.taken += size
            if deflate.eof:
                self.eof, self.unused = True, deflate.unused_data + data[start + PIECE :]
                self.taken -= len(deflate.unused_data)
                break
        yield b"".join(found)
