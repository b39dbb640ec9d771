"""Which compression is it, and its decoder; and what is inside of it, once more.

Rule: the magic number decides, never a file's name. Invariant: bytes of a
compression that is not taken never reach a parser; they are a DecodeError that
says what they are. A DecodeError inside of an archive's file ends that file; only
one of the archive itself, or of a cap, ends the source.

Strategy: what a decompressor gives is looked at again, for each file of an archive
anew, until LAYERS are undone: `.csv.gz` in `.zip`, `.zip` in `.gz`. A compression
inside of two others is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ..errors import DecodeError
from .face import End, Member, Piece, Unpack
from .gzip import GzipDecoder
from .limits import LAYERS, Caps, Even, Meter, OverLimitError, gathered, pieces


def _zip(caps: Caps) -> Unpack:
    from .zip import ZipDecoder  # noqa: PLC0415

    return ZipDecoder(caps)


def _zstd(caps: Caps) -> Unpack:
    from .zstd import ZstdDecoder  # noqa: PLC0415

    return ZstdDecoder(caps.max_window)


def _bzip2(_: Caps) -> Unpack:
    from .streams import bzip2  # noqa: PLC0415

    return bzip2()


def _xz(caps: Caps) -> Unpack:
    from .streams import xz  # noqa: PLC0415

    return xz(caps.max_window)


class Compression(NamedTuple):
    """One row of the registry."""

    magic: re.Pattern[bytes]
    """What its bytes begin with."""
    make: Callable[[Caps], Unpack] | None
    """None: known, but not taken. What it needs is imported when it is called."""
    summary: str
    """For the documentation."""


def _row(magic: bytes, make: Callable[[Caps], Unpack] | None, summary: str) -> Compression:
    return Compression(re.compile(magic, re.DOTALL), make, summary)


COMPRESSIONS: dict[str, Compression] = {
    "gzip": _row(rb"\x1f\x8b\x08", lambda _: GzipDecoder(), "several members are read as one text"),
    "zip": _row(
        rb"PK(\x03\x04|\x05\x06\0\0\0\0)",
        _zip,
        "each file in it is read as a file of its own, by the same route: stored, deflated, bzip2, zstd "
        "or xz. One that is encrypted, broken or packed by another method (Deflate64, LZMA) is one record "
        "in the dead letter, and the others land. Folders, empty files and what macOS adds "
        "(`__MACOSX/.../._name`, `.DS_Store`) are passed over; Office files and Java archives are refused",
    ),
    "zstd": _row(
        rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18",
        _zstd,
        "several frames are read as one text, skippable ones passed over; no dictionaries",
    ),
    "bzip2": _row(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", _bzip2, "several streams are read as one text"),
    "xz": _row(rb"\xfd7zXZ\0", _xz, "several streams, padded or not, are read as one text"),
    "7z": _row(rb"7z\xbc\xaf\x27\x1c", None, ""),
    "rar": _row(rb"Rar!\x1a\x07", None, ""),
    "lz4": _row(rb"\x04\x22\x4d\x18", None, ""),
    "snappy": _row(rb"\xff\x06\0\0sNaPpY", None, ""),
    "tar": _row(rb".{257}ustar[ \0]", None, ""),
}
"""By name. Parquet and Avro are no compressions: their bytes pass as they are."""

HEAD_BYTES = 263
"""Bytes that tell every row apart."""


def is_packed(head: bytes) -> bool:
    """Whether a source that begins with these bytes is compressed, as far as is known here."""
    return any(row.magic.match(head) for row in COMPRESSIONS.values())


class Plain:
    """No compression."""

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The bytes as they are."""
        return pieces(data)

    def flush(self) -> Iterator[Piece]:
        """Nothing is held back."""
        return iter(())


