"""Where a character of a value stands in the file.

Rule: for a value after `|`, in quotes, or plain, the place is exact; where YAML folds
lines into one, the blank it puts between them stands at the end of the upper line.
Invariant: every character has a place, from 1, within the value's own lines. A value
that is written in a way that this cannot follow has one place: its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .read import Document, KeyPath, Scalar

Place = tuple[int, int]
"""Line and column, from 1."""

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_BLANK = " \t"


def places(document: Document, path: KeyPath) -> list[Place]:
    """The place of each character of the text at `path`, and of its end.

    Args:
        document: the file.
        path: of a key in PLACED, whose value is a text.
    """
    value = document.value
    for part in path:
        value = value[part]
    scalar = document.scalars[path]
    lines = _BREAK.split(document.text)
    if scalar.style in {"|", ">"}:
        found = list(_block(lines, scalar, value))
    else:
        found = list(_flow(lines, scalar))
    if len(found) != len(value):
        return [(scalar.line + 1, scalar.column + 1)] * (len(value) + 1)
    kept = len(value.rstrip())
    end = (found[kept - 1][0], found[kept - 1][1] + 1) if kept else (scalar.line + 1, scalar.column + 1)
    return [*found[:kept], *[end] * (len(value) + 1 - kept)]


def _block(lines: list[str], scalar: Scalar, value: str) -> Iterator[Place]:
    """After | or >: each line's text stands in the value as it is, without its indentation."""
    at, number = 0, scalar.line + 1
    last = (scalar.line + 1, scalar.column + 1)
    while value[at:].strip() and number < len(lines):
        text = lines[number].strip(_BLANK)
        found = value.find(text, at)
        if found < 0:
            return
        if text:
            first = lines[number].index(text) + 1
            for index in range(at, found):
                own = value[index] != "\n" and (at == 0 or "\n" in value[at:index])
                yield (number + 1, first - (found - index)) if own else last
            for index in range(len(text)):
                yield number + 1, first + index
            at = found + len(text)
            last = (number + 1, first + len(text))
        number += 1
    for _ in range(at, len(value)):
        yield last


def _flow(lines: list[str], scalar: Scalar) -> Iterator[Place]:
    """In quotes or plain: lines are stripped and put together with blanks, escapes are one character."""
    quote = scalar.style or ""
    width = len(quote)
    blank, gap = False, 0
    last: Place = (0, 0)
    for number in range(scalar.line, scalar.end_line + 1):
        first = scalar.column + width if number == scalar.line else 0
        end = scalar.end_column - width if number == scalar.end_line else len(lines[number])
        text = lines[number][first:end]
        if number > scalar.line:
            first += len(text) - len(text.lstrip(_BLANK))
            text = text.lstrip(_BLANK)
        if number < scalar.end_line:
            text = text.rstrip(_BLANK)
        if number > scalar.line:
            gap += 1
        if not text and number not in {scalar.line, scalar.end_line}:
            continue
        for _ in range(max(gap - 1, 1) if gap and not blank else gap - 1 if gap else 0):
            yield last
        blank, gap = quote == '"' and _continues(text) and number < scalar.end_line, 0
        for start, length in _characters(text[:-1] if blank else text, quote):
            yield number + 1, first + start + 1
            last = (number + 1, first + start + length + 1)


def _continues(text: str) -> bool:
    """Whether a line in double quotes ends in a backslash that joins it to the next."""
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _characters(text: str, quote: str) -> Iterator[tuple[int, int]]:
    """Start and length of each character, an escape being one."""
    at = 0
    while at < len(text):
        length = 1
        if quote == "'" and text.startswith("''", at):
            length = 2
        elif quote == '"' and (escape := _ESCAPE.match(text, at)):
            length = len(escape[0])
        yield at, length
        at += length
