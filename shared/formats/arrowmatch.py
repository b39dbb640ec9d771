r"""Checked patterns over many texts at once, by Arrow's RE2.

Rule: what a pattern finds here is what google-re2 finds; a test holds both to each
other. Strategy: a window's texts are one Arrow array, so that one call matches all
of them and builds the values of a group side by side; Python sees whole columns.
Arrow is some 0.2 s to load: nothing imports this module before there is something
to parse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from .patterns import Pattern


class Found(NamedTuple):
    """What a pattern found in each of some texts."""

    rows: list[tuple[str, ...]]
    """The groups of each text that matches."""
    hits: Sequence[int]
    """Which texts match."""
    misses: Sequence[int]
    """Which do not."""


def extract(texts: Sequence[str], pattern: Pattern) -> Found:
    """The groups of the texts that match as a whole; a group that took no part is ""."""
    found = pc.extract_regex(pa.array(texts, pa.string()), pattern.whole)
    hits: Sequence[int] = range(len(texts))
    misses: Sequence[int] = ()
    if found.null_count:
        hits = pc.indices_nonzero(found.is_valid()).to_pylist()
        misses = pc.indices_nonzero(found.is_null()).to_pylist()
        found = found.drop_null()
    columns = [column.to_pylist() for column in found.flatten()]
    return Found(list(zip(*columns, strict=True)), hits, misses)


def contain(texts: Sequence[str], pattern: Pattern) -> list[bool]:
    """Whether a match is anywhere in each text."""
    found = pc.match_substring_regex(pa.array(texts, pa.string()), pattern=pattern.text)
    return found.to_pylist()  # type: ignore[no-any-return]


def line_starts(text: bytes, pattern: str, *, matching: bool) -> list[tuple[int, int]]:
    r"""Lines of `text` that match somewhere, or those that do not.

    Args:
        text: lines that end in \n, the last one perhaps without; bytes that are not
            UTF-8 match nothing.
        pattern: for RE2.
        matching: whether the lines that match are wanted, or the others.

    Returns:
        Each line's index and where it begins.
    """
    size = len(text) - text.endswith(b"\n")
    ends = pa.array([0, size], pa.int32()).buffers()[1]
    whole = pa.StringArray.from_buffers(1, ends, pa.py_buffer(text))
    lines = pc.split_pattern(whole, "\n").flatten()
    wanted = pc.match_substring_regex(lines, pattern)
    indexes = pc.indices_nonzero(wanted if matching else pc.invert(wanted))
    # The offsets of the lines in Arrow's own copy, which has no newlines between them.
    offsets = pa.Array.from_buffers(pa.int32(), len(lines) + 1, [None, lines.buffers()[1]])
    starts = pc.add(offsets.take(indexes), indexes.cast(pa.int32()))
    return list(zip(indexes.to_pylist(), starts.to_pylist(), strict=True))
