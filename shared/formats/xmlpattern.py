"""An element as a pattern for others that have the same markup.

Rule: names, tags and blanks between tags are as they are, texts and attribute values
may be any. Invariant: a shape takes an element only if reading it tag by tag gives the
same record; what it is not sure of it does not take (tabs in attributes, other blanks).
Strategy: what stands in which place of the record is found by reading the element with
marks for values; then an element is one match, and the dicts of many are made in a few
calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from ..model import Record
from .xmlplain import Doubtful, unescaped
from .xmltree import SPACE, declares, local_name

Read = Callable[[str], list[Record]]
"""Reads elements tag by tag; or raises Doubtful."""

Row = tuple[str, ...]
"""The values of an element."""

_LONGEST = 4096
"""Characters of markup; where there are more, to compile it takes too long."""

_TAG = re.compile(r"<([^<>]*)>([^<]*)")

_BLANK = r"[ \t\n]*+"
_TEXT = "([^<]*+)"
_SOME = "([^<]++)"
_BESIDE = rf"({_BLANK}[^ \t\n<&][^<]*+)"
"""A text beside attributes, which it is in no record if it is blank; a reference may be a blank."""


class Shape:
    """The markup of some element.

    Args:
        pattern: of an element without what it is closed with; a group is a value.
        template: the record, with the index of a value in place of each.
        signs: the element's markup in parts; None for a part that values are in.
    """

    def __init__(self, pattern: str, template: Any, signs: Sequence[str | None]) -> None:
        self.match = re.compile(pattern).fullmatch
        self.signs = signs
        self.missed = 0
        """Elements that neither it nor a shape like it took, and"""
        self.taken = 0
        """what it took since they were counted."""
        self._template = template

    def records(self, rows: Sequence[Row]) -> list[Record]:
        """Those with these values."""
        return list(_made(self._template, list(zip(*rows, strict=True)), len(rows)))


class Cut(NamedTuple):
    """How elements are told apart before it is known what they are."""

    name: str
    """As it is written."""
    close: str
    """The end tag; of elements that are their own end, "/>"."""
    sign: str
    """What stands before every part of their markup and in no value: < or, of elements that are their own
    end, the quote."""

    def part(self, text: str) -> str:
        """A part's markup: it begins after a sign."""
        return text.partition(">")[0]


def cut(text: str) -> Cut | None:
    """How elements like the first one are told apart."""
    first = _FIRST.match(text)
    if first is None:
        return None
    return Cut(first[1], "/>", _quote(first[0])) if first[2] else Cut(first[1], f"</{first[1]}>", "<")


_FIRST = re.compile(r"<([^\s<>/!?=\"'&]+)[^<>]*?(/?)>")


def learn(piece: str, like: Cut, keyed: Mapping[str, str], read: Read) -> Shape | None:
    """The shape of an element; None if it can have none.

    Args:
        piece: the element without what it is closed with.
        like: how it was told apart.
        keyed: see Elements.
        read: see Read.
    """
    element = piece.lstrip(SPACE) + like.close
    found = _markup(element, keyed)
    markup, values = found[::2], found[1::2]
    if cut(element) != like or not markup[-1].endswith(like.close) or sum(map(len, markup)) > _LONGEST:
        return None
    marks = [f"\0{index}" for index in range(len(values))]
    marked = _merged(markup, marks)
    try:
        records, template = read(element), read(marked)
    except Doubtful:
        return None
    if len(records) != 1 or len(template) != 1:
        return None
    markup[-1] = markup[-1].removesuffix(like.close)
    parts = marked.removesuffix(like.close).split(like.sign)
    shape = Shape(
        _BLANK + _merged([re.escape(part) for part in markup], values),
        _indexed(template[0], {mark: index for index, mark in enumerate(marks)}),
        [None if "\0" in like.part(part) else like.part(part) for part in parts],
    )
    row = shape.match(piece)
    return shape if row is not None and shape.records([plain(row.groups())]) == records else None


