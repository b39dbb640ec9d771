"""A list in a record becomes a row each, with the record's other fields beside it.

Rule: a parser around another one; what a record becomes is said by an Explode, and
all that this adds is ordinals, blocks and places. Invariants: every row and every
reject has an ordinal of its own, in reading order; a record whose list is missing or
empty is a row itself; a row's place is its record's, its raw bytes are its own, so
that one row read again brings none of its siblings. Strategy: blocks hold at most
ROWS rows, however many a record makes; a block that begins inside a block of the
inner parser starts where that does, and `exploded` in its state says how many
ordinals to pass over.
"""

from __future__ import annotations

import dataclasses
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from msgspec.structs import replace

from ..model import Block, Form, Origin, Position, Record, Reject
from .face import MAX_RECORD_BYTES, RAW_BYTES, Parser
from .jsonvalue import Problem

ROWS = 2048
"""How many rows a block holds at most, about."""

LARGEST_BLOCK = 4 * MAX_RECORD_BYTES
"""How many bytes of exploded rows a block holds at most, about: what is shaped at once is held at once."""

LARGEST = 64 * MAX_RECORD_BYTES
"""Bytes of all rows of one record, about: they repeat its other fields, so a record could fill any disk."""

_SAMPLED = 64
_EXPLODED = "exploded"


class Rows(NamedTuple):
    """Rows of one record, in order."""

    rows: list[Any]
    """Dicts; or, where `names` is given, tuples of values (see Block)."""
    names: tuple[str, ...] | None = None
    size: int = 0
    """Their bytes, about; 0 of a record that is a row itself."""


class Bad(NamedTuple):
    """An element that can be no row."""

    problem: Problem
    element: Any


Explode = Callable[[Record], Iterable[Rows | Bad] | None]
"""What a record becomes: pieces of at most about ROWS rows, and at least one; None for the record itself."""


class Exploding:
    """See `Parser`. Records are rows.

    Args:
        make: the inner parser, made for no wanted type, that begins at a position.
        start: see `MakeParser`.
        explode: what a record becomes.
    """

    def __init__(self, make: Callable[[Position], Parser], start: Position, explode: Explode) -> None:
        state = dict(start.state)
        self._passed: int = state.pop(_EXPLODED, 0)
        self._inner = make(replace(start, state=state))
        self._ordinal = start.base
        self._explode = explode

    def feed(self, data: bytes) -> Iterator[Block]:
        """Take the next bytes; give the blocks that are complete."""
        for block in self._inner.feed(data):
            yield from self._blocks(block)

    def flush(self) -> Iterator[Block]:
        """Give what is left."""
        for block in self._inner.flush():
            yield from self._blocks(block)

    def complete(self) -> Iterator[Block]:
        """Give the rows of the records that are whole."""
        for block in self._inner.complete():
            yield from self._blocks(block)

    def rest(self) -> Origin:
        """What the inner parser holds."""
        return self._inner.rest()

    def _blocks(self, inner: Block) -> Iterator[Block]:
        """The blocks that one of the inner parser becomes, but for those before the start."""
        passed, self._passed = self._passed, 0
        for block in _exploded(inner, self._explode, self._ordinal - passed):
            if block.start.base >= self._ordinal:
                self._ordinal = block.end
                yield block


def _exploded(inner: Block, explode: Explode, base: int) -> Iterator[Block]:
    records = inner.dicts()
    found = [explode(record) for record in records]
    if found.count(None) == len(found):
        yield _renumbered(inner, base)
        return
    made = _Made(inner, base, base)
    rejects = iter(inner.rejects)
    reject = next(rejects, None)
    for index, (ordinal, record) in enumerate(zip(inner.ordinals, records, strict=True)):
        while reject is not None and reject.ordinal < ordinal:
            made.rejected(reject)
            reject = next(rejects, None)
        pieces, made.parent = found[index], made.end
        for piece in [Rows([record])] if pieces is None else _limited(pieces):
            if made.is_full(piece):
                yield made.block()
                made = _Made(inner, base, made.end, made.parent)
            made.add(piece, index, exploded=pieces is not None)
        found[index] = None  # its rows need not be held any longer
    while reject is not None:
        made.rejected(reject)
        reject = next(rejects, None)
    yield made.block()


