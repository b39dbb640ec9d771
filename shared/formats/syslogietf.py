r"""Lines of RFC 5424, a window of them at once.

Rule: gives what `sysloghead.read_line` gives for a line of RFC 5424, or leaves the line
to it. Strategy: a line is cut at its first six blanks, and what a column may hold is
looked at for the whole column; structured data is cut at its quotes, and what stands
between them, which is the same in line after line, says what the values are called.

    <34>1 2024-05-01T10:00:00Z host app 123 ID47 [a@1 b="c" d="e"][f@1 g="h"] message
                                                  between the quotes: [a@1 b= , d= , ][f@1 g= , ]
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, compress, repeat
from typing import Any, NamedTuple

from .lines import Columns
from .sdelements import IS_DATA, Elements, elements, split_data
from .sysloghead import BLANKS, FACILITIES, SEVERITIES

_NAMES = ("timestamp", "host", "app_name", "proc_id", "msg_id")
_HEADS = {
    f"<{digits}>1": (FACILITIES[number // 8], SEVERITIES[number % 8])
    for number in range(192)
    for digits in {str(number), f"{number:02}"}
}
"""What a line may begin with, and what that says."""

_TIME = re.compile(r"-|\d{4}-\d\d-\d\dT\S", re.ASCII)
_TIME_SIZE = len("2024-05-01T1")
_MOST_VALUES = 200

_Shape = tuple[tuple[str, Sequence[str]], ...]
"""Elements by their ids, each with the names of its parameters."""


class Ietf(NamedTuple):
    """Lines of RFC 5424."""

    places: Sequence[int]
    """Which of the lines they are."""
    columns: Columns
    """What they say, without columns that have no value."""


def is_ietf(line: str) -> bool:
    """Whether a line begins as one of RFC 5424."""
    return line.partition(" ")[0] in _HEADS


def read_ietf(lines: Sequence[str]) -> Ietf | None:
    """Those of these lines that are of RFC 5424 and not odd; None if there are none."""
    rows = [line.split(" ", 6) for line in lines]
    places: Sequence[int] = range(len(rows))
    if set(map(len, rows)) != {7} or not _HEADS.keys() >= {row[0] for row in rows}:
        places = [place for place, row in enumerate(rows) if len(row) == 7 and row[0] in _HEADS]
        rows = [rows[place] for place in places]
    if not rows:
        return None
    heads: Sequence[str]
    said: Sequence[Sequence[str]]
    heads, *said, rests = zip(*rows, strict=True)
    if not _are_headers(said):
        return None
    data, texts = _cut(rests)
    if None in texts:
        kept = [text is not None for text in texts]
        places, heads, said = (
            _only(places, kept),
            _only(heads, kept),
            [_only(values, kept) for values in said],
        )
        data, texts = _only(data, kept), _only(texts, kept)
    return Ietf(places, _columns(heads, said, data, texts)) if texts else None


def _only(values: Sequence[Any], kept: Sequence[bool]) -> list[Any]:
    return list(compress(values, kept))


def _columns(
    heads: Sequence[str],
    said: Sequence[Sequence[str]],
    data: Sequence[Elements | None],
    texts: Sequence[str | None],
) -> Columns:
    columns: Columns = {}
    for name, values in zip(_NAMES, said, strict=True):
        if "-" not in values:
            columns[name] = values
        elif any(value != "-" for value in values):
            columns[name] = [None if value == "-" else value for value in values]
    if any(data):
        columns["structured_data"] = data
    columns["facility"], columns["severity"] = zip(*map(_HEADS.__getitem__, heads), strict=True)
    columns["message"] = texts
    return columns


def _are_headers(said: Sequence[Sequence[str]]) -> bool:
    """Whether these can be the times, hosts, ... of headers."""
    times, *words = said
    if any("" in values for values in words) or not "".join(chain.from_iterable(said)).isprintable():
        return False
    return all(map(_TIME.fullmatch, {time[:_TIME_SIZE] for time in times}))


def _cut(rests: Sequence[str]) -> tuple[list[Elements | None], list[str | None]]:
    """Structured data and message of each; the message is None of what is odd."""
    texts: list[str | None] = [None] * len(rests)
    data: list[Elements | None] = [None] * len(rests)
    groups: defaultdict[tuple[str, ...], list[tuple[int, list[str]]]] = defaultdict(list)
    for place, rest in enumerate(rests):
        if rest[:1] != "[":
            data[place], text = split_data(rest)
            texts[place] = None if text == rest else text
            continue
        end = rest.find('"] ') + 2
        parts = (rest[:end] if end > 1 else rest).split('"')
        texts[place] = rest[end + 1 :] if end > 1 else ""
        groups[tuple(parts[::2])].append((place, parts))
    for between, lines in groups.items():
        shape, values = _shape(between), [parts[1::2] for _, parts in lines]
        if shape is not None and "\\" not in "".join(chain.from_iterable(values)):
            for (place, _), found in zip(lines, _elements(shape, values), strict=True):
                data[place] = found
        else:
            for place, _ in lines:
                data[place], text = split_data(rests[place])
                texts[place] = None if data[place] is None else text
    return data, list(map(_cleaned, texts))


@lru_cache(1000)
def _shape(between: tuple[str, ...]) -> _Shape | None:
    """What structured data is like that has these texts between its quotes; None if it is odd."""
    text = '""'.join(between)
    found = elements(text) if len(between) <= _MOST_VALUES and IS_DATA(text) else {}
    shape = tuple((name, tuple(parameters)) for name, parameters in found.items())
    is_whole = sum(len(names) for _, names in shape) == len(between) - 1 and len(shape) == text.count("[")
    return shape if is_whole else None


def _elements(shape: _Shape, values: Sequence[Sequence[str]]) -> Sequence[Elements]:
    """The elements of lines that have this shape."""
    columns, place = list(zip(*values, strict=True)), 0
    made: list[Sequence[Any]] = []
    for _, names in shape:
        made.append(_dicts(names, columns[place : place + len(names)]) if names else [{} for _ in values])
        place += len(names)
    return _dicts([name for name, _ in shape], made)


def _dicts(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """A dict for each place in some columns, at least one; quickly for the few names that are usual."""
    if len(names) == 1:
        return [{names[0]: value} for value in columns[0]]
    if len(names) == 2:
        first, second = names
        return [{first: one, second: other} for one, other in zip(*columns, strict=True)]
    return list(map(dict, map(zip, repeat(names), zip(*columns, strict=True))))


def _cleaned(text: str | None) -> str | None:
    """A message without a byte order mark and the blanks around it."""
    return None if text is None else text.removeprefix("\ufeff").lstrip(" ").rstrip(BLANKS)
