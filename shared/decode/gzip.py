"""Gzip (RFC 1952), member by member.

Rule: everything that can be decoded is given before an error is raised. Invariant:
at most OUTPUT_CHUNK and STEP decompressed bytes are held. Strategy: the header and
the trailer are read here and only the deflate data goes to ISA-L, for two reasons:
a checksum that does not match is then an error after its data and not instead of
it, and ISA-L gives no output of a call that fails, so it is fed PIECE bytes at a
time (what these had become before a broken code is the only loss).

Several members one after another are one text; zeros after the last (tapes, block
devices) are tolerated; anything else there is an error, because it may be data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from isal import igzip_lib, isal_zlib

from ..errors import DecodeError
from .limits import OUTPUT_CHUNK, pieces

STEP = 64 * 1024
"""Decompressed bytes that one call may give."""

PIECE = 1024
"""Compressed bytes that one call is fed: the loss before an error; twice as many would gain little speed."""

_FHCRC, _FEXTRA, _FNAME, _FCOMMENT = 2, 4, 8, 16
_LONGEST_HEADER = 256 * 1024
_DEFLATE_ERROR = cast("type[Exception]", igzip_lib.error)
_Check = Callable[[int, int], None]


class GzipDecoder:
    """Gzip in, its text out.

    Args:
        check: called with the compressed bytes taken and the decompressed bytes
            given so far; raises DecodeError where that is too much.
    """

    def __init__(self, check: _Check) -> None:
        self._check = check
        self._held = b""
        self._taken = 0
        self._given = 0
        self._members = 0
        self._stage = "header"
        self._stages = {"header": self._header, "trailer": self._trailer, "padding": self._padding}
        self._deflate = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE)
        self._crc = 0
        self._size = 0
        self._out: list[bytes] = []
        self._waiting = 0
        self._broken: DecodeError | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take compressed bytes; give what they become."""
        if self._broken is not None:
            raise self._broken
        try:
            for piece in pieces(data, PIECE):
                self._held += piece
                yield from self._run()
        except DecodeError as error:
            self._broken = error
        if self._waiting:
            yield self._gathered()
        if self._broken is not None:
            raise self._broken

    def flush(self) -> Iterator[bytes]:
        """Raise DecodeError unless the input stopped after a whole member."""
        if self._broken is not None:
            raise self._broken
        between = self._stage == "header" and self._members and not self._held
        if not between and self._stage != "padding":
            raise DecodeError(
                "the gzip data is truncated: the file was cut off, or is still being written; "
                "what came before the cut was read",
                offset=self._taken + len(self._held),
            )
        yield from ()

    def _run(self) -> Iterator[bytes]:
        """Let each stage take what it can until none moves on."""
        while self._held:
            before = (self._stage, len(self._held))
            if self._stage == "body":
                yield from self._body()
            else:
                self._stages[self._stage]()
            if (self._stage, len(self._held)) == before:
                return

    def _take(self, size: int) -> bytes:
        taken, self._held = self._held[:size], self._held[size:]
        self._taken += size
        return taken

    # -- stages -----------------------------------------------------------------------------

    def _header(self) -> None:
        if self._members and self._held[0] == 0:
            self._stage = "padding"
            return
        self._magic()
        size = _header_size(self._held)
        if size:
            self._take(size)
            self._deflate = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE)
            self._crc = self._size = 0
            self._stage = "body"
        elif len(self._held) > _LONGEST_HEADER:
            raise DecodeError("a gzip header of over 256 kB is no gzip header", offset=self._taken)

    def _magic(self) -> None:
        if b"\x1f\x8b\x08".startswith(self._held[:3]):
            return
        after = f"after {self._members} complete gzip member(s) " if self._members else ""
        raise DecodeError(f"{after}there are bytes that are not gzip", offset=self._taken)

    def _body(self) -> Iterator[bytes]:
        """All of what is held goes in; what comes out is gathered up to OUTPUT_CHUNK."""
        data, self._held = self._held, b""
        start, self._taken = self._taken, self._taken + len(data)
        full = True
        while full and not self._deflate.eof:
            try:
                out = self._deflate.decompress(data, STEP)
            except _DEFLATE_ERROR as error:
                raise _corrupt(start) from error
            data, full = b"", bool(out) and (len(out) == STEP or not self._deflate.needs_input)
            self._count(out)
            if self._waiting + STEP > OUTPUT_CHUNK:
                yield self._gathered()
        if self._deflate.eof:
            self._held = self._deflate.unused_data
            self._taken -= len(self._held)
            self._stage = "trailer"

    def _gathered(self) -> bytes:
        out, self._out, self._waiting = b"".join(self._out), [], 0
        return out

    def _count(self, out: bytes) -> None:
        self._crc = isal_zlib.crc32(out, self._crc)
        self._size += len(out)
        self._given += len(out)
        self._out.append(out)
        self._waiting += len(out)
        self._check(self._taken, self._given)

    def _trailer(self) -> None:
        if len(self._held) >= 8:
            expected = self._take(8)
            found = self._crc.to_bytes(4, "little") + (self._size & 0xFFFFFFFF).to_bytes(4, "little")
            if found != expected:
                raise DecodeError(
                    "the gzip checksum does not match: bytes were changed on the way here, "
                    "and what was read of this file may be wrong",
                    offset=self._taken - 8,
                )
            self._members += 1
            self._stage = "header"

    def _padding(self) -> None:
        zeros = len(self._held) - len(self._held.lstrip(b"\0"))
        self._take(zeros)
        if self._held:
            raise DecodeError(
                "there are bytes after the gzip data and its padding of zeros", offset=self._taken
            )


def _corrupt(offset: int) -> DecodeError:
    return DecodeError(
        f"the gzip data is corrupt within {PIECE:,} bytes after this; what came before was read",
        offset=offset,
    )


def _header_size(data: bytes) -> int:
    """Length of the member header that `data` begins with; 0 if more bytes are needed to tell."""
    if len(data) < 10:
        return 0
    flags, size = data[3], 10
    if flags & 0xE0:
        return size  # reserved bits: let the deflate data speak, as other readers do
    if flags & _FEXTRA:
        if len(data) < size + 2:
            return 0
        size += 2 + int.from_bytes(data[size : size + 2], "little")
    for flag in (_FNAME, _FCOMMENT):
        if flags & flag:
            end = data.find(b"\0", size)
            if end < 0:
                return 0
            size = end + 1
    size += 2 if flags & _FHCRC else 0
    return size if size <= len(data) else 0