def _renumbered(inner: Block, base: int) -> Block:
    """A block of records that are rows as they are."""
    more = base - inner.start.base
    ordinals = inner.ordinals
    if isinstance(ordinals, range):
        moved: Any = range(ordinals.start + more, ordinals.stop + more)
    else:
        moved = [ordinal + more for ordinal in ordinals]
    return Block(
        start=replace(inner.start, base=base, ordinal=base),
        records=inner.records,
        ordinals=moved,
        end=inner.end + more,
        origin=inner.origin,
        rejects=[dataclasses.replace(reject, ordinal=reject.ordinal + more) for reject in inner.rejects],
        names=inner.names,
        odd=inner.odd,
        state=inner.state,
    )


def _limited(pieces: Iterable[Rows | Bad]) -> Iterator[Rows | Bad]:
    """The pieces of one record, up to LARGEST bytes of rows, small enough for a block: a few are measured."""
    size, count, each = 0, 0, 0
    for piece in pieces:
        if not isinstance(piece, Rows):
            yield piece
            continue
        first = -count % _SAMPLED or _SAMPLED
        measured = [len(_json(row, piece.names) or b"") for row in piece.rows[first - 1 :: _SAMPLED]]
        size += _SAMPLED * sum(measured)
        count += len(piece.rows)
        if size > LARGEST:
            yield Bad(_TOO_MANY, None)
            return
        each = max(measured, default=each)
        yield from _cut(piece, each)


