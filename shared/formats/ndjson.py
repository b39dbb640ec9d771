r"""JSON Lines: one JSON object a line.

Rule: lines are cut as bytes at \n and nowhere else (U+2028 is no line end, \r\n is
tolerated); a blank line is no record and has no ordinal; every other line is one
record or one reject. Strategy: a block of whole lines is decoded in one call; only
when that fails, or the lines are not one object each, line by line. Invariant: the
two ways give the same records.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ..model import Block, Origin, Position
from ..twice import maybe_twice
from .jsonodd import Odd
from .jsonvalue import FAILED, OBJECT, Problem, needs_a_look, read_object, skips
from .lines import Line, LineParser, Lines, reject_of


class NdjsonOptions(
    msgspec.Struct, tag_field="type", tag="ndjson", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """One JSON object a line. No options.

    Blank lines are skipped. A line that is no JSON object is rejected on its own.
    """


class NdjsonParser(LineParser):
    """See `Parser`. `Block.text` is given where every record of a block fits `want`."""

    def __init__(self, options: NdjsonOptions, start: Position, want: type | None = None) -> None:
        del options  # there are none
        super().__init__(start)
        self._typed: msgspec.json.Decoder[Any] | None = None
        self._skips = want is None or skips(want)
        if want is not None:
            self._typed = msgspec.json.Decoder(want)

    def read(self, source: Lines) -> Iterator[Block]:
        """One block for the window."""
        yield self._at_once(source) or self._one_by_one(source)

    def _at_once(self, source: Lines) -> Block | None:
        """All lines in one call, if each is one object."""
        text = source.text
        count = text.count(b"\n")
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
                records = self._typed.decode_lines(text)
            except FAILED:
                pass  # one record at least does not fit: all of them as dicts
            else:
                if not maybe_twice(text, records) or self._is_sound(text):
                    return records, True
        try:
            records = OBJECT.decode_lines(text)
        except FAILED:
            return None, False
        return (None if maybe_twice(text, records) else records), False

    @staticmethod
    def _is_sound(text: bytes) -> bool:
        """Whether no key comes twice, after all: what is null is not in a typed record."""
        try:
            return not maybe_twice(text, OBJECT.decode_lines(text))
        except FAILED:
            return False

    def _is_seen(self, text: bytes) -> bool:
        """Whether msgspec sees every value of `text`, or would find nothing where it does not look."""
        return not self._skips or not needs_a_look(text)

    def _one_by_one(self, source: Lines) -> Block:
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
                rejects.append(reject_of(base + index, line, _at_the_end(record, source, line)))
            else:
                kept.append((index, record))
        return Block(
            start=source.start,
            records=[record for _, record in kept],
            ordinals=[base + index for index, _ in kept] if rejects else range(base, base + len(lines)),
            end=base + len(lines),
            origin=lambda index: Origin(*lines[kept[index][0]]),
            rejects=rejects,
            odd=any(type(record) is Odd for _, record in kept),
        )

    def _fitting(self, source: Lines) -> list[Any] | None:
        """The lines' records as instances of the wanted type, if all of them fit."""
        if self._typed is None or not source.lines or not self._is_seen(source.text):
            return None
        try:
            records = [self._typed.decode(line.raw) for line in source.lines]
        except FAILED:
            return None
        return records if not maybe_twice(source.text, records) or self._is_sound(source.text) else None


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


def _at_the_end(problem: Problem, source: Lines, line: Line) -> Problem:
    """A last line that has no newline and stops in the middle was cut off, not written wrongly."""
    cut = line is source.lines[-1] and not source.text.endswith(b"\n")
    if cut and problem == ("InvalidJson", "the text ends in the middle of a value"):
        return Problem("TruncatedInput", "the input ends in the middle of this record")
    return problem
