r"""Records that may span lines: stack traces, wrapped messages.

Rule: a line begins a record because `start` matches it, or because nothing makes it
a continuation; all lines up to the next such line belong to it. What comes before
the first such line is a record of its own. A blank line begins nothing and ends
nothing; at a record's end it is left out. Invariants: where a record ends depends on
the lines alone; one that is longer than MAX_RECORD_BYTES is one reject, whatever
lines it is made of, and its neighbours are whole.

Strategy: windows end where a record begins, so the formats on top read whole records
(`Records` stands in for `Lines`). A record that does not end in a window of
MAX_RECORD_BYTES is held (`_Held`) until the next one begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..model import Block, Origin, Position
from .buffer import LongLine
from .face import MAX_RECORD_BYTES, RAW_BYTES
from .lines import BLANK, Line, Lines, TextParser, no_record
from .patterns import checked

_BLANK = BLANK.encode()
_SPACES = _BLANK + b"\n"
_ENDS = (*_SPACES.decode(), "")
"""What a record that needs no second look does not end in."""


class RecordOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a route can say of where a record begins and ends."""

    start: Annotated[
        str | None,
        Meta(
            description="A pattern (RE2) that the first line of every record begins with; other lines belong "
            "to the record before. Without start, continuation and indented, every line is a record."
        ),
    ] = None
    continuation: Annotated[
        str | None,
        Meta(description="A pattern (RE2): lines that begin with it belong to the record before."),
    ] = None
    indented: Annotated[
        bool,
        Meta(
            description="Whether lines that begin with a space or a tab belong to the record before; "
            "continuation may add others."
        ),
    ] = False
    trim: Annotated[bool, Meta(description="Whether to remove spaces and tabs at both ends of a record.")] = (
        False
    )

    def __post_init__(self) -> None:
        if self.start is not None and (self.continuation is not None or self.indented):
            other = "indented" if self.continuation is None else "continuation"
            raise ValueError(
                f"start and {other} cannot go together: with start, every line that it does not match "
                f"belongs to the record before; leave one of them out"
            )
        for key in ("start", "continuation"):
            if getattr(self, key) is not None:
                checked(key, getattr(self, key))

    def each_line(self) -> bool:
        """Whether every line is a record."""
        return self.start is None and self.continuation is None and not self.indented

    def begins(self) -> Begins | None:
        """What finds the lines that begin a record; None where each of them is one."""
        if self.start is not None:
            return Begins(checked("start", self.start).beginning, matching=True)
        belonging = [r"[ \t\r]*\z"]
        if self.indented:
            belonging.append(r"[ \t\r]")
        if self.continuation is not None:
            belonging.append(f"(?:{checked('continuation', self.continuation).text})")
        if len(belonging) == 1:
            return None
        return Begins(rf"\A(?:{'|'.join(belonging)})", matching=False)


class Begins:
    """Finds the lines that begin a record.

    Args:
        pattern: of lines that do, or of those that do not.
        matching: which of the two.
    """

    def __init__(self, pattern: str, *, matching: bool) -> None:
        from .arrowmatch import line_starts  # noqa: PLC0415 - Arrow is loaded where it is used

        self._line_starts: Callable[..., list[tuple[int, int]]] = line_starts
        self._pattern = pattern
        self._matching = matching

    def __call__(self, text: bytes) -> list[int]:
        """Where records begin in `text`, which holds whole lines."""
        plain = text
        if b"\r" in text:
            plain = text.replace(b"\r\n", b"\n").removesuffix(b"\r")
        found = self._line_starts(plain, self._pattern, matching=self._matching) if plain else []
        if len(plain) == len(text):
            starts = [start for _, start in found]
        else:
            offsets = [0, *accumulate(len(line) + 1 for line in text.split(b"\n"))]
            starts = [offsets[index] for index, _ in found]
        return [start for start in starts if text[start] not in _SPACES or not _is_blank(text, start)]


class Records(Lines):
    """A window's text, with records in the place of lines.

    Args:
        start: of the block that begins here.
        text: whole lines.
        begins: where in `text` records begin; what is before the first is blank.
    """

    def __init__(self, start: Position, text: bytes, begins: Sequence[int]) -> None:
        super().__init__(start, text)
        self._spans = list(pairwise([*begins, len(text)]))

    @cached_property
    def lines(self) -> list[Line]:
        """The records, each without the line end and the blank lines after it."""
        offset, number, found = 0, self.start.line, []
        for begin, end in self._spans:
            number += self.text.count(b"\n", offset, begin)
            raw = self.text[begin : _content_end(self.text, begin, end)]
            found.append(Line(self.start.offset + begin, number, raw))
            offset = begin
        return found

    def texts(self) -> list[str] | None:
        """The same records as text; None if any of them is not valid UTF-8."""
        if not self.text.isascii():
            try:
                return [line.raw.decode() for line in self.lines]
            except UnicodeDecodeError:
                return None
        text = self.text.decode("ascii")
        end = "\r\n" if "\r" in text else "\n"
        found = [text[begin:end_].removesuffix(end) for begin, end_ in self._spans]
        return [
            record if record[-1:] not in _ENDS else text[begin : _content_end(self.text, begin, end_)]
            for record, (begin, end_) in zip(found, self._spans, strict=True)
        ]


