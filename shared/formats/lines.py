r"""Formats whose records are lines, or runs of lines.

Rule: lines are cut as bytes at \n and nowhere else; \r before it belongs to the line
end; a line of nothing but spaces and tabs is no record and has no ordinal. Invariant:
a block is cut by the bytes alone, and everything in its text is in a record, in a
reject, or is a line that the format knows to be none. Strategy: a format on top of
this gets a window of whole lines at a time and answers for all of them in one call;
where a record may span lines it says how much of a window is whole records.

    LineParser      windows of whole lines, long lines, the break; `read` gives blocks
    TextParser      one record a line: `values` gives a record or a Problem for each; `taken`
                    may give all of them as columns
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from ..model import Block, Origin, Position, Reject, Table
from .buffer import LineBuffer, LongLine
from .face import BLOCK_BYTES, MAX_RECORD_BYTES
from .jsonvalue import Problem

BLANK = " \t\r"
"""A line of these alone is blank."""

_BLANK = BLANK.encode()

Columns = dict[str, Sequence[Any]]
"""By name, a value for each record, None where it has none; at least one column."""


class Line(NamedTuple):
    """A line that is not blank, without its line end."""

    offset: int
    number: int
    raw: bytes


class Lines:
    """A window's text and, when asked for, its lines.

    Args:
        start: of the block that begins here.
        text: whole lines; the source's last one may lack its newline.
    """

    def __init__(self, start: Position, text: bytes) -> None:
        self.start = start
        self.text = text

    @cached_property
    def lines(self) -> list[Line]:
        """Lines that are not blank."""
        found, offset = [], self.start.offset
        for number, line in enumerate(self.text.split(b"\n"), self.start.line):
            raw = line.removesuffix(b"\r")
            if raw.strip(_BLANK):
                found.append(Line(offset, number, raw))
            offset += len(line) + 1
        return found

    def texts(self) -> list[str] | None:
        """The same lines as text; None if any of them is not valid UTF-8."""
        try:
            text = self.text.decode()
        except UnicodeDecodeError:
            return None
        if "\r" in text:
            text = text.replace("\r\n", "\n").removesuffix("\r")
        lines = text.removesuffix("\n").split("\n")
        # str.strip takes more for a blank than this module does; so it can tell at once that there is none.
        return lines if all(map(str.strip, lines)) else [line for line in lines if line.strip(BLANK)]


class LineParser:
    """See `Parser`. A format overrides `read`, and `whole` where a record may span lines."""

    def __init__(self, start: Position) -> None:
        self._buffer = LineBuffer(start)
        self._ordinal = start.base
        self._window = BLOCK_BYTES

    # -- what a format says -----------------------------------------------------------------

    def read(self, source: Lines) -> Iterator[Block]:
        """The blocks of a window; none of it may be left out. Their ordinals begin at `source.start.base`."""
        raise NotImplementedError

    def whole(self, text: bytes, *, last: bool) -> int:
        """How many bytes of a window are whole records; 0 if that takes more bytes.

        Args:
            text: whole lines.
            last: whether nothing comes after them, or more would be too much for one record.
        """
        del last
        return len(text)

    def state(self) -> dict[str, Any]:
        """What has to be known to begin again at the next byte: `Position.state` of the next block."""
        return {}

    def long(self, line: LongLine) -> Reject | None:
        """The reject for a line over MAX_RECORD_BYTES; None if it is no record."""
        return line.reject(self._ordinal)

    # -- Parser -----------------------------------------------------------------------------

    def feed(self, data: bytes) -> Iterator[Block]:
        """Take the next bytes; give the blocks that are complete."""
        self._buffer.push(data)
        yield from self._blocks(ended=False)

    def flush(self) -> Iterator[Block]:
        """Give what is left; a last line without its newline is a line too."""
        yield from self._blocks(ended=True)

    def complete(self) -> Iterator[Block]:
        """Give the whole records that are left."""
        yield from self._blocks(ended=False)
        size = self._buffer.data.rfind(b"\n") + 1
        size = size and self.whole(self._buffer.peek(size), last=False)
        if size:
            yield from self._window_of(size)

    def rest(self) -> Origin:
        """What is held of an unfinished record."""
        return self._buffer.rest()

    def position(self, offset: int, line: int) -> Position:
        """A block's start."""
        return Position(
            offset=offset, base=self._ordinal, line=line, ordinal=self._ordinal, state=self.state()
        )

    def _blocks(self, *, ended: bool) -> Iterator[Block]:
        buffer = self._buffer
        while True:
            long = buffer.long_line(ended=ended)
            if long is not None:
                yield from self._too_long(long)
                continue
            size = buffer.lines(self._window, ended=ended)
            if not size:
                return
            last = ended and size == len(buffer.data)
            if not last:
                found = self.whole(buffer.peek(size), last=self._window >= MAX_RECORD_BYTES)
                if not found:
                    self._window = min(2 * self._window, MAX_RECORD_BYTES)
                    continue
                size = found
            yield from self._window_of(size)

    def _too_long(self, long: LongLine) -> Iterator[Block]:
        start = self.position(long.offset, long.line)
        reject = self.long(long)
        if reject is not None:
            self._ordinal += 1
            yield Block(start, [], [], self._ordinal, no_record, [reject])

    def _window_of(self, size: int) -> Iterator[Block]:
        start = self.position(self._buffer.offset, self._buffer.line)
        self._window = BLOCK_BYTES
        for block in self.read(Lines(start, self._buffer.take(size))):
            self._ordinal = block.end
            if block.end > block.start.base:
                yield block


