"""The codecs of Avro files: one block's bytes, unpacked.

Rule: a block never becomes more than MAX_UNPACKED bytes, whatever it claims.
Invariant: `unpack` gives bytes or a Problem for any input. Every codec that the
Avro specification names is here.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, cast

from isal import isal_zlib

from .jsonvalue import Problem

MAX_UNPACKED = 32 * 1024 * 1024
"""Bytes that one block may become. Writers cut blocks at 16 KiB to a few MiB."""

_LZMA_MEMORY = 64 * 1024 * 1024
_ISAL = cast("type[Exception]", isal_zlib.error)
_DAMAGED = (OSError, EOFError, ValueError, RuntimeError, lzma.LZMAError, _ISAL)


class _TooLarge(Exception):  # noqa: N818 - never leaves this module
    """The block becomes more than MAX_UNPACKED bytes."""


def unpack(codec: str, data: bytes) -> bytes | Problem:
    """A block's content; `codec` is one of CODECS."""
    try:
        return CODECS[codec](data)
    except _TooLarge:
        detail = f"the block unpacks to more than {MAX_UNPACKED:,} bytes; write smaller blocks"
        return Problem("BlockTooLarge", detail)
    except _DAMAGED:
        return Problem("CorruptBlock", f"the block cannot be unpacked as {codec}: its bytes are damaged")


def _null(data: bytes) -> bytes:
    return data


def _all_of(unpacker: Any, data: bytes) -> bytes:
    """What `unpacker` gives of a whole stream, refused if it is too much or not all of it.

    Bytes after the stream's end are passed over: fastavro writes three of a checksum there.
    """
    out: bytes = unpacker.decompress(data, MAX_UNPACKED + 1)
    if len(out) > MAX_UNPACKED:
        raise _TooLarge
    if not unpacker.eof:
        raise EOFError
    return out


def _deflate(data: bytes) -> bytes:
    return _all_of(isal_zlib.decompressobj(-15), data)


def _bzip2(data: bytes) -> bytes:
    return _all_of(bz2.BZ2Decompressor(), data)


def _xz(data: bytes) -> bytes:
    return _all_of(lzma.LZMADecompressor(memlimit=_LZMA_MEMORY), data)


def _zstandard(data: bytes) -> bytes:
    from backports import zstd  # noqa: PLC0415 - a cold start does not pay for it

    try:
        # what a block may become is the largest window that makes sense
        options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: MAX_UNPACKED.bit_length() - 1}
        return _all_of(zstd.ZstdDecompressor(options=options), data)
    except zstd.ZstdError as error:
        raise ValueError from error


def _snappy(data: bytes) -> bytes:
    import cramjam  # noqa: PLC0415 - a cold start does not pay for it

    body, checksum = data[:-4], data[-4:]
    try:
        if cramjam.snappy.decompress_raw_len(body) > MAX_UNPACKED:
            raise _TooLarge
        out = bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise ValueError from error
    if zlib.crc32(out).to_bytes(4, "big") != checksum:
        raise ValueError
    return out


CODECS: dict[str, Callable[[bytes], bytes]] = {
    "null": _null,
    "deflate": _deflate,
    "snappy": _snappy,
    "zstandard": _zstandard,
    "bzip2": _bzip2,
    "xz": _xz,
}