class Sniffer:
    """Holds the first few bytes back until they say which decoder is next.

    Args:
        compression: auto, none, or a name in COMPRESSIONS that has a decoder.
        meter: counts what the source becomes.
        layer: how many compressions are undone already.
    """

    def __init__(self, compression: str, meter: Meter, layer: int = 0) -> None:
        accepted = ["auto", "none", *(name for name, row in COMPRESSIONS.items() if row.make)]
        if compression not in accepted:
            raise ValueError(f"compression {compression!r}: there are {', '.join(accepted)}")
        self._head = b""
        self._meter = meter
        self._layer = layer
        self._asked = compression
        self._next: Unpacker | Plain | None = Plain() if compression == "none" else None

    @property
    def transparent(self) -> bool:
        """Whether the bytes are not compressed; False as long as that is not known."""
        return isinstance(self._next, Plain)

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Bytes as they are stored in, decompressed out."""
        if self._next is not None:
            yield from self._next.feed(data)
            return
        self._head += data
        if len(self._head) >= HEAD_BYTES:
            yield from self._decide()

    def flush(self) -> Iterator[Piece]:
        """Whatever was held back."""
        if self._next is None:
            yield from self._decide()
        if self._next is not None:
            yield from self._next.flush()

    def _decide(self) -> Iterator[Piece]:
        """Choose the decoder, and feed it what was held back."""
        self._next = self._choose(self._head)
        held, self._head = self._head, b""
        yield from self._next.feed(held)

    def _choose(self, head: bytes) -> Unpacker | Plain:
        name = next((name for name, row in COMPRESSIONS.items() if row.magic.match(head)), None)
        if head and self._asked not in {"auto", name}:
            raise DecodeError(f"the source is not {self._asked}: its magic number is missing", offset=0)
        if name is None:
            return Plain()
        if self._layer == LAYERS:
            raise DecodeError(
                f"there is {name} inside of two other compressions, and only two are undone: "
                "pack it once less",
                offset=0,
            )
        make = COMPRESSIONS[name].make
        if make is None:
            raise DecodeError(
                f"this is {name}, which Logferry does not take: store it as "
                f"{', '.join(known for known, row in COMPRESSIONS.items() if row.make)} or as it is",
                offset=0,
            )
        return Unpacker(make(self._meter.caps), self._meter, self._layer)


class Unpacker:
    """A decompressor, and behind it the look at what comes out.

    Args:
        unpack: the decompressor.
        meter: counts what the source becomes.
        layer: how many compressions are undone before this one.
    """

    def __init__(self, unpack: Unpack, meter: Meter, layer: int) -> None:
        self._unpack = unpack
        self._meter = meter
        self._layer = layer
        self._even = Even()
        self._error: DecodeError | None = None
        self._member: Member | None = None
        self._broken: DecodeError | None = None
        self._open: list[str] = []
        self._inner = self._look()

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Compressed bytes in; what they become out."""
        self._go_on()
        for piece in self._even.feed(data):
            yield from self._through(self._unpack.feed, piece)

    def flush(self) -> Iterator[Piece]:
        """Whatever was held back."""
        self._go_on()
        yield from self._through(self._unpack.feed, self._even.rest())
        yield from self._guarded(self._unpack.flush())
        yield from self._inside(self._inner.flush())

    def _go_on(self) -> None:
        if self._error is not None:
            raise _again(self._error)

    def _look(self) -> Sniffer:
        return Sniffer("auto", self._meter, self._layer + 1)

    def _through(self, feed: Callable[[bytes], Iterator[Piece]], piece: bytes) -> Iterator[Piece]:
        if piece:
            self._meter.taken += len(piece) if self._layer == 0 else 0
            yield from self._guarded(feed(piece))

    def _guarded(self, found: Iterable[Piece]) -> Iterator[Piece]:
        """Pass on what is found; before an error, what is held of what came before it."""
        try:
            for piece in gathered(self._metered(found)):
                yield from self._pass(piece)
        except DecodeError as error:
            self._error = _again(error)
            if self._broken is None:
                yield from self._drained()
            raise

    def _metered(self, found: Iterable[Piece]) -> Iterator[Piece]:
        for piece in found:
            if isinstance(piece, bytes):
                self._meter.gave(self._layer, len(piece))
            elif isinstance(piece, Member):
                self._meter.member()
            yield piece

    def _pass(self, piece: Piece) -> Iterator[Piece]:
        """One piece of what was unpacked, further in."""
        if isinstance(piece, bytes):
            if self._broken is None:
                yield from self._inside(self._inner.feed(piece))
        elif isinstance(piece, Member):
            self._member, self._broken, self._inner = piece, None, self._look()
            yield piece
        else:
            if self._broken is None:
                yield from self._drained() if piece.error else self._inside(self._inner.flush())
            error = self._broken or piece.error
            self._member, self._broken, self._inner = None, None, self._look()
            yield from self._closed(piece.name, error)

    def _closed(self, name: str, error: DecodeError | None) -> Iterator[End]:
        """The end of a file, and before it of those that stand open in it: the innermost has the error."""
        self._open.insert(0, name)
        while self._open:
            yield End(self._open.pop(), error)
            error = None

    def _inside(self, found: Iterator[Piece]) -> Iterator[Piece]:
        """What the next layer gives. Its error ends the file it is in, or else the source."""
        try:
            for piece in found:
                yield self._placed(piece)
        except OverLimitError:
            raise
        except DecodeError as error:
            placed = DecodeError(str(error), offset=self._unpack.taken)
            if self._member is None:
                self._error = _again(placed)
                raise placed from error
            self._broken = placed

    def _drained(self) -> Iterator[Piece]:
        """What the next layer holds, as far as it goes without what should have come."""
        try:
            for piece in self._inner.flush():
                yield self._placed(piece)
        except DecodeError:
            pass  # the error at hand came first

    def _placed(self, piece: Piece) -> Piece:
        """A mark of the next layer, as it stands in this one."""
        if isinstance(piece, bytes):
            return piece
        name = f"{self._member.name}/{piece.name}" if self._member else piece.name
        if isinstance(piece, Member):
            self._open.append(name)
            return Member(name)
        self._open.pop()
        error = piece.error and DecodeError(str(piece.error), offset=self._unpack.taken)
        return End(name, error)


def _again(error: DecodeError) -> DecodeError:
    """The same error without its traceback, which would keep all that it leads through."""
    return type(error)(str(error), offset=error.offset)
