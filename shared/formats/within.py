"""One element of a record, out of all that the record around it becomes.

Rule: a record is read once for all its elements that are asked for one after the
other. Invariants: an element is what it would be if its record were read for it
alone; one block is held at a time, however much a record becomes. Strategy: the
blocks are walked as the elements are asked for, whose places ascend; one that lies
behind has its record read from the start once more.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from msgspec import structs

from ..model import Block, Origin, Reject


class Within:
    """Reads the records around rejects."""

    def __init__(self) -> None:
        self._around: Any = None
        self._first: Reject | None = None
        self._row = 0
        self._blocks: Iterator[Block] = iter(())
        self._block: Block | None = None

    def element(self, reject: Reject, how: Any, read: Callable[[], Iterator[Block]]) -> Iterator[Block]:
        """The block of what a reject stands for; none if its record does not become so much.

        Args:
            reject: has a parent.
            how: what else the blocks follow from.
            read: reads the parent, as if it stood at the reject's place.
        """
        around = (reject.parent, how)
        if self._first is None or around != self._around or reject.row < self._row:
            self._around, self._first, self._block, self._blocks = around, reject, None, read()
        self._row = reject.row
        wanted = self._first.ordinal + reject.row
        while self._block is None or self._block.end <= wanted:
            self._block = next(self._blocks, None)
            if self._block is None:
                return
        if self._block.start.base <= wanted:
            yield _single(self._block, wanted, reject, self._first)


def _single(block: Block, wanted: int, reject: Reject, first: Reject) -> Block:
    """The block of one record, or one reject, of another block, which was read for `first`."""
    offset, line = reject.offset - first.offset, (reject.line or 1) - (first.line or 1)

    def moved(where: Origin) -> Origin:
        return where._replace(
            offset=where.offset + offset, line=None if where.line is None else where.line + line
        )

    index = _find(block.ordinals, wanted)
    found = slice(0) if index is None else slice(index, index + 1)
    start = block.start
    return replace(
        block,
        start=structs.replace(
            start,
            offset=start.offset + offset,
            line=start.line + line,
            base=reject.ordinal,
            ordinal=reject.ordinal,
        ),
        records=replace(block, records=block.records[found], text=None).dicts(),
        ordinals=[reject.ordinal] * len(block.ordinals[found]),
        end=reject.ordinal + 1,
        origin=lambda _: moved(block.origin(index or 0)),
        rejects=[replace(r, ordinal=reject.ordinal) for r in block.rejects if r.ordinal == wanted],
        names=None,
        text=None,
        state=dict(reject.state),
    )


def _find(ordinals: Sequence[int], wanted: int) -> int | None:
    """The index of an ordinal among ascending ones."""
    index = bisect_left(ordinals, wanted)
    return index if index < len(ordinals) and ordinals[index] == wanted else None
