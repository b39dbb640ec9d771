r"""Text to rows, by the standard library's csv module.

Rule: a row is what csv.reader says it is, and a line is what it is given as one
(\n, \r\n or a lone \r). Invariant: both ways here give the same rows. Strategy:
`whole` reads all rows in C, and where no quote is in the text by splitting it;
`each` reads them one by one and knows the lines of each, for texts with something
odd in them.

Whether the last row is whole shows by a sentinel line after it: an open quote or
an escape at the end swallows it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, NamedTuple

from .csvoptions import CsvOptions
from .face import MAX_RECORD_BYTES


def allow_long_fields() -> None:
    """Let csv read a field as long as a window; its own limit is 128 kB.

    A window has MAX_RECORD_BYTES and the sentinel. The limit belongs to the process,
    not to a reader, so it is only ever raised: other users of csv lose nothing.
    """
    if csv.field_size_limit() < 2 * MAX_RECORD_BYTES:
        csv.field_size_limit(2 * MAX_RECORD_BYTES)


class Row(NamedTuple):
    """A row and where it stands."""

    first: int
    """Index of its first line."""
    after: int
    """Index of the line after it."""
    fields: list[str]
    error: str | None
    """What csv.reader could not read; there are no fields then."""
    open: bool
    """The text ended inside this row."""


class RowReader:
    """Reads text under a route's options.

    Args:
        options: the route's.
    """

    def __init__(self, options: CsvOptions) -> None:
        allow_long_fields()
        self._dialect: dict[str, Any] = options.dialect()
        self._separator = options.separator
        self._spanning = [character for character in (options.quote, options.escape) if character]
        self._comment = options.comment
        self._trim = options.trim
        special = {options.separator, options.quote, options.escape, options.comment}
        self._sentinel = next(c for c in "~^=+x" if c not in special) * 3

    def whole(self, text: str) -> tuple[list[list[str]], str] | None:
        """All whole rows, blank ones left out, and the text of the row that `text` ends in ("" if in none).

        None if there are comments, or if csv.reader cannot read it all.
        """
        if self._comment and _a_line_begins_with(self._comment, text):
            return None
        plain = self._split(text)
        if plain is not None:
            return plain, ""
        lines = io.StringIO(f"{_ended(text)}{self._sentinel}\n", newline="")
        try:
            rows = list(csv.reader(lines, **self._dialect))
        except csv.Error:
            return None
        last = rows.pop()
        tail = "" if last == [self._sentinel] else self._tail(text, last, first=not rows)
        if tail is None:
            return None
        if [] in rows:
            rows = [row for row in rows if row]
        return ([_trimmed(row) for row in rows] if self._trim else rows), tail

    def _split(self, text: str) -> list[list[str]] | None:
        """The same rows where nothing is quoted or escaped, at several times csv.reader's speed."""
        if any(character in text for character in self._spanning):
            return None
        if "\r" in text:
            if text.count("\r") != text.count("\r\n"):
                return None
            text = text.replace("\r\n", "\n")
        rows = [line.split(self._separator) for line in text.split("\n") if line]
        return [_trimmed(row) for row in rows] if self._trim else rows

    def _tail(self, text: str, last: list[str], *, first: bool) -> str | None:
        """The text of the row that swallowed the sentinel: as many lines as its fields hold line ends."""
        if first:
            return text
        lines = len(split_lines("|".join(last))) - 1
        tail = "".join(split_lines(text)[-lines:])
        read = next(self._each(split_lines(tail)), None)
        return tail if read is not None and read.open and read.first == 0 else None

    def each(self, lines: list[str], *, one_line: bool = False) -> Iterator[Row]:
        """Row by row, blank ones and comments left out.

        Args:
            lines: as `split_lines` gives them.
            one_line: whether a row must end with its line: one that does not is `open`.
        """
        if not one_line:
            yield from self._each(lines)
            return
        for index, line in enumerate(lines):
            for row in self._each([line]):
                yield row._replace(first=index, after=index + 1)

    def _each(self, lines: list[str]) -> Iterator[Row]:
        if not lines:
            return
        end = len(lines)
        feed = _Feed([*lines[:-1], _ended(lines[-1]), f"{self._sentinel}\n"], self._comment)
        reader = csv.reader(feed, **self._dialect)
        while True:
            feed.fresh = True
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(feed.first, min(feed.next, end), [], str(error), open=False)
                reader = csv.reader(feed, **self._dialect)
                continue
            if feed.next > end and feed.first == end:
                return
            if fields:
                is_open = feed.next > end
                yield Row(feed.first, min(feed.next, end), self._finish(fields), None, is_open)

    def _finish(self, fields: list[str]) -> list[str]:
        return _trimmed(fields) if self._trim else fields


class _Feed:
    """Hands lines to csv.reader and knows which of them a row began with."""

    def __init__(self, lines: list[str], comment: str | None) -> None:
        self._lines = lines
        self._comment = comment
        self.fresh = True
        self.first = 0
        self.next = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while self.next < len(self._lines):
            line = self._lines[self.next]
            self.next += 1
            if not self.fresh:
                return line
            if not (self._comment and line.startswith(self._comment)):
                self.fresh, self.first = False, self.next - 1
                return line
        raise StopIteration


def split_lines(text: str) -> list[str]:
    r"""Lines with their ends, cut at \n, \r\n and \r as csv.reader sees them, and nowhere else."""
    return io.StringIO(text, newline="").readlines()


def _ended(text: str) -> str:
    return text if not text or text.endswith(("\n", "\r")) else text + "\n"


def _a_line_begins_with(prefix: str, text: str) -> bool:
    return text.startswith(prefix) or f"\n{prefix}" in text or f"\r{prefix}" in text


def _trimmed(row: list[str]) -> list[str]:
    return [field.strip(" \t") for field in row]
