r"""Lines that have the same keys in the same order as lines before them.

Rule: a program writes the same keys again and again, so a line that was read token by
token is also a pattern for others: its keys and its words as they are, any values.
Invariant: a shape matches a line only if reading it token by token gives the same
record; what it is not sure of it does not match (odd blanks, a key twice, quotes around
keys). Strategy: lines that may have a shape in common are matched in one call; only
what has no shape is read token by token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import compress, repeat
from operator import itemgetter, not_
from typing import Any, NamedTuple

from .kvpairs import TEXT, Grammar, Pairs

_Tokens = Sequence[tuple[str, str, str]]

_OFTEN = 16
"""A shape has to take so many lines when it is made, and a share of those that it is made for."""
_SHARE = 10
_SEVERAL = 6
"""So many shapes are tried on lines that have as many separators and quotes."""
_MOST = 64
"""So many shapes are made; after that, lines that have none of them are read pair by pair."""
_FAILURES = 8
"""After so many that were not worth it, no more are made."""
_MOST_KEYS = 90
"""Where a line has more, to compile its pattern takes too long."""


class Shape(NamedTuple):
    """The keys and words of some line, and the patterns of lines like it."""

    names: tuple[str, ...]
    quoted: tuple[str, ...]
    """The keys whose values are in quotes."""
    words: dict[str, Any]
    """What its words are in a record."""
    line: Callable[[str], re.Match[str] | None]
    lines: Callable[[str], list[Any]]
    """The values of every line of a text that has this shape and no escape between quotes."""
    every_line: Callable[[str], list[tuple[str, ...]]]
    """The values and "" for each line that has this shape; "" for each value and the line for others."""


class Shapes:
    """The shapes of the lines so far.

    Args:
        grammar: the route's.
        pairs: reads a line under the same grammar.
    """

    def __init__(self, grammar: Grammar, pairs: Pairs) -> None:
        self._grammar = grammar
        self._pairs = pairs
        self._by_count: dict[tuple[int, int], list[Shape]] = {}
        self._left = _MOST
        self._failures = 0
        self._quote = grammar.quotes[:1] or "\n"
        if grammar.pair:
            pair, value = grammar.pair, grammar.value
            self._joints = [(p, v) for p in (pair, f"{pair} ") for v in (value, f"{value} ", f" {value} ")]
        else:
            self._joints = [(" ", grammar.value)]

    def rows(self, lines: Sequence[str]) -> tuple[Shape, list[Any]] | None:
        """The shape that all of the lines have, and the values of each; None if they have several."""
        shapes = self._by_count.get(self._count(lines[0]), ())
        shape = next((shape for shape in shapes if shape.line(lines[0])), None)
        if shape is None or shape.words:
            return None
        if not all(map(shape.line, (lines[-1], *lines[:: len(lines) // 4 + 1]))):
            return None
        found = shape.lines("\n".join(lines))
        if len(found) != len(lines):
            return None
        return shape, found if len(shape.names) > 1 else [(value,) for value in found]

    def records(self, lines: Sequence[str]) -> list[Any]:
        """A dict for each line that has a shape; None for the others."""
        found: list[Any] = [None] * len(lines)
        groups: dict[tuple[int, int], list[int]] = {}
        value, quote = self._grammar.value, self._quote
        for index, line in enumerate(lines):
            groups.setdefault((line.count(value), line.count(quote)), []).append(index)
        for count, group in groups.items():
            shapes = self._by_count.setdefault(count, [])
            left = group
            for shape in shapes:
                left = self._fill(found, lines, left, shape)
            while len(left) >= _OFTEN and len(shapes) < _SEVERAL:
                new = self._learn(lines[left[0]])
                if new is None:
                    break
                before, left = len(left), self._fill(found, lines, left, new)
                if before - len(left) < max(_OFTEN, before // _SHARE):
                    self._failures += 1
                    break
                shapes.append(new)
        return found

    def _count(self, line: str) -> tuple[int, int]:
        """What lines of one shape mostly have in common."""
        return line.count(self._grammar.value), line.count(self._quote)

    def _fill(
        self, found: list[Any], lines: Sequence[str], indexes: Sequence[int], shape: Shape
    ) -> list[int]:
        """Put in the records of those lines that have this shape; give the indexes of the others."""
        text = "\n".join([lines[index] for index in indexes])
        rows = shape.every_line(text)
        missed = list(map(itemgetter(-1), rows))
        left = list(compress(indexes, missed))
        hits: Iterable[int] = indexes
        if left:
            rows = [row for row in rows if not row[-1]]
            hits = compress(indexes, map(not_, missed))
        records: Iterable[dict[str, Any]] = map(dict, map(zip, repeat(shape.names), rows))
        if shape.words or (self._grammar.escape and self._grammar.escape in text):
            records = [self._whole(record, shape) for record in records]
        for index, record in zip(hits, records, strict=True):
            found[index] = record
        return left

    def _whole(self, record: dict[str, Any], shape: Shape) -> dict[str, Any]:
        """The record with its words, and without escapes."""
        escape = self._grammar.escape
        if escape:
            for name in shape.quoted:
                if escape in record[name]:
                    record[name] = self._grammar.unescape(record[name])
        record.update(shape.words)
        return record

    def _learn(self, line: str) -> Shape | None:
        """The shape of a line; None if it can have none, or there are shapes enough."""
        if not self._left or self._failures >= _FAILURES:
            return None
        tokens = self._pairs.tokens(line)
        pairs = [(key, value) for key, value, _ in tokens if key]
        words = [word.rstrip(self._grammar.blanks) for key, _, word in tokens if not key]
        names = tuple(key for key, _ in pairs)
        joint = next((j for j in self._joints if _joined(tokens, *j) == line), None)
        if joint is None or not self._is_plain(names, words):
            return None
        self._left -= 1
        quotes = self._grammar.quotes
        patterns = [self._pattern(tokens, *joint, escapes=escapes) for escapes in (True, False)]
        shape = Shape(
            names,
            tuple(key for key, value in pairs if value and value[0] in quotes),
            dict.fromkeys(words, True) if self._grammar.flags or not words else {TEXT: " ".join(words)},
            re.compile(patterns[0]).fullmatch,
            re.compile(f"(?m)^{patterns[1]}$").findall,
            re.compile(f"(?m)^(?:{patterns[0]}$|(.+))").findall,
        )
        return shape if shape.line(line) else None

    def _is_plain(self, names: tuple[str, ...], words: list[str]) -> bool:
        """Whether other lines with these keys and words would be taken apart in the same places."""
        grammar = self._grammar
        if not 0 < len(names) <= _MOST_KEYS or len({*names, *words, TEXT}) <= len(names) + len(set(words)):
            return False
        if any(name[0] in grammar.quotes or name.strip(" \t") != name for name in names):
            return False
        special = {grammar.value, *grammar.quotes}
        plain = not any(not word or s in word for s in special for word in words)
        return not words or (plain and not grammar.pair)

    def _pattern(self, tokens: _Tokens, pair: str, value: str, *, escapes: bool) -> str:
        """The pattern of lines like the one that these tokens are of."""
        return re.escape(pair).join(
            f"{re.escape(key + value)}{self._value(text[:1], escapes=escapes)}"
            if key
            else re.escape(word.rstrip(" \t"))
            for key, text, word in tokens
        )

    def _value(self, first: str, *, escapes: bool) -> str:
        """The pattern of a value that begins with this character, as a group."""
        grammar = self._grammar
        if first and first in grammar.quotes:
            return grammar.quoted(first, group="(", escapes=escapes)
        no_quote = f"(?![{re.escape(grammar.quotes)}])" if grammar.quotes else ""
        if not grammar.pair:
            return f"({no_quote}{grammar.some()}*+)"
        return rf"({no_quote}(?![ \t]){grammar.some()}*+)(?<![ \t])"


def _joined(tokens: _Tokens, pair: str, value: str) -> str:
    return pair.join(f"{key}{value}{text}" if key else word.rstrip(" \t") for key, text, word in tokens)
