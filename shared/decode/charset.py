"""Text in its charset to text in UTF-8.

Rule: nothing is lost and nothing is guessed: what cannot be a character becomes
bytes that are no valid UTF-8 either, so that the format rejects the one record
they stand in (InvalidUtf8) and the rest goes on. Invariant: no charset raises on
any bytes, and chunking never changes the joined output.

- utf-8 passes through as it is: the formats find what is invalid, record by record.
- utf-16, utf-16-le, utf-16-be: half a surrogate pair becomes its three-byte form (as
  in WTF-8), an odd last byte 0xFF.
- latin-1, windows-1252: every byte is a character; the five that windows-1252 leaves
  open are U+0081, U+008D, U+008F, U+0090 and U+009D, as browsers read them.

A byte order mark at the beginning is removed (utf-8, utf-16 of either kind).
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .limits import OUTPUT_CHUNK, pieces

if TYPE_CHECKING:
    from . import Stage

_INPUT = OUTPUT_CHUNK // 4
"""Bytes transcoded at a time: one byte becomes three at most, two become three."""

_NEVER_UTF8 = b"\xff"


class Utf8:
    """UTF-8 as it is, without its byte order mark.

    Args:
        at_start: False in the middle of a source, where the same bytes are a character.
    """

    def __init__(self, *, at_start: bool = True) -> None:
        self._head: bytes | None = b"" if at_start else None
        self.transparent = True
        """Whether what came out is byte for byte what went in."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bytes as they are."""
        if self._head is not None:
            data, self._head = self._head + data, None
            if len(data) < 3 and codecs.BOM_UTF8.startswith(data):
                self._head = data
                return
            self.transparent = not data.startswith(codecs.BOM_UTF8)
            data = data.removeprefix(codecs.BOM_UTF8)
        yield from pieces(data)

    def flush(self) -> Iterator[bytes]:
        """A byte order mark that was cut off is what it is: two bytes."""
        held, self._head = self._head, None
        if held:
            yield held


class Utf16:
    """UTF-16 to UTF-8.

    Args:
        order: "le" or "be", or "" to go by the byte order mark, little endian (as
            Windows writes it) where there is none.
    """

    def __init__(self, order: str) -> None:
        self._order = order
        self._name = ""
        self._head = b""
        self._decoder: codecs.IncrementalDecoder | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """UTF-16 in, UTF-8 out."""
        if self._decoder is None:
            self._head += data
            if len(self._head) < 2:
                return
            data = self._begin()
        for piece in pieces(data, _INPUT):
            yield from self._convert(piece)

    def flush(self) -> Iterator[bytes]:
        """What was held back; half a code unit is no character."""
        if self._decoder is None:
            if self._head:
                yield _NEVER_UTF8
            return
        held, _ = self._decoder.getstate()
        text = held[: len(held) // 2 * 2].decode(self._name, "surrogatepass")
        rest = text.encode("utf-8", "surrogatepass") + (_NEVER_UTF8 if len(held) % 2 else b"")
        if rest:
            yield rest

    def _begin(self) -> bytes:
        """Make the decoder; give the bytes that were held back, without their mark."""
        held, self._head = self._head, b""
        marks = {codecs.BOM_UTF16_LE: "le", codecs.BOM_UTF16_BE: "be"}
        order = marks.get(held[:2])
        if order is not None and self._order in {"", order}:
            self._order, held = order, held[2:]
        self._name = f"utf-16-{self._order or 'le'}"
        self._decoder = codecs.getincrementaldecoder(self._name)("surrogatepass")
        return held

    def _convert(self, piece: bytes) -> Iterator[bytes]:
        assert self._decoder is not None  # noqa: S101 - feed() has made it
        text = self._decoder.decode(piece)
        if text:
            yield text.encode("utf-8", "surrogatepass")


class SingleByte:
    """A charset of one byte a character to UTF-8.

    Args:
        table: the 256 characters.
    """

    def __init__(self, table: str) -> None:
        self._table = table

    def feed(self, data: bytes) -> Iterator[bytes]:
        """One byte in, one character out."""
        for piece in pieces(data, _INPUT):
            if piece.isascii():
                yield piece
            else:
                yield codecs.charmap_decode(piece, "strict", self._table)[0].encode()

    def flush(self) -> Iterator[bytes]:
        """Nothing is held back."""
        return iter(())


_LATIN_1 = bytes(range(256)).decode("latin-1")
_WINDOWS_1252 = "".join(
    bytes([byte]).decode("cp1252", "ignore") or chr(byte)  # the five open ones as browsers read them
    for byte in range(256)
)

CHARSETS: dict[str, Callable[[], Stage]] = {
    "utf-8": Utf8,
    "utf-16": lambda: Utf16(""),
    "utf-16-le": lambda: Utf16("le"),
    "utf-16-be": lambda: Utf16("be"),
    "latin-1": lambda: SingleByte(_LATIN_1),
    "windows-1252": lambda: SingleByte(_WINDOWS_1252),
}
"""Every charset that a route can name."""


def make_charset(charset: str, *, at_start: bool = True) -> Stage:
    """The stage that turns `charset` into UTF-8; `at_start`: whether a byte order mark may come.

    Raises:
        ValueError: no such charset; the message lists those there are.
    """
    if charset not in CHARSETS:
        raise ValueError(f"charset {charset!r}: there are {', '.join(CHARSETS)}")
    return CHARSETS[charset]() if at_start or charset != "utf-8" else Utf8(at_start=False)
