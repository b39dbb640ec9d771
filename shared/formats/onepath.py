r"""Patterns in which the next characters always say how to go on.

Rule: a checked pattern (`patterns`) is written anew for Python's `re`, with every
repetition possessive, if it never has two ways to go on: what a repetition takes
cannot begin what comes after it, and no two alternatives begin alike. A lazy
repetition may have several ways: it goes on at the first place where what must come
next is there, and does not come back. Invariant: what is found is what RE2 finds,
since of all ways RE2 takes the first that leads to the end; only where the first was
taken and led to no end (`OnePath.is_sure` is False) is it for RE2 to say that there
is no match. It never goes back, so it needs as little time on any text as RE2 does; a
pattern with anything else in it is None here and RE2 runs it. Reason: `re` gives the
groups of a line in a third of the time, and needs no Arrow.

    (?P<host>\S+) (?P<program>[^:\[]+)(?:\[(?P<pid>\d+)\])?: (?P<message>.*)     one path
    (?P<program>.*?): (?P<message>.*)                                      up to the first ": "
    (?P<path>.*)/(?P<name>.*)                                              / may be in .*

What is repeated are single characters; of groups only `?`. The rest of the text,
`.*` at the very end, may come after anything that takes as much as it can. Groups
need not be possessive: to go past one of them, or another way through it, fails at
its first character.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from .patterns import Pattern

_BEYOND = 1 << 128
"""The bit of all characters that are not ASCII; bit n is the character n."""
_ALL = (_BEYOND << 1) - 1
_NEWLINE = 1 << 10
_NO_LIMIT = -1
_LOOKS_AHEAD = 16
"""Over so many characters of one kind nobody looks to see where a lazy repetition ends."""


def _bits(characters: str) -> int:
    return sum(1 << ord(character) for character in set(characters))


_DIGITS = _bits("0123456789")
_WORD = _DIGITS | _bits("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_BLANKS = _bits("\t\n\f\r ")
_KINDS = {"d": _DIGITS, "w": _WORD, "s": _BLANKS, "D": _ALL ^ _DIGITS, "W": _ALL ^ _WORD, "S": _ALL ^ _BLANKS}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~")

_QUANTIFIER = re.compile(r"(?:([*+?])|\{(\d+)(,?)(\d*)\})(\??)")
_GROUP = re.compile(r"\((?:(\?P<[^>]*>)|\?(s?):)")


class OnePath(NamedTuple):
    """A pattern for `re`, whose groups are in the order of the names."""

    record: Callable[[str], re.Match[str] | None]
    """Matches a whole text."""
    lines: Callable[[str], list[Any]]
    """The groups of each line of a text that matches as a whole; of only one group, the group."""
    every_line: Callable[[str], list[tuple[str, ...]]]
    """The groups and "" for each line that matches; "" for each group and the line, where it does not."""
    is_sure: bool
    """Whether what does not match here does not match in RE2 either."""


class _Characters(NamedTuple):
    """One of a set of characters, so many times."""

    bits: int
    least: int
    most: int
    lazy: bool


class _Group(NamedTuple):
    """Alternatives, each of them items in a row."""

    captures: bool
    ways: list[list[_Item]]
    optional: bool


_Item = _Characters | _Group


class _After(NamedTuple):
    """What comes after an item."""

    first: int
    """What it can begin with."""
    needs: str
    """A pattern of what it must begin with; "" if that is not known."""


class _SeveralPathsError(Exception):
    """This pattern is for RE2."""


def one_path(pattern: Pattern, *, newlines: bool) -> OnePath | None:
    """The same pattern for `re`; None if it may have several ways to go on.

    Args:
        pattern: a checked one.
        newlines: whether the texts that it is for may have newlines; if so, only
            `record` of the answer is of use.
    """
    try:
        items = _Reader(pattern.text).whole()
        writer = _Writer(_ALL if newlines else _ALL ^ _NEWLINE)
        text = writer.row(items, _After(0, ""), at_end=True)
    except _SeveralPathsError:
        return None
    return OnePath(
        re.compile(text).fullmatch,
        re.compile(f"(?m)^{text}$").findall,
        re.compile(f"(?m)^(?:{text}$|(.+))").findall,
        writer.is_sure,
    )


class _Reader:
    """A pattern's text to items.

    Args:
        text: a pattern that RE2 takes; all groups that capture have names.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._dot = _ALL ^ _NEWLINE

    def whole(self) -> list[_Item]:
        """The items of the pattern."""
        text = self._text
        if text.startswith("(?s)"):
            self._place, self._dot = 4, _ALL
        if text.startswith("^", self._place):
            self._place += 1
        ways = self._ways()
        if self._place < len(text):
            raise _SeveralPathsError
        return ways[0] if len(ways) == 1 else [_Group(False, ways, False)]

    def _ways(self) -> list[list[_Item]]:
        """Up to the end of the group or of the pattern."""
        ways: list[list[_Item]] = [[]]
        while self._place < len(self._text) and self._text[self._place] != ")":
            if self._text[self._place] == "|":
                self._place += 1
                ways.append([])
            elif self._text[self._place :] in {"$", r"\z"} and len(ways) == 1:
                self._place = len(self._text)
            elif self._text[self._place] == "(":
                ways[-1].append(self._group())
            else:
                ways[-1].append(_Characters(self._one(), *self._times()))
        return ways

    def _group(self) -> _Group:
        found = _GROUP.match(self._text, self._place)
        if found is None:
            raise _SeveralPathsError
        self._place, dot = found.end(), self._dot
        if found[2]:
            self._dot = _ALL
        ways = self._ways()
        self._dot = dot
        if not self._text.startswith(")", self._place):
            raise _SeveralPathsError
        self._place += 1
        least, most, lazy = self._times()
        if most != 1 or lazy:
            raise _SeveralPathsError
        return _Group(bool(found[1]), ways, least == 0)

    def _times(self) -> tuple[int, int, bool]:
        """The quantifier here, if there is one."""
        found = _QUANTIFIER.match(self._text, self._place)
        if found is None:
            return 1, 1, False
        self._place = found.end()
        sign, least, comma, most, lazy = found.groups()
        if sign:
            return (1 if sign == "+" else 0), (1 if sign == "?" else _NO_LIMIT), bool(lazy)
        limit = int(most) if most else _NO_LIMIT if comma else int(least)
        return int(least), limit, bool(lazy)

    def _one(self) -> int:
        """The characters that one character, escape or class stands for."""
        character = self._text[self._place]
        self._place += 1
        if character == "\\":
            return self._escape()
        if character == "[":
            return self._class()
        if character == ".":
            return self._dot
        if character in "^${*+?" or ord(character) > 127:
            raise _SeveralPathsError
        return 1 << ord(character)

    def _escape(self) -> int:
        character = self._text[self._place]
        self._place += 1
        if character in _KINDS:
            return _KINDS[character]
        if character in _CONTROLS:
            return _bits(_CONTROLS[character])
        if character not in _PUNCTUATION:
            raise _SeveralPathsError
        return _bits(character)

    def _class(self) -> int:
        text, bits = self._text, 0
        negated = text[self._place] == "^"
        self._place += negated
        first = self._place
        while text[self._place] != "]" or self._place == first:
            if text.startswith("[:", self._place) or text[self._place] == "^":
                raise _SeveralPathsError
            low = self._member()
            if text[self._place] == "-" and text[self._place + 1] != "]":
                self._place += 1
                low = _range(low, self._member())
            bits |= low
        self._place += 1
        return _ALL ^ bits if negated else bits

    def _member(self) -> int:
        character = self._text[self._place]
        self._place += 1
        if character == "\\":
            return self._escape()
        if ord(character) > 127:
            raise _SeveralPathsError
        return 1 << ord(character)


