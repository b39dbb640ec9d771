"""Zstandard (RFC 8878), frame by frame and block by block.

Rule: everything that can be decoded is given before an error is raised. Invariant:
no window larger than the limit is ever asked for, and no more than one compressed
block is held. Strategy: frame and block headers are read here, so that the library
is fed one whole block at a time: a call that fails costs no block but its own, a
checksum that does not match is an error after its data, and a frame that asks for a
huge window is refused before anything is allocated.

Several frames are one text; skippable frames are passed over, and zeros at the end
tolerated (page blobs); anything else between frames is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

from ..errors import DecodeError
from .limits import OUTPUT_CHUNK

_FRAME = 0xFD2FB528
_SKIPPABLE = 0x184D2A50
_BLOCK_MAX = 128 * 1024
_RAW, _RUN, _COMPRESSED = 0, 1, 2


class _Header(NamedTuple):
    """What a frame says of itself."""

    size: int
    """Of the header."""
    window: int
    checksum: bool
    dictionary: int


class ZstdDecoder:
    """Zstandard frames in, their text out. See `Unpack`.

    Args:
        max_window: largest window in bytes.
    """

    def __init__(self, max_window: int) -> None:
        self._max_window = max_window
        self._held = bytearray()
        self.taken = 0
        self._frames = 0
        self._library = ZstdDecompressor()
        self._checksum = False
        self._last = False
        self._left = 0
        self._to(ZstdDecoder._between, 1)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take compressed bytes; give what they become."""
        self._held += data
        while len(self._held) >= self._need:
            out = self._stage(self)
            if out:
                yield out

    def flush(self) -> Iterator[bytes]:
        """Raise DecodeError unless the input stopped after a whole frame."""
        if self._stage is not ZstdDecoder._between or not self._frames:
            raise DecodeError(
                "the zstd data is truncated: the file was cut off, or is still being written; "
                "what came before the cut was read",
                offset=self.taken + len(self._held),
            )
        yield from ()

    # -- stages: each is called with `need` bytes held at least, and takes bytes or asks for more ----

    def _to(self, stage: Callable[[ZstdDecoder], bytes], need: int) -> bytes:
        # a function and no bound method: a cycle would keep the library's window until it is collected
        self._stage, self._need = stage, need
        return b""

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        self.taken += size
        return taken

    def _between(self) -> bytes:
        """Before a frame, or before the padding at the end."""
        if self._frames and self._held[0] == 0:
            return self._to(ZstdDecoder._padding, 1)
        return self._to(ZstdDecoder._magic, 4)

    def _padding(self) -> bytes:
        zeros = len(self._held) - len(self._held.lstrip(b"\0"))
        self._take(zeros)
        if self._held:
            raise DecodeError(
                "there are bytes after the zstd data and its padding of zeros", offset=self.taken
            )
        return self._to(ZstdDecoder._between, 1)

    def _magic(self) -> bytes:
        magic = int.from_bytes(self._held[:4], "little")
        if magic == _FRAME:
            return self._to(ZstdDecoder._descriptor, 5)
        if magic & ~0xF == _SKIPPABLE:
            return self._to(ZstdDecoder._skippable, 8)
        after = f"after {self._frames} complete zstd frame(s) " if self._frames else ""
        raise DecodeError(f"{after}there are bytes that are not zstd", offset=self.taken)

    def _descriptor(self) -> bytes:
        return self._to(ZstdDecoder._header, _header_size(self._held[4]))

    def _skippable(self) -> bytes:
        self._left = int.from_bytes(self._take(8)[4:], "little")
        return self._to(ZstdDecoder._skip, 0)

    def _skip(self) -> bytes:
        self._left -= len(self._take(min(self._left, len(self._held))))
        if self._left:
            return self._to(ZstdDecoder._skip, 1)
        return self._ended()

    def _header(self) -> bytes:
        start = self.taken
        raw = self._take(self._need)
        header = _read_header(raw)
        self._refuse(header, start)
        self._checksum = header.checksum
        log = max(10, (self._max_window - 1).bit_length())
        self._library = ZstdDecompressor(options={DecompressionParameter.window_log_max: min(log, 31)})
        self._run(raw, start)
        return self._to(ZstdDecoder._block, 3)

    def _refuse(self, header: _Header, start: int) -> None:
        if header.window > self._max_window:
            raise DecodeError(
                f"the zstd frame takes a window of {header.window:,} bytes of memory; the limit is "
                f"{self._max_window:,}: pack it without --long and --ultra, or raise MAX_WINDOW_BYTES",
                offset=start,
            )
        if header.dictionary:
            raise DecodeError(
                f"the zstd frame needs the dictionary {header.dictionary}, which it was packed with and "
                "does not hold: pack it without a dictionary",
                offset=start,
            )

    def _block(self) -> bytes:
        """At a block's header, which stays held: the library reads it too."""
        word = int.from_bytes(self._held[:3], "little")
        kind, size = word >> 1 & 3, word >> 3
        if kind > _COMPRESSED or size > _BLOCK_MAX:
            raise _corrupt(self.taken)
        self._last = bool(word & 1)
        return self._to(ZstdDecoder._content, 3 + (1 if kind == _RUN else size))

    def _content(self) -> bytes:
        start = self.taken
        out = self._run(self._take(self._need), start)
        if not self._last:
            self._to(ZstdDecoder._block, 3)
        elif self._checksum:
            self._to(ZstdDecoder._check, 4)
        else:
            self._end_of_frame(start)
        return out

    def _check(self) -> bytes:
        start = self.taken
        try:
            self._run(self._take(4), start)
        except DecodeError as error:
            raise DecodeError(
                "the zstd checksum does not match: bytes were changed on the way here, "
                "and what was read of this file may be wrong",
                offset=start,
            ) from error
        return self._end_of_frame(start)

    def _end_of_frame(self, start: int) -> bytes:
        if not self._library.eof:
            raise _corrupt(start)
        return self._ended()

    def _ended(self) -> bytes:
        self._frames += 1
        return self._to(ZstdDecoder._between, 1)

    def _run(self, data: bytes, start: int) -> bytes:
        """What a header, a block or a checksum becomes: at most _BLOCK_MAX bytes."""
        try:
            return self._library.decompress(data, OUTPUT_CHUNK)
        except (ZstdError, EOFError) as error:
            raise _corrupt(start) from error


def _corrupt(offset: int) -> DecodeError:
    return DecodeError("the zstd data is corrupt from here on; what came before was read", offset=offset)


def _header_size(descriptor: int) -> int:
    """Size of a frame's header, its magic number included, from the byte that describes it."""
    single = descriptor >> 5 & 1
    content = (single, 2, 4, 8)[descriptor >> 6]
    return 4 + 1 + (1 - single) + (0, 1, 2, 4)[descriptor & 3] + content


def _read_header(raw: bytes) -> _Header:
    descriptor, place = raw[4], 5
    single, window = descriptor >> 5 & 1, 0
    if not single:
        base = 1 << (10 + (raw[place] >> 3))
        window, place = base + base // 8 * (raw[place] & 7), place + 1
    end = place + (0, 1, 2, 4)[descriptor & 3]
    dictionary = int.from_bytes(raw[place:end], "little")
    if single:  # the window is the content
        window = int.from_bytes(raw[end:], "little") + (256 if descriptor >> 6 == 1 else 0)
    return _Header(len(raw), window, bool(descriptor >> 2 & 1), dictionary)
