"""What was read of a source, as hashes, so that a later version can be held against it.

Rule: the first and the last `MARK_BYTES` that were read tell whether another version
begins with them. Invariant: no content is kept for longer than a run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from ..ledger.entry import Marks

MARK_BYTES = 4_096
"""How much of a source's beginning, and of what was read last, is remembered as a hash."""


class Seen:
    """What a run reads of a source, in order."""

    def __init__(self) -> None:
        self._head = b""
        self._last = (0, b"")

    def see(self, start: int, data: bytes) -> None:
        """Bytes were read at an offset."""
        if start == len(self._head) < MARK_BYTES:
            self._head += data[: MARK_BYTES - start]
        kept = self._last[1] if len(data) < MARK_BYTES and self._last[0] == start else b""
        self._last = (start + len(data), (kept + data)[-MARK_BYTES:])

    def marks(self, before: Marks) -> Marks:
        """What has been read so far; `before` are the marks of the run that this one goes on from."""
        end, tail = self._last
        if not end:
            return before
        head, length = (
            (digest(self._head), len(self._head)) if self._head else (before.head, before.head_bytes)
        )
        return Marks(end, head, length, digest(tail), len(tail), newline=tail.endswith(b"\n"))


def whole(size: int, read: Callable[[int, int], bytes]) -> Marks:
    """The marks of a whole version.

    Args:
        size: its bytes.
        read: gives those from one offset to before another.
    """
    head = read(0, min(MARK_BYTES, size))
    tail = read(max(size - MARK_BYTES, 0), size)
    return Marks(size, digest(head), len(head), digest(tail), len(tail), newline=tail.endswith(b"\n"))


def begins_with(marks: Marks, size: int, read: Callable[[int, int], bytes]) -> bool:
    """Whether a version of `size` bytes begins with what left these marks. Arguments as of `whole`."""
    if not marks.end or size < marks.end:
        return False
    same_head = not marks.head_bytes or digest(read(0, marks.head_bytes)) == marks.head
    return same_head and digest(read(marks.end - marks.tail_bytes, marks.end)) == marks.tail


def digest(data: bytes) -> str:
    """The first 16 bytes of SHA-256, as hex digits."""
    return hashlib.sha256(data).hexdigest()[:32]
