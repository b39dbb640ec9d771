r"""Lines of RFC 5424, a window of them at once.

Rule: gives what `sysloghead.read_line` gives for a line of RFC 5424, or leaves the line
to it. Strategy: a line is cut at its first six blanks, and what a column may hold is
looked at for the whole column; structured data is cut at its quotes, and what stands
between them, which is the same in line after line, says what the values are called.

    <34>1 2024-05-01T10:00:00Z host app 123 ID47 [a@1 b="c" d="e"][f@1 g="h"] message
                                                  between the quotes: [a@1 b= , d= , ][f@1 g=
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
_OTHER_BLANKS = "\t\r\v\f"
"""Between a header's values only single spaces stand."""
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
    if not _are_headers(said, "\n".join(lines)):
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


def _are_headers(said: Sequence[Sequence[str]], text: str) -> bool:
    """Whether these can be the times, hosts, ... of headers.

    Args:
        said: columns of them, cut at blanks.
        text: what they were cut out of.
    """
    times, *words = said
    if any("" in values for values in words):
        return False
    if any(map(text.__contains__, _OTHER_BLANKS)) and any(
        blank in "".join(chain.from_iterable(said)) for blank in _OTHER_BLANKS
    ):
        return False
    return all(map(_TIME.fullmatch, {time[:_TIME_SIZE] for time in times}))


def _cut(rests: Sequence[str]) -> tuple[Sequence[Elements | None], list[str | None]]:
    """Structured data and message of each; the message is None of what is odd."""
    if all(rest[:1] == "[" for rest in rests):
        return _cut_data(rests)
    data: list[Elements | None] = [None] * len(rests)
    texts = [_cleaned(rest[2:]) if rest[:2] in {"- ", "-"} else None for rest in rests]
    places = [place for place, rest in enumerate(rests) if rest[:1] == "["]
    if places:
        found = _cut_data([rests[place] for place in places])
        for place, elements_there, text in zip(places, *found, strict=True):
            data[place], texts[place] = elements_there, text
    return data, texts


def _cut_data(rests: Sequence[str]) -> tuple[Sequence[Elements | None], list[str | None]]:
    """The same, where structured data seems to come first."""
    halves = [rest.partition('"] ') for rest in rests]
    # Where no message comes after it, data ends here as it does elsewhere.
    parts = [(half if end else half.removesuffix('"]')).split('"') for half, end, _ in halves]
    between = [tuple(part[::2]) for part in parts]
    if len(set(between)) == 1:
        alike = _elements(between[0], [part[1::2] for part in parts])
        if alike is not None:
            return alike, [_cleaned(text) for _, _, text in halves]
    groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, key in enumerate(between):
        groups[key].append(place)
    data: list[Elements | None] = [None] * len(rests)
    texts: list[str | None] = [None] * len(rests)
    for key, places in groups.items():
        found = _elements(key, [parts[place][1::2] for place in places])
        for index, place in enumerate(places):
            if found is not None:
                data[place], texts[place] = found[index], _cleaned(halves[place][2])
            else:
                data[place], text = split_data(rests[place])
                texts[place] = None if data[place] is None else _cleaned(text)
    return data, texts


def _elements(between: tuple[str, ...], values: Sequence[Sequence[str]]) -> list[Elements] | None:
    """The elements of lines with these texts between their quotes, and these in them; None if that is odd."""
    shape = _shape(between)
    if shape is None or set(map(len, values)) != {len(between)}:
        return None
    if "\\" in "".join(chain.from_iterable(values)):
        return None
    columns, place = list(zip(*values, strict=True)), 0
    made: list[Sequence[Any]] = []
    for _, names in shape:
        made.append(_dicts(names, columns[place : place + len(names)]) if names else [{} for _ in values])
        place += len(names)
    return _dicts([name for name, _ in shape], made)


@lru_cache(1000)
def _shape(between: tuple[str, ...]) -> _Shape | None:
    """What structured data is like that has these texts before its values; None if it is odd."""
    text = "".join(f'{part}""' for part in between) + "]"
    found = elements(text) if len(between) <= _MOST_VALUES and IS_DATA(text) else {}
    shape = tuple((name, tuple(parameters)) for name, parameters in found.items())
    is_whole = sum(len(names) for _, names in shape) == len(between) and len(shape) == text.count("[")
    return shape if is_whole else None


def _dicts(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """A dict for each place in some columns, at least one; quickly for the few names that are usual."""
    if len(names) == 1:
        return [{names[0]: value} for value in columns[0]]
    if len(names) == 2:
        first, second = names
        return [{first: one, second: other} for one, other in zip(*columns, strict=True)]
    return list(map(dict, map(zip, repeat(names), zip(*columns, strict=True))))


def _cleaned(text: str) -> str:
    """A message without a byte order mark and the blanks around it."""
    return text.removeprefix("\ufeff").lstrip(" ").rstrip(BLANKS)
