r"""CSV and TSV: rows of fields.

Rule: a field in quotes may hold newlines, so a row ends where csv.reader says and
not at every newline. Invariants: a block ends with a row; an open quote never
makes memory grow beyond MAX_RECORD_BYTES nor costs more than one line. Strategy:
rows of a block of whole lines are read in one call; if its last row is not whole,
the block ends before it; if its first row is not whole either, more is taken in.

An open quote that nothing closes within MAX_RECORD_BYTES costs the line that it
stands in (UnclosedQuote); up to where it had been looked for, rows must then end
with their lines, because to look again from every line would take for ever.

A header row of more than MOST_COLUMNS fields is rejected (TooManyFields); there are no
columns then, and what `on_ragged` says becomes of the rows.

Lines are numbered by \n. An invalid byte costs its row (InvalidUtf8); in a header
row it becomes U+FFFD.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

from ..model import Block, Origin, Position, Record, Reject
from .buffer import LineBuffer, LongLine
from .csvoptions import CsvOptions, TsvOptions
from .csvrows import Row, RowReader, split_lines
from .face import BLOCK_BYTES, MAX_RECORD_BYTES, RAW_BYTES
from .jsonvalue import Problem
from .names import MOST_COLUMNS, unique

__all__ = ["SURPLUS", "CsvOptions", "DelimitedParser", "TsvOptions"]

SURPLUS = "_surplus"
"""Where `on_ragged: pad` puts fields for which there is no column."""


class DelimitedParser:
    """See `Parser`. Records are rows named by the header; where anything is odd in a block, dicts."""

    def __init__(self, options: CsvOptions, start: Position, want: type | None = None) -> None:
        del want  # fields have no types
        self._options = options
        self._buffer = LineBuffer(start)
        self._rows = RowReader(options)
        self._spanning = [c.encode() for c in (options.quote, options.escape) if c]
        self._ordinal = start.base
        self._one_line_until: int = start.state.get("one_line_until", 0)
        self._window = BLOCK_BYTES
        self._header: list[str] | None = start.state.get("header")
        begun = self._header is not None or start.state.get("skipped", False)
        self._skip = 0 if begun else options.skip_lines
        if self._header is None and not options.header:
            self._header = list(options.names)

    def feed(self, data: bytes) -> Iterator[Block]:
        """Take the next bytes; give the blocks that are complete."""
        self._buffer.push(data)
        yield from self._blocks(ended=False)

    def flush(self) -> Iterator[Block]:
        """Give what is left; a row that the input ends in is rejected (TruncatedInput)."""
        yield from self._blocks(ended=True)

    def complete(self) -> Iterator[Block]:
        """Give the rows that are whole and have their newline."""
        yield from self._blocks(ended=False)
        size = self._buffer.data.rfind(b"\n") + 1
        while size and self._skip == 0:
            block, taken = self._whole(self._buffer.peek(size))
            self._take(taken, block)
            if block is not None and block.end > block.start.base:
                yield block
            if not taken:
                return
            size -= taken

    def rest(self) -> Origin:
        """What is held of an unfinished row."""
        return self._buffer.rest()

    # -- windows: how much to read at once ---------------------------------------------------

    def _blocks(self, *, ended: bool) -> Iterator[Block]:
        while True:
            long = self._buffer.long_line(ended=ended)
            if long is not None:
                yield from self._too_long(long)
                continue
            if self._skip:
                size = self._buffer.lines(1, ended=ended)
                if not size:
                    return
                self._buffer.take(size)
                self._skip -= 1
                continue
            size = self._buffer.lines(self._limit(), ended=ended)
            if not size:
                return
            block = self._next(size, last=ended and size == len(self._buffer.data))
            if block is not None and block.end > block.start.base:
                yield block

    def _limit(self) -> int:
        if self._one_line and self._header is None:
            return 1
        if self._one_line:
            return min(BLOCK_BYTES, self._one_line_until - self._buffer.offset)
        return self._window

    @property
    def _one_line(self) -> bool:
        return self._buffer.offset < self._one_line_until

    def _too_long(self, long: LongLine) -> Iterator[Block]:
        if self._skip:
            self._skip -= 1
            return
        start = self._position(long.offset, long.line)
        yield self._rejected(start, long.reject(self._ordinal))

    def _next(self, size: int, *, last: bool) -> Block | None:
        """Read the next `size` bytes, whole lines; None if they do not end a row, or hold no data."""
        text = self._buffer.peek(size)
        block, taken = self._whole(text)
        if taken:
            self._take(taken, block)
            return block
        if not last and self._window < MAX_RECORD_BYTES and not self._one_line:
            self._window *= 2
            return None
        return self._open(text, last=last)

    def _take(self, taken: int, block: Block | None) -> None:
        self._buffer.take(taken)
        self._window = BLOCK_BYTES
        if block is not None:
            self._ordinal = block.end

    def _open(self, text: bytes, *, last: bool) -> Block:
        """The reject for a row that begins with `text` and never ends."""
        start = self._position()
        if last and len(text) <= RAW_BYTES:
            self._buffer.take(len(text))
            detail = "the input ends inside a quoted field, or right after an escape"
            return self._rejected(start, self._reject(start, "TruncatedInput", detail, text))
        line = text[: text.find(b"\n") + 1] or text
        self._one_line_until = max(self._one_line_until, start.offset + len(text))
        self._take(len(line), None)
        detail = (
            "a quote (or an escape at the line's end) opens here that nothing closes; this line is rejected"
        )
        return self._rejected(start, self._reject(start, "UnclosedQuote", detail, line))

    # -- blocks ------------------------------------------------------------------------------

    def _position(self, offset: int | None = None, line: int | None = None) -> Position:
        offset = self._buffer.offset if offset is None else offset
        state: dict[str, Any] = {"skipped": True} if self._header is None else {"header": self._header}
        if offset < self._one_line_until:
            state["one_line_until"] = self._one_line_until
        line = self._buffer.line if line is None else line
        return Position(offset=offset, base=self._ordinal, line=line, ordinal=self._ordinal, state=state)

    def _rejected(self, start: Position, reject: Reject) -> Block:
        self._ordinal += 1
        return Block(start, [], [], self._ordinal, _no_record, [reject])

    def _reject(self, start: Position, reason: str, detail: str, text: bytes) -> Reject:
        raw = _without_end(text)
        return Reject(start.base, start.offset, start.line, reason, detail, raw)

    def _read_header(self, text: bytes) -> tuple[Block | None, int]:
        """Set the header from the first row; a block if it is rejected, and the bytes up to its end.

        No bytes if it is not whole.
        """
        lines = split_lines(text.decode(errors="surrogateescape"))
        for row in self._rows.each(lines):
            if row.open:
                return None, _size(lines[: row.first])
            if row.error is None:
                before, size = _size(lines[: row.first]), _size(lines[: row.after])
                return self._set_header(row.fields, text[:size], before), size
        return None, len(text)

    def _set_header(self, fields: list[str], text: bytes, before: int) -> Block | None:
        """Take the names from the row that `text` has after `before` bytes; a block if they are too many."""
        rejected = None
        if not self._options.names and len(fields) > MOST_COLUMNS:
            line = self._buffer.line + text.count(b"\n", 0, before)
            where = self._position(self._buffer.offset + before, line)
            detail = f"the header row has {len(fields):,} fields; the limit is {MOST_COLUMNS:,}"
            rejected = self._rejected(where, self._reject(where, "TooManyFields", detail, text[before:]))
            fields = []
        self._header = list(self._options.names) or unique([*map(_clean, fields)])
        return rejected

    def _whole(self, text: bytes) -> tuple[Block | None, int]:
        """The header (mostly None) or else the block of whole rows that `text` begins with, and its bytes."""
        if self._header is None:
            return self._read_header(text)
        return self._read(text)

    def _read(self, text: bytes) -> tuple[Block, int]:
        """The block of the whole rows in `text`, and how many bytes they are."""
        one_line = self._one_line and any(character in text for character in self._spanning)
        at_once = None if one_line else self._at_once(text)
        return at_once or self._one_by_one(text)

    def _at_once(self, text: bytes) -> tuple[Block, int] | None:
        """All rows in one call; None if there is anything odd about them."""
        header = self._header or []
        if b"\0" in text:
            return None
        try:
            found = self._rows.whole(text.decode())
        except UnicodeDecodeError:
            return None
        if found is None or not set(map(len, found[0])) <= {len(header)}:
            return None
        rows, tail = found
        start, size = self._position(), len(text) - len(tail.encode())
        block = Block(
            start=start,
            records=rows,
            ordinals=range(start.base, start.base + len(rows)),
            end=start.base + len(rows),
            origin=_Places(self._rows, start, text[:size]).of_row,
            names=header,
        )
        return block, size

    def _one_by_one(self, text: bytes) -> tuple[Block, int]:
        start = self._position()
        places = _Places(self._rows, start, text, one_line=self._one_line)
        kept: list[int] = []
        records, rejects = [], []
        for index, row in enumerate(places.rows):
            if row.open and not self._one_line:
                break
            found = self._record(row, places.raw(row))
            if isinstance(found, Problem):
                where = places.of_row(index)
                rejects.append(Reject(start.base + index, where.offset, where.line, *found, where.raw))
            else:
                records.append(found)
                kept.append(index)
        count = len(records) + len(rejects)
        block = Block(
            start=start,
            records=records,
            ordinals=_plus(start.base, kept) if rejects else range(start.base, start.base + count),
            end=start.base + count,
            origin=lambda index: places.of_row(kept[index]),
            rejects=rejects,
        )
        return block, places.before_open()

    def _record(self, row: Row, raw: bytes) -> Record | Problem:
        """A row as a record, or why it is none."""
        header = self._header or []
        odd = _odd(row, raw)
        if odd is not None:
            return odd
        if len(row.fields) == len(header):
            return dict(zip(header, row.fields, strict=True))
        if self._options.on_ragged == "pad":
            return _padded(header, row.fields)
        return Problem("RaggedRow", f"the row has {len(row.fields)} fields where {len(header)} were expected")


class _Places:
    """Where the rows of a block stand; worked out when it is asked for."""

    def __init__(self, reader: RowReader, start: Position, text: bytes, *, one_line: bool = False) -> None:
        self._start = start
        self._text = text
        self._one_line = one_line
        self._reader = reader

    @cached_property
    def _found(self) -> tuple[list[Row], list[int], list[int]]:
        """The rows; of every line the offset in `text` and the number in the source, and of the end."""
        lines = split_lines(self._text.decode(errors="surrogateescape"))
        rows = list(self._reader.each(lines, one_line=self._one_line))
        offsets = list(accumulate((_size([line]) for line in lines), initial=0))
        numbers = list(accumulate((line.endswith("\n") for line in lines), initial=self._start.line))
        return rows, offsets, numbers

    @property
    def rows(self) -> list[Row]:
        return self._found[0]

    def raw(self, row: Row) -> bytes:
        offsets = self._found[1]
        return self._text[offsets[row.first] : offsets[row.after]]

    def before_open(self) -> int:
        """Bytes up to the row that `text` ends in; all of them if it is whole."""
        rows, offsets, _ = self._found
        if self._one_line or not rows or not rows[-1].open:
            return len(self._text)
        return offsets[rows[-1].first]

    def of_row(self, index: int) -> Origin:
        rows, offsets, numbers = self._found
        row = rows[index]
        offset = self._start.offset + offsets[row.first]
        return Origin(offset, numbers[row.first], _without_end(self.raw(row)))


def _padded(header: Sequence[str], fields: list[str]) -> Record:
    record: Record = dict.fromkeys(header)
    record.update(zip(header, fields, strict=False))
    if len(fields) > len(header):
        record[SURPLUS] = fields[len(header) :]
    return record


def _clean(name: str) -> str:
    return name.encode(errors="surrogateescape").decode(errors="replace")


def _odd(row: Row, raw: bytes) -> Problem | None:
    """What makes a row no record, whatever its number of fields."""
    if row.open:
        return Problem("UnclosedQuote", "a quote opens in this line that the line does not close")
    if b"\0" in raw:
        return Problem(
            "NulByte", "the row holds a NUL byte; if all rows do, the route's charset may be utf-16"
        )
    try:
        raw.decode()
    except UnicodeDecodeError:
        return Problem("InvalidUtf8", "the row holds bytes that are not valid UTF-8; see the route's charset")
    return None if row.error is None else Problem("InvalidCsv", row.error)


def _size(lines: list[str]) -> int:
    return sum(len(line) if line.isascii() else len(line.encode(errors="surrogateescape")) for line in lines)


def _without_end(text: bytes) -> bytes:
    if text.endswith(b"\r\n"):
        return text[:-2]
    return text[:-1] if text.endswith((b"\n", b"\r")) else text


def _plus(base: int, indexes: list[int]) -> list[int]:
    return [base + index for index in indexes]


def _no_record(index: int) -> Origin:
    raise IndexError(index)
