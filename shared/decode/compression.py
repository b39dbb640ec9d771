"""Which compression is it, and its decoder.

Rule: the magic number decides, never a file's name. Invariant: bytes of a
compression that is not taken never reach a parser; they are a DecodeError that
says what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..errors import DecodeError
from .gzip import GzipDecoder
from .limits import RATIO_GRACE, pieces


class Caps(NamedTuple):
    """How far a compressed source may grow."""

    max_output: int
    max_ratio: float

    def check(self, taken: int, given: int) -> None:
        """Raise DecodeError if `taken` compressed bytes have become too many."""
        if given > self.max_output:
            raise DecodeError(
                f"the decompressed source is over the limit of {self.max_output:,} bytes; "
                "split it into smaller files",
                offset=taken,
            )
        if given > RATIO_GRACE and given > taken * self.max_ratio:
            raise DecodeError(
                f"over {self.max_ratio:g} bytes come out of each compressed byte: this looks like "
                "a decompression bomb and is not read any further",
                offset=taken,
            )


class Plain:
    """No compression."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bytes as they are."""
        return pieces(data)

    def flush(self) -> Iterator[bytes]:
        """Nothing is held back."""
        return iter(())


class Compression(NamedTuple):
    """One row of the registry."""

    magic: bytes
    make: Callable[[Caps], GzipDecoder | Plain] | None
    """None: known, but this version does not take it."""


COMPRESSIONS: dict[str, Compression] = {
    "gzip": Compression(b"\x1f\x8b\x08", lambda caps: GzipDecoder(caps.check)),
    # To add one: a class with feed() and flush() beside GzipDecoder, put here in the place of None.
    "zip": Compression(b"PK\x03\x04", None),
    "zip (empty)": Compression(b"PK\x05\x06\0\0\0\0", None),
    "zstd": Compression(b"\x28\xb5\x2f\xfd", None),
    "bzip2": Compression(b"BZh", None),
    "xz": Compression(b"\xfd7zXZ\0", None),
}
"""By name; the magic number is what a source begins with."""

_BZIP2_BLOCK = b"\x31\x41\x59\x26\x53\x59"
_HEAD = 10
"""Bytes that tell every row apart: bzip2's magic number goes on after its level digit."""


class Sniffer:
    """Holds the first few bytes back until they say which decoder is next.

    Args:
        compression: auto, none, or a name in COMPRESSIONS that has a decoder.
        caps: given to the decoder.
    """

    def __init__(self, compression: str, caps: Caps) -> None:
        accepted = ["auto", "none", *(name for name, row in COMPRESSIONS.items() if row.make)]
        if compression not in accepted:
            raise ValueError(f"compression {compression!r}: there are {', '.join(accepted)}")
        self._head = b""
        self._caps = caps
        self._asked = compression
        self._next: GzipDecoder | Plain | None = Plain() if compression == "none" else None

    @property
    def transparent(self) -> bool:
        """Whether the bytes are not compressed; False as long as that is not known."""
        return isinstance(self._next, Plain)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Bytes as they are stored in, decompressed out."""
        if self._next is not None:
            yield from self._next.feed(data)
            return
        self._head += data
        if len(self._head) >= _HEAD:
            yield from self._decide()

    def flush(self) -> Iterator[bytes]:
        """Whatever was held back."""
        if self._next is None:
            yield from self._decide()
        if self._next is not None:
            yield from self._next.flush()

    def _decide(self) -> Iterator[bytes]:
        """Choose the decoder, and feed it what was held back."""
        held = self._head
        self._next = self._choose(held)
        yield from self._next.feed(held)

    def _choose(self, head: bytes) -> GzipDecoder | Plain:
        name = _recognise(head)
        if head and self._asked not in {"auto", name}:
            raise DecodeError(f"the source is not {self._asked}: its magic number is missing", offset=0)
        if name is None:
            return Plain()
        make = COMPRESSIONS[name].make
        if make is None:
            raise DecodeError(
                f"the source is {name}-compressed, which this version does not take: "
                "store it as gzip or uncompressed",
                offset=0,
            )
        return make(self._caps)


def _recognise(head: bytes) -> str | None:
    for name, row in COMPRESSIONS.items():
        if head.startswith(row.magic) and (name != "bzip2" or head[4:10] == _BZIP2_BLOCK):
            return name
    return None