class _Held:
    """A record that has not ended, and has more lines than a window takes.

    Args:
        start: of its block.
        text: its lines so far, or the beginning of its only line.
        size: of its lines so far, in bytes.
        length: the same, without the last line end and blank lines at the end.
    """

    def __init__(self, start: Position, text: bytes, size: int, length: int) -> None:
        self.start = start
        self.text = text
        self.size = size
        self.length = length

    def add(self, text: bytes, size: int, length: int) -> None:
        """Take in more of it; see the class."""
        if length:
            self.length = self.size + length
        self.size += size
        limit = RAW_BYTES if self.too_long else MAX_RECORD_BYTES
        self.text = self.text[:limit] + text[: max(0, limit - len(self.text))]

    @property
    def too_long(self) -> bool:
        """Whether it can be no record any more."""
        return self.length > MAX_RECORD_BYTES


class RecordParser(TextParser):
    """Records of a line each or, as the options say, of several. A format overrides `found`."""

    def __init__(self, options: RecordOptions, start: Position) -> None:
        super().__init__(start)
        self._begins = options.begins()
        self._trim = options.trim
        self._held: _Held | None = None
        self._known: list[int] | None = None
        self._goes_on = False

    @property
    def spans_lines(self) -> bool:
        """Whether a record may have several lines."""
        return self._begins is not None

    def found(self, records: Sequence[str]) -> list[Any]:
        """For each record a dict, a tuple of values for `names`, or a Problem."""
        raise NotImplementedError

    def values(self, lines: Sequence[str]) -> list[Any]:
        r"""The same, of records as they stand; a line end inside a record becomes \n."""
        if self._begins is not None:
            lines = [record.replace("\r\n", "\n") for record in lines]
        if self._trim:
            lines = [record.strip(" \t") for record in lines]
        return self.found(lines)

    # -- records of several lines -----------------------------------------------------------

    def whole(self, text: bytes, *, last: bool) -> int:
        """Up to where the last record begins: that one may go on."""
        if self._begins is None:
            return len(text)
        begins = self._begins(text)
        if begins and begins[0] and self._held is not None:
            self._known, self._goes_on = [], True  # the next block begins with a window of its own
            return begins[0]
        if begins and begins[-1]:
            self._known, self._goes_on = begins[:-1], False
            return begins[-1]
        if not last and (begins or self._held is None):
            return 0
        self._known, self._goes_on = begins, True
        return len(text)

    def read(self, source: Lines) -> Iterator[Block]:
        """A block for the record that was held, and one for the others."""
        if self._begins is None:
            yield from super().read(source)
            return
        begins = self._begins(source.text) if self._known is None else self._known
        goes_on, self._known, self._goes_on = self._goes_on, None, False
        first = begins[0] if begins else len(source.text)
        if self._held is not None:
            self._held.add(source.text[:first], first, _content_end(source.text, 0, first))
            if not begins:
                return
            yield from self._given()
            source, begins = self._from(source, first), [begin - first for begin in begins]
        elif _content_end(source.text, 0, first):
            begins = [_first_line(source.text), *begins]
        if goes_on:
            self._hold(source, begins)
        else:
            yield from super().read(Records(source.start, source.text, begins))

    def flush(self) -> Iterator[Block]:
        """Give what is left; the last record ends with the input."""
        yield from super().flush()
        yield from self._let_go()

    def rest(self) -> Origin:
        """What is held of an unfinished record."""
        held = self._held
        if held is None:
            return super().rest()
        return Origin(held.start.offset, held.start.line, held.text[:MAX_RECORD_BYTES])

    def _too_long(self, long: LongLine) -> Iterator[Block]:
        """A line that was dropped while it was read makes its record too long, whatever else is in it."""
        if self._begins is None:
            yield from super()._too_long(long)
        elif self._held is not None and not self._begins(long.raw):
            self._held.add(long.raw, long.length + 1, long.length)
        else:
            yield from self._let_go()
            start = self.position(long.offset, long.line)
            self._held = _Held(start, long.raw, long.length + 1, long.length)

    def _hold(self, source: Lines, begins: list[int]) -> None:
        if begins:
            one = self._from(source, begins[0])
            size = len(one.text)
            self._held = _Held(one.start, one.text, size, _content_end(one.text, 0, size))

    def _let_go(self) -> Iterator[Block]:
        for block in self._given():
            self._ordinal = block.end
            yield block

    def _given(self) -> Iterator[Block]:
        """The block of the record that was held."""
        held, self._held = self._held, None
        if held is None:
            return
        if held.too_long:
            long = LongLine(held.start.offset, held.start.line or 0, held.text, held.length)
            base = held.start.base
            yield Block(held.start, [], [], base + 1, no_record, [long.reject(base)])
        else:
            yield from super().read(Records(held.start, held.text, [0]))

    def _from(self, source: Lines, offset: int) -> Lines:
        """What is left of a window from `offset` on."""
        line = source.start.line + source.text.count(b"\n", 0, offset)
        return Lines(self.position(source.start.offset + offset, line), source.text[offset:])


def _first_line(text: bytes) -> int:
    """Where the first line begins that is not blank."""
    return text.rfind(b"\n", 0, len(text) - len(text.lstrip(_SPACES))) + 1


def _is_blank(text: bytes, start: int) -> bool:
    """Whether the line that begins at `start` is blank."""
    end = text.find(b"\n", start)
    return not text[start : len(text) if end < 0 else end].strip(_BLANK)


def _content_end(text: bytes, begin: int, end: int) -> int:
    """Where the last line in a part of `text` ends that is not blank; `begin` if there is none."""
    kept = len(text[begin:end].rstrip(_SPACES))
    if not kept:
        return begin
    after = text.find(b"\n", begin + kept, end)
    last = end if after < 0 else after
    return last - 1 if text[last - 1 : last] == b"\r" else last
