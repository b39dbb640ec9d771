r"""Where XML's tags, comments and declarations begin and end, in bytes that need not be XML.

Rule: what is well-formed is cut as XML says; what is not ends at the next > or <,
so that it costs nothing but itself. Invariant: an answer does not change when more
bytes come: a piece that the text ends in has no end yet. Patterns are possessive:
they take linear time on any bytes.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from ..model import Origin, Position
from .jsonvalue import Problem

SPACE = b" \t\r\n"

_NAME = rb"[^\s<>/!?=\"'&]{1,1000}+"
_VALUES = rb"(?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+"
_START = re.compile(rb"<(%b)%b>" % (_NAME, _VALUES))
_STARTS = re.compile(rb"<(?:%b%b(?:\"[^\"<]*+|'[^'<]*+)?)?\Z" % (_NAME, _VALUES))
_END = re.compile(rb"</(%b)[ \t\r\n]*+>" % _NAME)
_ENDS = re.compile(rb"</(?:%b[ \t\r\n]*+)?\Z" % _NAME)
_BROKEN = re.compile(rb"<(%b)?[^<>]*+(>?)" % _NAME)
_DOCTYPE = re.compile(
    rb"<!DOCTYPE(?:[^<>\"'\[]++|\"[^\"]*+\"|'[^']*+')*+"
    rb"(?:\[(?:[^\]\"'<]++|\"[^\"]*+\"|'[^']*+'|<!--(?:[^-]++|-(?!->))*+-->|<\?(?:[^?]++|\?(?!>))*+\?>|<(?!!--|\?))*+\]"
    rb"[ \t\r\n]*+)?>"
)
_XML_DECLARATION = re.compile(rb"<\?xml[ \t\r\n?]")
_DECLARED = (b"<!--", b"<![CDATA[", b"<!DOCTYPE")
_LONGEST_NAME = 200

MARKS = {"comment": b"-->", "instruction": b"?>", "xml": b"?>", "cdata": b"]]>"}
"""How pieces end; all others end with >."""


class Piece(NamedTuple):
    """A tag, comment or the like."""

    kind: str
    """start, empty (a start that is its own end), end, comment, instruction, xml (the declaration that
    a document begins with), cdata, doctype; broken for what is none of these."""
    end: int
    """Index after it; -1 if the text ends in it."""
    name: bytes = b""
    """Of a tag, as it is written."""


def piece_at(text: bytes, place: int) -> Piece:
    """What begins with the `<` at `place`."""
    second = text[place + 1 : place + 2]
    if second == b"!":
        return _declared(text, place)
    if second == b"?":
        kind = "xml" if _XML_DECLARATION.match(text, place) else "instruction"
        return Piece(kind, _after(text, b"?>", place + 2))
    if second == b"/":
        return _tag("end", _END, _ENDS, text, place)
    return _tag("start", _START, _STARTS, text, place)


def _declared(text: bytes, place: int) -> Piece:
    if text.startswith(b"<!--", place):
        return Piece("comment", _after(text, b"-->", place + 4))
    if text.startswith(b"<![CDATA[", place):
        return Piece("cdata", _after(text, b"]]>", place + 9))
    if text.startswith(b"<!DOCTYPE", place):
        found = _DOCTYPE.match(text, place)
        return Piece("doctype", found.end() if found else -1)
    begun = text[place : place + 9]
    if len(text) - place < 9 and any(declared.startswith(begun) for declared in _DECLARED):
        return Piece("broken", -1)
    return _broken(text, place)


def _tag(kind: str, whole: re.Pattern[bytes], begun: re.Pattern[bytes], text: bytes, place: int) -> Piece:
    found = whole.match(text, place)
    if found is None:
        return Piece(kind, -1) if begun.match(text, place) else _broken(text, place)
    if kind == "start" and text[found.end() - 2 : found.end()] == b"/>":
        kind = "empty"
    return Piece(kind, found.end(), found[1])


def _broken(text: bytes, place: int) -> Piece:
    """It ends after the next > or before the next <; with a name it is a start tag nevertheless."""
    found = _BROKEN.match(text, place)
    if found is None or (not found[2] and found.end() == len(text)):
        return Piece("broken", -1)
    return Piece("start" if found[1] else "broken", found.end(), found[1] or b"")


def _after(text: bytes, mark: bytes, place: int) -> int:
    found = text.find(mark, place)
    return -1 if found < 0 else found + len(mark)


def local(name: bytes) -> str:
    """A name without its prefix, as text; its beginning if it is very long."""
    return name.rpartition(b":")[2][:_LONGEST_NAME].decode(errors="replace")


# -- the end of an element ------------------------------------------------------------------------


@lru_cache(64)
def _inside(name: bytes) -> re.Pattern[bytes]:
    """What matters inside an element: what hides tags, and tags of the same name."""
    return re.compile(rb"<(?:!--|!\[CDATA\[|\?|/?%b(?=[\s/>]))" % re.escape(name))


def element_end(text: bytes, place: int, name: bytes) -> int:
    """Index after the end tag of an element whose content begins at `place`; -1 if it is not there."""
    pattern, depth = _inside(name), 1
    while True:
        found = pattern.search(text, place)
        if found is None:
            return -1
        piece = piece_at(text, found.start())
        if piece.end < 0:
            return -1
        place = piece.end
        if piece.kind == "end":
            depth -= 1
            if not depth:
                return place
        elif piece.kind == "start" and piece.name == name:
            depth += 1


class Cut(NamedTuple):
    """Where an element ends that nothing need close."""

    end: int
    closed: bool
    """Whether its own end tag is before `end`."""


def flat_end(text: bytes, place: int, name: bytes, parent: str) -> Cut | None:
    """The same for an element that holds none of its own name, whatever stands in comments and CDATA.

    Without its end tag it ends before the next tag of its name or the end tag of `parent`.
    """
    found = ends_of(name, parent).search(text, place)
    if found is None:
        return None
    if found[0] == b"</%b>" % name:
        return Cut(found.end(), closed=True)
    if not found[0].startswith(b"</%b" % name):
        return Cut(found.start(), closed=False)
    end = piece_at(text, found.start()).end
    return None if end < 0 else Cut(end, closed=True)


@lru_cache(64)
def ends_of(name: bytes, parent: str) -> re.Pattern[bytes]:
    """An element's end tag, `<` and its name, or what ends the element around it."""
    own = re.escape(name)
    around = rb"|</(?:[^\s<>/:]{1,1000}+:)?+%b(?=[\s>])" % re.escape(parent.encode()) if parent else b""
    return re.compile(rb"</%b>|</%b(?=\s)|<%b(?=[\s/>])%b" % (own, own, own, around))