def _merged(markup: Sequence[str], between: Sequence[str]) -> str:
    return "".join(part for pair in zip(markup, [*between, ""], strict=True) for part in pair)


def plain(row: Row) -> Row:
    """Values with their references replaced.

    Raises:
        Doubtful: one of them is not known.
    """
    text = "\0".join(row)  # which is no character of XML
    return tuple(unescaped(text).split("\0")) if "&" in text else row


def _quote(piece: str) -> str:
    double, single = piece.find('"'), piece.find("'")
    return '"' if single < 0 or 0 <= double < single else "'"


# -- of an element, its markup --------------------------------------------------------------------


class _Markup:
    """Literal text and patterns of values in turn.

    Args:
        keyed: see Elements.
    """

    def __init__(self, keyed: Mapping[str, str]) -> None:
        self.parts = [""]
        self._keyed = keyed

    def literal(self, text: str) -> None:
        """It is the same in all elements."""
        self.parts[-1] += text

    def value(self, pattern: str) -> None:
        """It differs."""
        self.parts += [pattern, ""]

    def tag(self, tag: str) -> bool:
        """What stands between < and >; whether the record gets attributes of it beside the element's text."""
        quote, beside = _quote(tag), False
        between = tag.split(quote)
        key = self._keyed.get(local_name(_word(between[0], 0)))
        for before, value in zip(between[:-1:2], between[1::2], strict=False):
            self.literal(before + quote)
            attribute = _word(before.rstrip(SPACE + "="), -1)
            if declares(attribute) or local_name(attribute) == key:
                beside |= not value and not declares(attribute)
                self.literal(value + quote)
            else:
                beside = True
                self.value(rf"([^<>{quote}\n\t]*+)")
                self.literal(quote)
        self.literal(between[-1])
        return beside


def _word(text: str, index: int) -> str:
    words = text.split()
    return words[index] if words else ""


def _markup(element: str, keyed: Mapping[str, str]) -> list[str]:
    """An element's text between its values, and the patterns of these, in turn."""
    found, tags = _Markup(keyed), _TAG.findall(element)
    for index, (tag, text) in enumerate(tags):
        found.literal("<")
        beside = found.tag(tag)
        found.literal(">")
        after = tags[index + 1][0] if index + 1 < len(tags) else ""
        if tag[:1] == "/" or tag[-1:] == "/" or after[:1] != "/":
            found.literal(text)
        elif beside or not index:
            _add_some(found, text, beside=beside)
        else:
            found.value(_TEXT)
    return found.parts


def _add_some(found: _Markup, text: str, *, beside: bool) -> None:
    """A text that is in the record only if there is one."""
    if beside and text.strip(SPACE):
        found.value(_BESIDE)
    elif not beside and text:
        found.value(_SOME)
    else:
        found.literal(text)


# -- of values, records ---------------------------------------------------------------------------


def _indexed(template: Any, indexes: Mapping[str, int]) -> Any:
    """A template with the index of a value in place of each mark."""
    if type(template) is dict:
        return {name: _indexed(value, indexes) for name, value in template.items()}
    if type(template) is list:
        return [_indexed(value, indexes) for value in template]
    return indexes.get(template, template)


def _made(template: Any, columns: Sequence[Row], count: int) -> Iterable[Any]:
    """What a part of a template becomes, so many times."""
    if type(template) is int:
        column: Row = columns[template]
        return column
    if type(template) is str:
        return repeat(template, count)
    if type(template) is list:
        return map(list, zip(*(_made(part, columns, count) for part in template), strict=True))
    if not template:
        return [{} for _ in range(count)]
    names, parts = tuple(template), [_made(part, columns, count) for part in template.values()]
    if len(names) == 1:
        (name,) = names
        return [{name: value} for value in parts[0]]
    return map(dict, map(zip, repeat(names), zip(*parts, strict=True)))