def _cut(piece: Rows, each: int) -> Iterator[Rows]:
    """The piece in such that fit a block, if a row has `each` bytes."""
    most = max(1, LARGEST_BLOCK // max(1, each))
    for start in range(0, len(piece.rows), most):
        rows = piece.rows[start : start + most]
        yield Rows(rows, piece.names, each * len(rows))


class _Made:
    """A block while it is made.

    Args:
        inner: where it comes from.
        base: ordinal of the first row of `inner`.
        first: of its own first row.
        parent: of the first row of the record that is being added.
    """

    def __init__(self, inner: Block, base: int, first: int, parent: int = 0) -> None:
        self.parent = parent
        self._whole: tuple[int, Origin] | None = None
        self._inner = inner
        self._start = _start(inner.start, base, first)
        self._records: list[Any] = []
        self._ordinals: list[range] = []
        self._rejects: list[Reject] = []
        self._names: tuple[str, ...] | None = None
        self._size = 0
        self._firsts: list[int] = []
        self._parents: list[tuple[int, bool]] = []
        self.end = first

    def is_full(self, piece: Rows | Bad) -> bool:
        """Whether another block has to begin with this piece."""
        if isinstance(piece, Bad):
            return len(self._rejects) >= ROWS
        if not self._records:
            return False
        full = len(self._records) >= ROWS or self._size + piece.size > LARGEST_BLOCK
        return full or self._names != piece.names

    def rejected(self, reject: Reject) -> None:
        """Add a reject of the inner block."""
        self._rejects.append(dataclasses.replace(reject, ordinal=self.end))
        self.end += 1

    def add(self, piece: Rows | Bad, index: int, *, exploded: bool) -> None:
        """Add rows of the record at an index of the inner block, or what cannot be one."""
        if isinstance(piece, Bad):
            self._rejects.append(_reject(piece, self._origin_of(index), self.end, self.end - self.parent))
            self.end += 1
            return
        self._names = piece.names
        self._size += piece.size
        self._firsts.append(len(self._records))
        self._parents.append((index, exploded))
        self._records += piece.rows
        self._ordinals.append(range(self.end, self.end + len(piece.rows)))
        self.end += len(piece.rows)

    def block(self) -> Block:
        """The block."""
        first, ordinals = self._start.base, chain.from_iterable(self._ordinals)
        return Block(
            start=self._start,
            records=self._records,
            ordinals=list(ordinals) if self._rejects else range(first, self.end),
            end=self.end,
            origin=self._origin,
            rejects=self._rejects,
            names=self._names,
            odd=self._inner.odd,
            state=self._inner.start.state if self._inner.state is None else self._inner.state,
        )

    def _origin_of(self, index: int) -> Origin:
        """Of a record of the inner block: the same bytes, not a copy, for all its rejects."""
        if self._whole is None or self._whole[0] != index:
            self._whole = index, self._inner.origin(index)
        return self._whole[1]

    def _origin(self, index: int) -> Origin:
        parent, exploded = self._parents[bisect_right(self._firsts, index) - 1]
        where = self._inner.origin(parent)
        raw = _json(self._records[index], self._names) if exploded else None
        return where if raw is None else where._replace(raw=raw, form="record")


def _start(inner: Position, base: int, first: int) -> Position:
    state = {**inner.state, _EXPLODED: first - base} if first > base else inner.state
    return replace(inner, base=first, ordinal=first, state=state)


def _json(row: Any, names: tuple[str, ...] | None) -> bytes | None:
    """A row as JSON; None if that cannot be."""
    if names is not None:
        row = {name: value for name, value in zip(names, row, strict=True) if value is not None}
    try:
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")
    except (ValueError, TypeError, RecursionError):
        return None


def _reject(bad: Bad, where: Origin, ordinal: int, row: int) -> Reject:
    """The reject for an element, with its own bytes where they can be found in its record, and the record."""
    found = -1
    form: Form = "part" if bad.problem is _TOO_MANY else "source"
    if isinstance(bad.element, str):
        raw = json.dumps(bad.element, ensure_ascii=False).encode(errors="surrogatepass")
        found = where.raw.find(raw)
    if found < 0:
        raw, length = where.raw[:RAW_BYTES], len(where.raw)
        length = length if length > RAW_BYTES and form == "part" else -1
        return Reject(
            ordinal,
            where.offset,
            where.line,
            *bad.problem,
            raw,
            length,
            form,
            parent=None if form == "part" else where.raw,
            row=row,
        )
    line = None if where.line is None else where.line + where.raw.count(b"\n", 0, found)
    return Reject(ordinal, where.offset + found, line, *bad.problem, raw, parent=where.raw, row=row)


_TOO_MANY = Problem(
    "ExplodesTooFar",
    f"the rows of this record hold over {LARGEST:,} bytes in all, for they repeat its other fields; the rows "
    "after that are not made",
)


# -- explode: PATH ------------------------------------------------------------------------------------


def by_path(path: str) -> Explode:
    """Explode the list that a key or dotted path leads to, and every list on the way to it.

    A row is its record with an element in the place of the list, so that `events.a` finds what
    `{"events": [{"a": 1}, {"a": 2}]}` has. What has no such list, or an empty one, is a row as it is.
    """
    keys = tuple(path.split("."))

    def explode(record: Record) -> Iterator[Rows] | None:
        way = (path,) if path in record else keys
        return _batches(_rows(record, way)) if _leads_to_a_list(record, way) else None

    return explode


def _leads_to_a_list(record: Record, way: tuple[str, ...]) -> bool:
    value: Any = record
    for key in way:
        if not isinstance(value, dict):
            return False
        value = value.get(key)
        if isinstance(value, list):
            return bool(value)
    return False


def _rows(value: Any, way: tuple[str, ...]) -> Iterator[Any]:
    """`value` with each of its elements, where `way` leads to some."""
    inner = value.get(way[0]) if way and isinstance(value, dict) else None
    if isinstance(inner, list) and inner:
        for element in inner:
            for found in _rows(element, way[1:]):
                yield {**value, way[0]: found}
    elif isinstance(inner, dict):
        for found in _rows(inner, way[1:]):
            yield {**value, way[0]: found}
    else:
        yield value


def _batches(rows: Iterator[Any]) -> Iterator[Rows]:
    while batch := list(islice(rows, ROWS)):
        yield Rows(batch)
