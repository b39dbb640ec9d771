r"""JSON Lines: one JSON object a line.

Rule: lines are cut as bytes at \n and nowhere else (U+2028 is no line end, \r\n is
tolerated); a blank line is no record and has no ordinal; every other line is one
record or one reject. Strategy: a block of whole lines is decoded in one call; only
when that fails, or the lines are not one object each, line by line. Invariant: the
two ways give the same records.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from ..model import Block, Origin, Position, Reject
from .buffer import LineBuffer, LongLine
from .face import BLOCK_BYTES
from .jsonvalue import FAILED, OBJECT, Problem, needs_a_look, read_object, skips


class NdjsonOptions(
    msgspec.Struct, tag_field="type", tag="ndjson", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """One JSON object a line. No options.

    Blank lines are skipped. A line that is no JSON object is rejected on its own.
    """


class _Line(NamedTuple):
    """A line that is not blank, without its line end."""

    offset: int
    number: int
    raw: bytes


class _Lines:
    """A block's text and, when asked for, its lines."""

    def __init__(self, start: Position, text: bytes) -> None:
        self.start = start
        self.text = text

    @cached_property
    def lines(self) -> list[_Line]:
        """Lines that are not blank."""
        found, offset = [], self.start.offset
        for number, line in enumerate(self.text.split(b"\n"), self.start.line):
            raw = line.removesuffix(b"\r")
            if raw.strip(b" \t\r"):
                found.append(_Line(offset, number, raw))
            offset += len(line) + 1
        return found


class NdjsonParser:
    """See `Parser`. `Block.text` is given where every record of a block fits `want`."""

    def __init__(self, options: NdjsonOptions, start: Position, want: type | None = None) -> None:
        self._buffer = LineBuffer(start)
        self._ordinal = start.base
        self._typed: msgspec.json.Decoder[Any] | None = None
        self._skips = want is None or skips(want)
        if want is not None:
            self._typed = msgspec.json.Decoder(want)

    def feed(self, data: bytes) -> Iterator[Block]:
        """Take the next bytes; give the blocks that are complete."""
        self._buffer.push(data)
        yield from self._blocks(ended=False)

    def flush(self) -> Iterator[Block]:
        """Give what is left; a last line without its newline is a record too."""
        yield from self._blocks(ended=True)

    def complete(self) -> Iterator[Block]:
        """Give the whole lines that are left."""
        yield from self._blocks(ended=False)
        size = self._buffer.data.rfind(b"\n") + 1
        if size:
            yield from self._block(size)

    def rest(self) -> Origin:
        """What is held of an unfinished line."""
        return self._buffer.rest()

    def _blocks(self, *, ended: bool) -> Iterator[Block]:
        buffer = self._buffer
        while True:
            long = buffer.long_line(ended=ended)
            if long is not None:
                yield self._too_long(long)
                continue
            size = buffer.lines(BLOCK_BYTES, ended=ended)
            if not size:
                return
            yield from self._block(size)

    def _too_long(self, long: LongLine) -> Block:
        start = Position(offset=long.offset, base=self._ordinal, line=long.line, ordinal=self._ordinal)
        reject = long.reject(self._ordinal)
        self._ordinal += 1
        return Block(start, [], [], self._ordinal, _no_record, [reject])

    def _block(self, size: int) -> Iterator[Block]:
        """The block of the next `size` bytes; none if they are blank."""
        base = self._ordinal
        start = Position(offset=self._buffer.offset, base=base, line=self._buffer.line, ordinal=base)
        source = _Lines(start, self._buffer.take(size))
        newlines = self._buffer.line - start.line
        block = self._at_once(source, newlines) or self._one_by_one(source)
        self._ordinal = block.end
        if block.end > base:
            yield block

    def _at_once(self, source: _Lines, newlines: int) -> Block | None:
        """All lines in one call, if each is one object."""
        text, count = source.text, newlines
        if not text.endswith(b"\n"):
            text, count = text + b"\n", count + 1
        if not _is_an_object_a_line(text, count):
            return None
        records, typed = self._decode(text)
        if records is None or len(records) != count:
            return None
        base = source.start.base
        return Block(
            start=source.start,
            records=records,
            ordinals=range(base, base + count),
            end=base + count,
            origin=lambda index: Origin(*source.lines[index]),
            typed=typed,
            text=text if typed else None,
        )

    def _decode(self, text: bytes) -> tuple[list[Any] | None, bool]:
        if self._typed is not None and self._is_seen(text):
            try:
                return self._typed.decode_lines(text), True
            except FAILED:
                pass  # one record at least does not fit: all of them as dicts
        try:
            return OBJECT.decode_lines(text), False
        except FAILED:
            return None, False

    def _is_seen(self, text: bytes) -> bool:
        """Whether msgspec sees every value of `text`, or would find nothing where it does not look."""
        return not self._skips or not needs_a_look(text)

    def _one_by_one(self, source: _Lines) -> Block:
        lines, base = source.lines, source.start.base
        fitting = self._fitting(source)
        if fitting is not None:
            return Block(
                start=source.start,
                records=fitting,
                ordinals=range(base, base + len(lines)),
                end=base + len(lines),
                origin=lambda index: Origin(*lines[index]),
                typed=True,
                text=b"".join([line.raw + b"\n" for line in lines]),
            )
        kept: list[tuple[int, dict[str, Any]]] = []
        rejects = []
        for index, line in enumerate(lines):
            record = read_object(line.raw)
            if isinstance(record, Problem):
                rejects.append(_reject(base + index, line, _at_the_end(record, source, line)))
            else:
                kept.append((index, record))
        return Block(
            start=source.start,
            records=[record for _, record in kept],
            ordinals=[base + index for index, _ in kept] if rejects else range(base, base + len(lines)),
            end=base + len(lines),
            origin=lambda index: Origin(*lines[kept[index][0]]),
            rejects=rejects,
        )

    def _fitting(self, source: _Lines) -> list[Any] | None:
        """The lines' records as instances of the wanted type, if all of them fit."""
        if self._typed is None or not source.lines or not self._is_seen(source.text):
            return None
        try:
            return [self._typed.decode(line.raw) for line in source.lines]
        except FAILED:
            return None


def _is_an_object_a_line(text: bytes, count: int) -> bool:
    r"""Whether text that msgspec reads as `count` values has one on each of its `count` lines.

    Between `}` and `{` nothing can stand inside a JSON value but a comma, so every
    }\n{ is a boundary between two values. Blank lines and spaces around a record
    answer False: such blocks go line by line.
    """
    if not (text.startswith(b"{") and text.endswith((b"}\n", b"}\r\n"))):
        return False
    found = text.count(b"}\n{")
    return found == count - 1 or found + text.count(b"}\r\n{") == count - 1


def _reject(ordinal: int, line: _Line, problem: Problem) -> Reject:
    return Reject(ordinal, line.offset, line.number, problem.reason, problem.detail, line.raw)


def _at_the_end(problem: Problem, source: _Lines, line: _Line) -> Problem:
    """A last line that has no newline and stops in the middle was cut off, not written wrongly."""
    cut = line is source.lines[-1] and not source.text.endswith(b"\n")
    if cut and problem == ("InvalidJson", "the text ends in the middle of a value"):
        return Problem("TruncatedInput", "the input ends in the middle of this record")
    return problem


def _no_record(index: int) -> Origin:
    raise IndexError(index)
