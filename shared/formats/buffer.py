"""The bytes that a parser holds and has not given yet.

Rule: a buffer knows where its first byte stands in the source (offset and line)
and keeps that right whatever is taken. Invariant: a line longer than
MAX_RECORD_BYTES is never held: its beginning and its length are.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model import Origin, Position, Reject
from .face import MAX_RECORD_BYTES, RAW_BYTES


class LongLine(NamedTuple):
    """A line that was dropped while it was read; its newline belongs to it."""

    offset: int
    line: int
    raw: bytes
    length: int
    """Without the newline."""

    def reject(self, ordinal: int) -> Reject:
        """The reject that stands for it."""
        detail = f"the record has {self.length:,} bytes; the limit is {MAX_RECORD_BYTES:,}"
        return Reject(ordinal, self.offset, self.line, "RecordTooLong", detail, self.raw, self.length)


class LineBuffer:
    """Bytes in, whole lines out.

    Args:
        start: where the first byte to come stands.
    """

    def __init__(self, start: Position) -> None:
        self.data = bytearray()
        self.offset = start.offset
        self.line = start.line
        self._long: LongLine | None = None
        self._looked = 0

    def push(self, data: bytes) -> None:
        """Add what was read; the rest of a long line is dropped at once."""
        if self._long is None:
            self.data += data
            return
        end = data.find(b"\n")
        grown = len(data) if end < 0 else end
        self._long = self._long._replace(length=self._long.length + grown)
        self.offset += grown
        if end >= 0:
            self.data += memoryview(data)[end:]

    def take(self, size: int) -> bytes:
        """Remove the first `size` bytes and give them."""
        with memoryview(self.data) as view:
            taken = bytes(view[:size])
        del self.data[:size]
        self.offset += size
        self.line += taken.count(b"\n")
        self._looked = 0
        return taken

    def peek(self, size: int) -> bytes:
        """The first `size` bytes, which stay."""
        with memoryview(self.data) as view:
            return bytes(view[:size])

    def lines(self, limit: int, *, ended: bool) -> int:
        """Size of the whole lines in the first `limit` bytes, or of the first line if that is longer.

        0 if that cannot be said yet: fewer bytes than `limit` are there and more may
        come. So the answer depends on the bytes alone, not on how they arrived.
        """
        if ended and len(self.data) < limit:
            return len(self.data)
        if len(self.data) < limit:
            return 0
        size = self.data.rfind(b"\n", 0, limit) + 1 if self._looked < limit else 0
        if not size:
            size = self.data.find(b"\n", max(self._looked, limit)) + 1
            self._looked = 0 if size else len(self.data)
        return size or (len(self.data) if ended else 0)

    def long_line(self, *, ended: bool) -> LongLine | None:
        """The long line at the front, once its end is known; what is over the limit is dropped."""
        if self._long is None and len(self.data) > MAX_RECORD_BYTES:
            self._measure()
        if self._long is None or not (self.data or ended):
            return None
        found, self._long = self._long, None
        if self.data:
            self.take(1)
        return found

    def _measure(self) -> None:
        end = self.data.find(b"\n", 0, MAX_RECORD_BYTES + 1)
        if end >= 0:
            return
        end = self.data.find(b"\n", MAX_RECORD_BYTES + 1)
        length = len(self.data) if end < 0 else end
        self._long = LongLine(self.offset, self.line, self.peek(RAW_BYTES), length)
        self.take(length)

    def rest(self) -> Origin:
        """Everything that is held, or the beginning of the long line being dropped."""
        if self._long is not None:
            return Origin(self._long.offset, self._long.line, self._long.raw)
        return Origin(self.offset, self.line, self.peek(MAX_RECORD_BYTES))
