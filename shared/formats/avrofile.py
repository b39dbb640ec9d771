"""The frame of an Avro container file: its header, and the heads of its blocks.

Rule: the functions here look at the beginning of what is held and say what is
there, that more bytes are needed (None), or why it is nothing (a Problem).
Invariant: nothing is asked for beyond MAX_HEADER and MAX_BLOCK bytes.
"""

from __future__ import annotations

import io
from typing import NamedTuple

from .avrocodecs import CODECS
from .jsonvalue import Problem

MAGIC = b"Obj\x01"
SYNC = 16
"""Bytes of the marker that ends the header and every block."""
MAX_HEADER = 256 * 1024
"""Bytes; the header goes into every checkpoint."""
MAX_BLOCK = 16 * 1024 * 1024
"""Bytes of one block as it is stored."""
MAX_HEAD = 20
"""Bytes of two numbers: a block's records, and its size."""


class Header(NamedTuple):
    """What a file says of its blocks."""

    schema: bytes
    """JSON."""
    codec: str
    sync: bytes
    size: int
    """Bytes of the header itself."""


class Head(NamedTuple):
    """What a block says of itself."""

    records: int
    """How many."""
    size: int
    """Bytes of its content."""
    after: int
    """Bytes of the head."""


class _More(Exception):  # noqa: N818 - never leaves this module
    """The bytes end before what is read does."""


def read_header(held: bytes | bytearray) -> Header | Problem | None:
    """The header that the bytes begin with."""
    if not MAGIC.startswith(bytes(held[: len(MAGIC)])):
        return Problem("InvalidHeader", "the file is no Avro container: it does not begin with Obj and 1")
    source = io.BytesIO(bytes(held[:MAX_HEADER]))
    try:
        return _header(source)
    except _More:
        if len(held) < MAX_HEADER:
            return None
        detail = f"the file's header is longer than {MAX_HEADER:,} bytes"
        return Problem("InvalidHeader", detail)
    except ValueError:
        return Problem("InvalidHeader", "the file's header is damaged")


def read_head(held: bytes | bytearray) -> Head | Problem | None:
    """The head of the block that the bytes begin with."""
    source = io.BytesIO(bytes(held[:MAX_HEAD]))
    try:
        count, size = _number(source), _number(source)
    except _More:
        return None
    except ValueError:
        count = size = -1
    if size > MAX_BLOCK:
        return Problem("BlockTooLarge", f"the block has more than {MAX_BLOCK:,} bytes; write smaller ones")
    if count < 0 or size < 0:
        return Problem("CorruptBlock", "no block begins here: its numbers make no sense")
    return Head(count, size, source.tell())


def _header(source: io.BytesIO) -> Header | Problem:
    _take(source, len(MAGIC))
    entries: dict[str, bytes] = {}
    while count := _number(source):
        if count < 0:  # then the size of these entries in bytes comes first
            _number(source)
        for _ in range(abs(count)):
            name = _take(source, _number(source)).decode()
            entries[name] = _take(source, _number(source))
    sync = _take(source, SYNC)
    codec = entries.get("avro.codec", b"null").decode()
    if codec not in CODECS:
        return Problem("UnsupportedCodec", f"the file's codec is none of {', '.join(CODECS)}")
    if "avro.schema" not in entries:
        return Problem("InvalidHeader", "the file's header has no schema")
    entries["avro.schema"].decode()
    return Header(entries["avro.schema"], codec, sync, source.tell())


def _take(source: io.BytesIO, size: int) -> bytes:
    if size < 0:
        raise ValueError(size)
    taken = source.read(size)
    if len(taken) < size:
        raise _More
    return taken


def _number(source: io.BytesIO) -> int:
    """A zigzag number of at most ten bytes."""
    number = shift = 0
    while True:
        byte = _take(source, 1)[0]
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return (number >> 1) ^ -(number & 1)
        if shift > 63:
            raise ValueError(shift)
