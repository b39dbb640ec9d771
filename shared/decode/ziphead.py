"""The records of a zip file (PKWARE APPNOTE 6.3), as they come one after the other.

Rule: nothing here holds a file's content. Invariant: a record that is not there as
a whole yet is None, never a guess. Only local headers and data descriptors are
read; of the directory at the end no more than its length.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

LOCAL = b"PK\x03\x04"
END_OF_ZIP = b"PK\x05\x06"
DESCRIPTOR = b"PK\x07\x08"
LONGEST_DESCRIPTOR = 24
FOLLOWED_BY = b"PK"
"""What every record begins with."""

_ENCRYPTED, _DESCRIBED, _UTF8, _MASKED = 1 << 0, 1 << 3, 1 << 11, 1 << 13
_ZIP64 = 0x0001
_MAX32 = 0xFFFFFFFF
_LONGEST_NAME = 400

_TRAILING: dict[bytes, tuple[int, str, tuple[int, ...]]] = {
    # signature: length without its variable parts, and where their lengths stand
    b"PK\x01\x02": (46, "<H", (28, 30, 32)),  # of the directory: one file
    END_OF_ZIP: (22, "<H", (20,)),
    b"PK\x06\x06": (12, "<Q", (4,)),  # the zip64 end
    b"PK\x06\x07": (20, "<H", ()),  # where that is
    b"PK\x05\x05": (6, "<H", (4,)),  # a signature
    b"PK\x06\x08": (8, "<I", (4,)),  # archive extra data
}


class Local(NamedTuple):
    """A local header: what comes next is a file."""

    length: int
    """Of the header."""
    name: str
    method: int
    encrypted: bool
    described: bool
    """Whether a data descriptor comes after the content."""
    crc: int
    packed: int | None
    """Bytes of the content as it is stored; None if only the descriptor says so."""
    size: int
    """Bytes of the content unpacked; 0 with a descriptor."""


class Descriptor(NamedTuple):
    """What comes after content whose size the header did not know."""

    length: int
    crc: int
    packed: int
    size: int


def read_local(data: bytes | bytearray) -> Local | None:
    """The local header that `data` begins with; None if more bytes are needed."""
    if len(data) < 30:
        return None
    flags, method, _, crc, packed, size, named, extra = struct.unpack_from("<HHIIIIHH", data, 6)
    length = 30 + named + extra
    if len(data) < length:
        return None
    if _MAX32 in (packed, size):
        packed, size = _zip64(bytes(data[30 + named : length]), packed, size)
    described = bool(flags & _DESCRIBED)
    unknown = described and not packed
    return Local(
        length=length,
        name=_name(bytes(data[30 : 30 + named]), utf8=bool(flags & _UTF8)),
        method=method,
        encrypted=bool(flags & (_ENCRYPTED | _MASKED)),
        described=described,
        crc=crc,
        packed=None if unknown else packed,
        size=size,
    )


def _zip64(extra: bytes, packed: int, size: int) -> tuple[int, int]:
    """The sizes of 8 bytes, from the extra field that has them."""
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        place += 4
        if kind == _ZIP64:
            longs = struct.iter_unpack("<Q", extra[place : place + min(length, 16) // 8 * 8])
            values = [value for (value,) in longs]
            if size == _MAX32 and values:
                size = values.pop(0)
            if packed == _MAX32 and values:
                packed = values.pop(0)
        place += length
    return packed, size


def _name(raw: bytes, *, utf8: bool) -> str:
    """A file's name; what cannot be shown becomes U+FFFD."""
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        name = raw.decode("utf-8", "replace") if utf8 else raw.decode("cp437")
    name = "".join(c if c.isprintable() else "\ufffd" for c in name.replace("\\", "/"))
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."


def trailing(data: bytes | bytearray) -> int | None:
    """Length of the record at the zip's end that `data` begins with; 0 if it is none, None for more bytes."""
    if bytes(data[:4]) not in _TRAILING:
        return 0
    length, code, places = _TRAILING[bytes(data[:4])]
    if len(data) < length:
        return None
    variable: list[int] = [struct.unpack_from(code, data, place)[0] for place in places]
    return length + sum(variable)


def read_descriptor(data: bytes | bytearray, packed: int) -> Descriptor | None:
    """The descriptor that `data` begins with, LONGEST_DESCRIPTOR + 2 bytes at least; None if it is none.

    The standard leaves open whether it has a signature, and writers differ in the
    width of its sizes; what follows it and `packed`, the bytes of content that came
    before, tell which it is. With its signature it is one even if these differ.
    """
    signed = [_form(data, 4, code) for code in _FORMS] if data.startswith(DESCRIPTOR) else []
    bare = [_form(data, 0, code) for code in _FORMS]
    fitting = [found for found in (*signed, *bare) if found and says(found.packed, packed)]
    return next(iter(fitting or [found for found in signed if found]), None)


def find_descriptor(data: bytes | bytearray, packed: int, *, stored: bool) -> int | None:
    """Where in `data`, of which `packed` bytes of content came before, a descriptor with a signature stands.

    Args:
        data: content, and what may come after it.
        packed: bytes of content before that: a descriptor must say how many there are in all.
        stored: whether the content unpacked has the same size.
    """
    place = data.find(DESCRIPTOR)
    while place >= 0:
        near = data[place : place + LONGEST_DESCRIPTOR + 2]
        for found in (_form(near, 4, code) for code in _FORMS):
            if found and says(found.packed, packed + place) and (not stored or found.size == found.packed):
                return place
        place = data.find(DESCRIPTOR, place + 1)
    return None


def says(written: int, size: int) -> bool:
    """Whether a size in a zip is `size`; of one over 4 GB some writers (macOS) give the last 32 bits only."""
    return written in {size, size & _MAX32}


_FORMS = ("<IQQ", "<III")


def _form(data: bytes | bytearray, start: int, code: str) -> Descriptor | None:
    """A descriptor with its fields from `start` on, if another record follows it."""
    end = start + struct.calcsize(code)
    if data[end : end + 2] != FOLLOWED_BY:
        return None
    return Descriptor(end, *struct.unpack_from(code, data, start))