class _Writer:
    """Items to a pattern for `re`; each is looked at together with what may come after it.

    Args:
        allowed: all characters that a text can have.
    """

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        self.is_sure = True

    def row(self, items: list[_Item], after: _After, *, at_end: bool, rest: bool = False) -> str:
        """The pattern of items in a row.

        Args:
            items: in their order.
            after: what comes after them.
            at_end: whether nothing comes after them.
            rest: whether the rest of the text comes after them, whatever it is.
        """
        written: list[str] = []
        for index in range(len(items) - 1, -1, -1):
            item, last = items[index], index == len(items) - 1
            takes_all = rest if last else at_end and self._is_rest(items[index + 1 :])
            written.append(self._item(item, after, at_end=at_end and last, rest=takes_all))
            first, may_be_empty = self._begins(item)
            after = _After(first | after.first if may_be_empty else first, self._needs(item, after.needs))
        return "".join(reversed(written))

    def _item(self, item: _Item, after: _After, *, at_end: bool, rest: bool) -> str:
        if isinstance(item, _Characters):
            return self._characters(item, after, rest=rest)
        if len(item.ways) > 1 or item.optional:
            self._check_choice(item, after.first)
        inside = "|".join(self.row(way, after, at_end=at_end, rest=rest) for way in item.ways)
        return f"{'(' if item.captures else '(?:'}{inside}){'?' if item.optional else ''}"

    def _check_choice(self, group: _Group, after: int) -> None:
        """Whether the next character says which way to go, or to go past the group."""
        seen = after if group.optional else 0
        for way in group.ways:
            first, may_be_empty = self._row_begins(way)
            if may_be_empty or first & seen:
                raise _SeveralPathsError
            seen |= first

    def _needs(self, item: _Item, needs: str) -> str:
        """A pattern of what a text must begin with that begins with this item, and goes on with `needs`."""
        if isinstance(item, _Group):
            if item.optional or len(item.ways) > 1:
                return ""
            for inner in reversed(item.ways[0]):
                needs = self._needs(inner, needs)
            return needs
        bits = item.bits & self._allowed
        if not item.least or not bits:
            return ""
        fixed = item.least == item.most and item.least <= _LOOKS_AHEAD
        return f"{_times(bits, item.least)}{needs}" if fixed else _as_class(bits)

    def _characters(self, item: _Characters, after: _After, *, rest: bool) -> str:
        bits = item.bits & self._allowed
        if not bits:
            return "(?!)" if item.least else ""
        if item.least == item.most:
            return _times(bits, item.least)
        times = f"{{{item.least},{'' if item.most == _NO_LIMIT else item.most}}}"
        if bits & after.first and item.lazy and after.needs:
            self.is_sure = False
            return f"(?>{_as_class(bits)}{times}?(?={after.needs}))"
        if bits & after.first and (item.lazy or not rest):
            raise _SeveralPathsError
        return f"{_as_class(bits)}{times}+"

    def _is_rest(self, items: list[_Item]) -> bool:
        r"""Whether these take any text: `.*`, perhaps with `(?:\n(?s:.*))?` after it."""
        if len(items) == 1:
            return self._takes_all(items[0], self._allowed)
        if len(items) != 2 or not self._takes_all(items[0], self._allowed & ~_NEWLINE):
            return False
        more = items[1]
        if not isinstance(more, _Group) or not more.optional or len(more.ways) > 1:
            return False
        newline = _Characters(_NEWLINE, 1, 1, lazy=False)
        return more.ways[0][:1] == [newline] and self._is_rest(more.ways[0][1:])

    def _takes_all(self, item: _Item, bits: int) -> bool:
        """Whether an item takes any text of these characters."""
        if isinstance(item, _Group):
            alone = not item.optional and len(item.ways) == 1 and len(item.ways[0]) == 1
            return alone and self._takes_all(item.ways[0][0], bits)
        return item.bits & self._allowed == bits and item.least == 0 and item.most == _NO_LIMIT

    def _begins(self, item: _Item) -> tuple[int, bool]:
        """What an item can begin with, and whether it may be empty."""
        if isinstance(item, _Characters):
            return item.bits & self._allowed, item.least == 0
        found = [self._row_begins(way) for way in item.ways]
        first = 0
        for begins, _ in found:
            first |= begins
        return first, item.optional or any(empty for _, empty in found)

    def _row_begins(self, items: list[_Item]) -> tuple[int, bool]:
        first = 0
        for item in items:
            begins, may_be_empty = self._begins(item)
            first |= begins
            if not may_be_empty:
                return first, False
        return first, True


def _range(low: int, high: int) -> int:
    """All characters from one to another."""
    if low.bit_count() != 1 or high.bit_count() != 1 or high < low:
        raise _SeveralPathsError
    return (high << 1) - low


def _times(bits: int, number: int) -> str:
    """So many of a set of characters."""
    return _as_class(bits) if number == 1 else f"{_as_class(bits)}{{{number}}}"


def _as_class(bits: int) -> str:
    """A set of characters as `re` has it."""
    if bits == _ALL:
        return r"[\x00-\U0010ffff]"
    if bits.bit_count() == 1 and bits < _BEYOND:
        return f"\\x{bits.bit_length() - 1:02x}"
    negated = bits & _BEYOND
    listed = (_ALL ^ bits) if negated else bits
    inside = "".join(f"\\x{n:02x}" for n in range(128) if listed >> n & 1)
    return f"[{'^' if negated else ''}{inside}]"
