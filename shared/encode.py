"""Rows in, batches out: the JSON arrays of the posts, and their gzip.

Rule: nothing here looks into a row. Invariants: a batch's array has at most
`limit` bytes; every row of the input is in exactly one batch or, if it alone is
over the limit, in that batch's rejects; cuts depend on the rows and the position
where the encoder began, not on how the input was chunked, so that a repeat from a
checkpoint sends the same batches (a span with over a megabyte of rejects is closed
early, at a block's end). Strategy: rows arrive as text, a line each, so a batch is
cut by looking for one newline, and an array of n bytes is `1 + n` bytes of lines:
the newlines become commas and the closing bracket.

Azure documents 1 MB a post, "both compressed and uncompressed" (Azure Monitor
service limits); staying under 1,000,000 raw bytes satisfies every reading of that.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec
from isal import isal_zlib

from .model import Batch, Block, Ordinals, Position, Reject, Rows, own_state

LIMIT = 1_000_000
_GZIP = 31
_REJECT_BYTES = 1_000_000
_REJECT_OVERHEAD = 100
"""What a reject takes besides its bytes; so a document has at most 10,000, and a block's."""
_IDLE_RECORDS = 100_000


class Encoder:
    """Batches for one stream, in one run over a source.

    Args:
        stream: the data collection rule's stream.
        start: where the run begins; records before `start.ordinal` are left out.
        limit: largest JSON array in bytes.
    """

    def __init__(self, stream: str, start: Position, limit: int = LIMIT) -> None:
        self._stream = stream
        self._limit = limit
        self._sequence = 0
        self._first = self._settled = start.ordinal
        self._last = start
        self._begin(start)

    def _begin(self, start: Position) -> None:
        self._start = start
        self._text: list[bytes] = []
        self._size = 1
        self._ordinals = Ordinals()
        self._filtered = 0
        self._rejects: list[Reject] = []
        self._reject_bytes = 0

    def add(self, rows: Rows) -> Iterator[Batch]:
        """Take a block's rows; give the batches that are full."""
        block = rows.block
        if block.end <= self._first:
            return
        if block.start.base < self._first:
            rows = _from(rows, self._first)
        place, index = 0, 0
        while place < len(rows.text):
            taken = self._take(rows, place, index)
            if taken is None:
                if self._ordinals:
                    self._settle(rows, rows.ordinals[index])
                    yield self._close(_at(rows, index))
                    continue
                taken = self._too_large(rows, place, index)
            place, index = taken
        self._settle(rows, block.end)
        self._last = msgspec.structs.replace(block.start, ordinal=block.end)
        if self._is_idle(block.end):
            yield self._close(self._last)

    def flush(self) -> Iterator[Batch]:
        """The source has ended: give what is left."""
        if self._last.ordinal > self._start.ordinal:
            yield self._close(self._last)

    # -- within a block -------------------------------------------------------------------------

    def _take(self, rows: Rows, place: int, index: int) -> tuple[int, int] | None:
        """Take as many whole rows as fit; None if not even one does."""
        room = self._limit - self._size
        text = rows.text
        if len(text) - place <= room:
            cut = len(text)
        else:
            cut = text.rfind(b"\n", place, place + room) + 1
        if cut <= place:
            return None
        whole = place == 0 and cut == len(text)
        count = len(rows.ordinals) if whole else text.count(b"\n", place, cut)
        self._text.append(text if whole else text[place:cut])
        self._size += cut - place
        self._ordinals.add(rows.ordinals[index : index + count])
        return cut, index + count

    def _too_large(self, rows: Rows, place: int, index: int) -> tuple[int, int]:
        end = rows.text.index(b"\n", place) + 1
        ordinal = rows.ordinals[index]
        size = end - place - 1
        detail = f"the row has {size:,} bytes as JSON; a post takes {self._limit - 2:,}"
        where = rows.block.origin(_index_of(rows, ordinal))
        reject = Reject(
            ordinal, where.offset, where.line, "RecordTooLarge", detail, where.raw, form=where.form
        )
        self._reject(reject, rows.block)
        return end, index + 1

    def _reject(self, reject: Reject, block: Block) -> None:
        """Keep a reject, with what it takes to read it by itself."""
        if reject.form == "source" or block.member:
            state = own_state(block) if reject.form == "source" else {}
            reject = replace(reject, state=state, member=block.member)
        self._rejects.append(reject)
        self._reject_bytes += len(reject.raw) + _REJECT_OVERHEAD

    def _settle(self, rows: Rows, end: int) -> None:
        """Count what was filtered and rejected between the last such count and `end`."""
        self._filtered += _between(rows.filtered, self._settled, end)
        for reject in rows.rejects:
            if self._settled <= reject.ordinal < end:
                self._reject(reject, rows.block)
        self._settled = end

    def _is_idle(self, end: int) -> bool:
        if self._reject_bytes > _REJECT_BYTES:
            return True
        return not self._ordinals and end - self._start.ordinal > _IDLE_RECORDS

    def _close(self, end: Position) -> Batch:
        batch = Batch(
            stream=self._stream,
            sequence=self._sequence,
            text=self._text,
            ordinals=self._ordinals,
            size=self._size,
            start=self._start,
            end=end,
            filtered=self._filtered,
            rejects=sorted(self._rejects, key=lambda r: r.ordinal),
        )
        self._sequence += 1
        self._begin(end)
        return batch


def _at(rows: Rows, index: int) -> Position:
    return msgspec.structs.replace(rows.block.start, ordinal=rows.ordinals[index])


def body(text: Sequence[bytes]) -> bytes:
    """The gzipped JSON array of rows given as lines, in pieces that each end with a line; at least one row.

    Piece by piece, so that no second copy of the whole is made.
    """
    gzip = isal_zlib.compressobj(1, isal_zlib.DEFLATED, _GZIP)
    out = [gzip.compress(b"[")]
    out += [gzip.compress(piece.replace(b"\n", b",")) for piece in text[:-1]]
    out.append(gzip.compress(text[-1][:-1].replace(b"\n", b",")))
    out.append(gzip.compress(b"]"))
    out.append(gzip.flush())
    return b"".join(out)


def _from(rows: Rows, ordinal: int) -> Rows:
    """Without the rows before `ordinal`: a checkpoint within this block covers them."""
    skip = bisect_left(rows.ordinals, ordinal)
    place = 0
    for _ in range(skip):
        place = rows.text.index(b"\n", place) + 1
    return replace(
        rows,
        text=rows.text[place:],
        ordinals=rows.ordinals[skip:],
    )


def _between(ordinals: Sequence[int], low: int, high: int) -> int:
    return bisect_left(ordinals, high) - bisect_left(ordinals, low)


def _index_of(rows: Rows, ordinal: int) -> int:
    return bisect_left(rows.block.ordinals, ordinal)
