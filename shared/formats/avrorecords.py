"""The records of one Avro block.

Rule: a block whose records cannot be read to the end gives those before the damage
and one Problem for the rest of it: nothing marks where an Avro record begins, so
what follows the damage cannot be told apart. Invariants: a record is never read
beyond MAX_RECORD_BYTES; a piece is cut by the bytes alone, so that one begun again
at its first record is the same. Strategy: the whole block in one call, where it is
small and has nothing odd; else record by record, in pieces of about BLOCK_BYTES.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from .avroschema import Schema
from .face import BLOCK_BYTES, MAX_RECORD_BYTES
from .jsonvalue import Problem
from .records import Bad

AT_ONCE = 1024 * 1024
"""Bytes of a block that is read in one call. In memory a record is up to 70 times as large."""

_encoder = msgspec.json.Encoder()
_INVALID_UTF8 = Problem("InvalidUtf8", "a string of the record is not valid UTF-8")


@dataclass(slots=True)
class Piece:
    """A run of records of one block."""

    first: int
    """Number of the first one in its block."""
    records: list[Any] = field(default_factory=list)
    """Values as fastavro gives them; Bad where one is to be rejected."""
    odd: bool = False
    """Whether there may be a NaN or an Infinity."""
    damage: Problem | None = None
    """Why no record after these could be read."""
    last: bool = True
    """Whether nothing of the block comes after this piece."""


def pieces(schema: Schema, content: bytes, count: int, skip: int) -> Iterator[Piece]:
    """The records of a block from number `skip` on.

    Args:
        schema: the file's.
        content: the block's, unpacked.
        count: how many records the block says it has.
        skip: where an earlier piece ended.
    """
    if len(content) <= AT_ONCE and not skip:
        records = schema.read_all(count, content)
        if records is not None:
            yield Piece(0, records)
            return
    yield from _one_by_one(_Reading(schema, content), count, skip)


def _one_by_one(reading: _Reading, count: int, skip: int) -> Iterator[Piece]:
    piece, began = Piece(skip), 0
    for number in range(count):
        try:
            record = reading.next()
        except Exception as error:
            piece.damage = _damage(error, reading, number, count)
            yield piece
            return
        if number < skip:
            began = reading.at
            continue
        if reading.at - began > BLOCK_BYTES and piece.records:
            piece.last = False
            yield piece
            piece, began = Piece(number), reading.before
        piece.odd = piece.odd or reading.is_odd(record)
        piece.records.append(record if _is_text(record) else Bad(record, _INVALID_UTF8))
    if reading.left:
        detail = f"the block has {reading.left:,} bytes after its last record, which are no record"
        piece.damage = Problem("CorruptBlock", detail)
    yield piece


class _Reading:
    """Reads one record after the other, each from at most MAX_RECORD_BYTES."""

    def __init__(self, schema: Schema, content: bytes) -> None:
        self._schema = schema
        self._content = content
        self._open(0)
        self.at = self.before = 0

    def next(self) -> Any:
        """The next record. Raises whatever fastavro raises on bytes that are none."""
        self.before = self.at
        try:
            record = self._schema.read(self._source)
        except Exception:
            if self.at == self._from:
                raise
            self._open(self.at)  # it may only have run into the window's end
            record = self._schema.read(self._source)
        self.at = self._from + self._source.tell()
        return record

    def _open(self, at: int) -> None:
        self._from = at
        self._source = io.BytesIO(self._content[at : at + MAX_RECORD_BYTES])

    @property
    def left(self) -> int:
        """Bytes that nothing was made of yet."""
        return len(self._content) - self.at

    def is_odd(self, record: Any) -> bool:
        """Whether there is a float in it that is no finite number."""
        return self._schema.floats and _has_odd(record)


def _damage(error: Exception, reading: _Reading, number: int, count: int) -> Problem:
    if isinstance(error, RecursionError):
        reason, why = "TooDeep", "it is nested too deep"
    elif reading.left > MAX_RECORD_BYTES:
        reason, why = "RecordTooLong", f"it has more than {MAX_RECORD_BYTES:,} bytes, or is damaged"
    else:
        reason, why = "CorruptBlock", "the block is damaged here, or before"
    detail = f"record {number + 1:,} of the block's {count:,} cannot be read, so none after it can: {why}"
    return Problem(reason, detail)


def _has_odd(value: Any) -> bool:
    kind = type(value)
    if kind is float:
        return not math.isfinite(value)
    if kind is dict:
        return any(map(_has_odd, value.values()))
    return kind is list and any(map(_has_odd, value))


def _is_text(record: Any) -> bool:
    try:
        _encoder.encode(record)
    except UnicodeEncodeError:
        return False
    except (RecursionError, ValueError, OverflowError):
        return True  # the shaper has its own word for these
    return True