# -- places -----------------------------------------------------------------------------------------


class Found(NamedTuple):
    """A record or a reject in a window, by its place."""

    first: int
    after: int
    problem: Problem | None = None


class Places:
    """Where the records of a window stand; worked out when it is asked for.

    Args:
        start: of the window.
        text: the window.
        place: where the first record begins in it.
        found: all of them, if that is known.
    """

    def __init__(self, start: Position, text: bytes, place: int, found: list[Found] | None = None) -> None:
        self._start = start
        self._text = text
        self._place = place
        self._given = found

    @cached_property
    def _found(self) -> list[tuple[int, int]]:
        if self._given is not None:
            return [(first, after) for first, after, _ in self._given]
        found, place = [], self._text.find(b"<", self._place)
        while place >= 0:
            piece = piece_at(self._text, place)
            end = piece.end
            if piece.kind == "start":
                end = element_end(self._text, end, piece.name)
            found.append((place, end))
            place = self._text.find(b"<", end)
        return found

    @cached_property
    def _lines(self) -> list[int]:
        """Of every record the line it begins in."""
        starts = [0, *(first for first, _ in self._found)]
        between = (self._text.count(b"\n", one, other) for one, other in pairwise(starts))
        return list(accumulate(between, initial=self._start.line))[1:]

    def of_record(self, index: int) -> Origin:
        """Its place and its own bytes."""
        first, after = self._found[index]
        return Origin(self._start.offset + first, self._lines[index], self._text[first:after])
