"""Sizes that the stages of a decoder share."""

from __future__ import annotations

from collections.abc import Iterator

OUTPUT_CHUNK = 1024 * 1024
"""No chunk that a decoder gives is longer, in bytes."""

RATIO_GRACE = 64 * 1024 * 1024
"""Bytes of output before a ratio is judged: a small file of blanks is no attack."""


def pieces(data: bytes, size: int = OUTPUT_CHUNK) -> Iterator[bytes]:
    """`data` in pieces of at most `size` bytes; without a copy where it is one."""
    if len(data) <= size:
        if data:
            yield data
        return
    with memoryview(data) as view:
        for start in range(0, len(data), size):
            yield bytes(view[start : start + size])