class TextParser(LineParser):
    """One record a line. A format overrides `values`."""

    names: tuple[str, ...] | None = None
    """What the values of a record are called, where `values` gives tuples; None where it gives dicts."""

    def taken(self, lines: Sequence[str]) -> Columns | list[Any]:
        """At least one line taken apart: columns if all are records and alike, else what `values` gives."""
        return self.values(lines)

    def values(self, lines: Sequence[str]) -> list[Any]:
        """For each line a dict, a tuple of values for `names`, or a Problem."""
        raise NotImplementedError

    def read(self, source: Lines) -> Iterator[Block]:
        """One block for the window."""
        texts = source.texts()
        found = self._one_by_one(source) if texts is None else self.taken(texts) if texts else []
        if isinstance(found, dict):
            yield table_of(source, found)
        else:
            yield block_of(source, found, self.names)

    def _one_by_one(self, source: Lines) -> list[Any]:
        """A window with a line that is not UTF-8: that line is rejected, and no other."""
        texts: list[str] = []
        bad: dict[int, Problem] = {}
        for index, line in enumerate(source.lines):
            try:
                texts.append(line.raw.decode())
            except UnicodeDecodeError as invalid:
                bad[index] = invalid_utf8(invalid)
        values = iter(self.values(texts))
        return [bad[index] if index in bad else next(values) for index in range(len(source.lines))]


def table_of(source: Lines, columns: Columns) -> Block:
    """A block of records that are all there: one for each line of `source`."""
    table = Table(list(columns.values()))
    base, end = source.start.base, source.start.base + len(table)
    return Block(
        start=source.start,
        records=table,
        ordinals=range(base, end),
        end=end,
        origin=lambda index: Origin(*source.lines[index]),
        names=tuple(columns),
    )


def block_of(source: Lines, found: list[Any], names: tuple[str, ...] | None) -> Block:
    """A block of one record or Problem for each line of `source`."""
    base, end = source.start.base, source.start.base + len(found)
    kept = [index for index, value in enumerate(found) if type(value) is not Problem]
    if len(kept) == len(found):
        return Block(
            start=source.start,
            records=found,
            ordinals=range(base, end),
            end=end,
            origin=lambda index: Origin(*source.lines[index]),
            names=names,
        )
    return Block(
        start=source.start,
        records=[found[index] for index in kept],
        ordinals=[base + index for index in kept],
        end=end,
        origin=lambda index: Origin(*source.lines[kept[index]]),
        rejects=[
            reject_of(base + index, source.lines[index], value)
            for index, value in enumerate(found)
            if type(value) is Problem
        ],
        names=names,
    )


def reject_of(ordinal: int, line: Line, problem: Problem) -> Reject:
    """The reject that stands for a line."""
    return Reject(ordinal, line.offset, line.number, problem.reason, problem.detail, line.raw)


def invalid_utf8(error: UnicodeDecodeError) -> Problem:
    """Why a record is no text."""
    detail = f"byte {error.start} of the record is not valid UTF-8; see the route's charset"
    return Problem("InvalidUtf8", detail)


def no_record(index: int) -> Origin:
    """The origin of a block that has no records."""
    raise IndexError(index)
