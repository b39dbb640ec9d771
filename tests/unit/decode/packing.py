"""Packs and unpacks, for the tests of the decode room."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from backports import zstd

from shared.decode import Caps, Decoder, End, Member, make_decoder
from shared.errors import DecodeError

Event = bytes | tuple[Any, ...]
"""Joined bytes, ("member", name), ("end", name), ("end", name, error, offset) or ("error", error, offset)."""

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 1),
    "zip": lambda data: zipped({"a.log": data}),
    "zstd": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
    "bzip2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
}
"""One of each compression that is taken."""


class OneWay(io.RawIOBase):
    """A file that cannot be sought in, so that sizes come after the content."""

    def __init__(self) -> None:
        super().__init__()
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


def zipped(
    files: Mapping[str, bytes],
    method: int = zipfile.ZIP_DEFLATED,
    *,
    streamed: bool = False,
    comment: bytes = b"",
) -> bytes:
    """A zip as the standard library writes it; `streamed` with descriptors behind the files."""
    out: Any = OneWay() if streamed else io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name), content, method)
        file.comment = comment
    return bytes(out.data) if streamed else out.getvalue()


def decoded(decoder: Decoder, data: bytes, size: int = 1 << 16) -> Iterator[Any]:
    """All that a decoder gives."""
    for start in range(0, len(data), size):
        yield from decoder.feed(data[start : start + size])
    yield from decoder.flush()


def events(data: bytes, size: int = 1 << 16, charset: str = "utf-8", caps: Caps | None = None) -> list[Event]:
    """What became of `data`: bytes that nothing stands between are joined."""
    found: list[Event] = []
    try:
        for piece in decoded(make_decoder(charset, caps=caps), data, size):
            if isinstance(piece, Member):
                found.append(("member", piece.name))
            elif isinstance(piece, End):
                found.append(("end", piece.name, *_told(piece.error)))
            elif found and isinstance(found[-1], bytes):
                found[-1] += piece
            elif piece:
                found.append(piece)
    except DecodeError as error:
        found.append(("error", *_told(error)))
    return found


def _told(error: DecodeError | None) -> tuple[Any, ...]:
    return (str(error), error.offset) if error else ()


def text(data: bytes, size: int = 1 << 16) -> bytes:
    """The text of a source without files and errors."""
    found = events(data, size) or [b""]
    assert len(found) == 1
    assert isinstance(found[0], bytes), found
    return found[0]


def files(data: bytes, size: int = 1 << 16) -> dict[str, bytes]:
    """Content of the files of an archive, by name; of one that goes no further, its error behind it."""
    found: dict[str, bytes] = {}
    for event in events(data, size):
        if isinstance(event, bytes):
            found[next(reversed(found))] += event
        elif event[0] == "member":
            found[event[1]] = b""
        else:
            assert event[0] == "end", event
            found[event[1]] += f" ({event[2]})".encode() if len(event) > 2 else b""
    return found


def broken(data: bytes, size: int = 1 << 16, caps: Caps | None = None) -> tuple[bytes, str, int]:
    """The bytes that came before the error at the end, the error, and its offset."""
    found = events(data, size, caps=caps)
    kind, error, offset = found.pop()
    assert kind == "error"
    return b"".join(event for event in found if isinstance(event, bytes)), error, offset


def shared(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
