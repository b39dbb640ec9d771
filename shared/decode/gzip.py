"""Gzip (RFC 1952), member by member.

Rule: everything that can be decoded is given before an error is raised. Strategy:
the header and the trailer are read here and only the deflate data goes to ISA-L,
so that a checksum that does not match is an error after its data and not instead
of it (see `deflate` for the rest).

Several members one after another are one text; zeros after the last (tapes, page
blobs) are tolerated; anything else there is an error, because it may be data.
"""

from __future__ import annotations

from collections.abc import Iterator

from isal import isal_zlib

from ..errors import DecodeError
from .deflate import Inflater, corrupt
from .limits import pieces

_FHCRC, _FEXTRA, _FNAME, _FCOMMENT = 2, 4, 8, 16
_WINDOW = 16 * 1024
"""Bytes worked on at a time: what comes after a small member is copied for each."""
_LONGEST_HEADER = 256 * 1024


class GzipDecoder:
    """Gzip in, its text out. See `Unpack`."""

    def __init__(self) -> None:
        self._held = b""
        self.taken = 0
        self._members = 0
        self._stage = "header"
        self._deflate = Inflater()
        self._begin = 0
        self._crc = 0
        self._size = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take compressed bytes; give what they become."""
        for piece in pieces(data, _WINDOW):
            self._held += piece
            yield from self._run()

    def flush(self) -> Iterator[bytes]:
        """Raise DecodeError unless the input stopped after a whole member."""
        between = self._stage == "header" and self._members and not self._held
        if not between and self._stage != "padding":
            raise DecodeError(
                "the gzip data is truncated: the file was cut off, or is still being written; "
                "what came before the cut was read",
                offset=self.taken + len(self._held),
            )
        yield from ()

    def _run(self) -> Iterator[bytes]:
        """Let each stage take what it can until none moves on."""
        while self._held:
            before = (self._stage, len(self._held))
            if self._stage == "body":
                yield from self._body()
            elif self._stage == "header":
                self._header()
            elif self._stage == "trailer":
                self._trailer()
            else:
                self._padding()
            if (self._stage, len(self._held)) == before:
                return

    def _take(self, size: int) -> bytes:
        taken, self._held = self._held[:size], self._held[size:]
        self.taken += size
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
            self._deflate = Inflater()
            self._begin = self.taken
            self._crc = self._size = 0
            self._stage = "body"
        elif len(self._held) > _LONGEST_HEADER:
            raise DecodeError("a gzip header of over 256 kB is no gzip header", offset=self.taken)

    def _magic(self) -> None:
        if b"\x1f\x8b\x08".startswith(self._held[:3]):
            return
        after = f"after {self._members} complete gzip member(s) " if self._members else ""
        raise DecodeError(f"{after}there are bytes that are not gzip", offset=self.taken)

    def _body(self) -> Iterator[bytes]:
        """All of what is held goes in."""
        data, self._held = self._held, b""
        try:
            for out in self._deflate.feed(data):
                self._crc = isal_zlib.crc32(out, self._crc)
                self._size += len(out)
                yield out
        except DecodeError as error:
            raise corrupt("gzip", self._begin + error.offset) from error
        finally:
            self.taken = self._begin + self._deflate.taken
        if self._deflate.eof:
            self._held = self._deflate.unused
            self._stage = "trailer"

    def _trailer(self) -> None:
        if len(self._held) >= 8:
            expected = self._take(8)
            found = self._crc.to_bytes(4, "little") + (self._size & 0xFFFFFFFF).to_bytes(4, "little")
            if found != expected:
                raise DecodeError(
                    "the gzip checksum does not match: bytes were changed on the way here, "
                    "and what was read of this file may be wrong",
                    offset=self.taken - 8,
                )
            self._members += 1
            self._stage = "header"

    def _padding(self) -> None:
        zeros = len(self._held) - len(self._held.lstrip(b"\0"))
        self._take(zeros)
        if self._held:
            raise DecodeError(
                "there are bytes after the gzip data and its padding of zeros", offset=self.taken
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
