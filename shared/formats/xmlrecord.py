"""One XML element to one record, quickly where it is plain.

Rule: what an element becomes is said in xmltree.py. Invariant: both ways, here and
there, give the same record. Strategy: text is cut at every `<`, and a tag that was
seen before is known; whatever is not plain elements (comments, CDATA, mixed content,
anything doubtful) is left to expat, and only expat says why a text is no XML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..model import Record
from .jsonvalue import Problem
from .xmlplain import Doubtful, Unclosed, unescaped
from .xmlshapes import Shapes
from .xmltree import MAX_DEPTH, SPACE, as_record, by_expat, declares, local_name, placed, put, with_text

_CONTROL = bytes(set(range(32)) - {9, 10, 13})
_NO_CHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_CHARACTERS = ((0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF))
_KNOWN_TAGS = 4096

_NAME = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_.-]*+:)?+[A-Za-z_][A-Za-z0-9_.-]*+")
_ATTRIBUTE = re.compile(r"[ \t\n]++([A-Za-z_][A-Za-z0-9_.:-]*+)[ \t\n]*+=[ \t\n]*+")
_TAG_END = re.compile(r"[ \t\n]*+(/?+)")
_AS_SPACE = {9: 32, 10: 32}

_OPEN, _OPEN_LISTED, _EMPTY, _EMPTY_LISTED, _END = range(5)
"""Kinds of tags; those that are odd are of elements that are in a list even if they are alone."""


_Tag = tuple[int, str, str, Record | None, str]
"""What stands between `<` and `>`: kind; name as it is written; where the element stands in its
parent; attributes; what the piece of text after it is if it has no children."""


class _Shape(NamedTuple):
    """A tag but for the values of its attributes."""

    kind: int
    name: str
    key: str
    attributes: tuple[str, ...]
    """Their names; "" for a declaration of a namespace."""
    end: str
    plain: bool
    """Whether its attributes are what the record gets of it."""


class _Top:
    """What elements that are in no other become.

    Args:
        keyed: see Elements.
        wanted: the name that they must have.
    """

    def __init__(self, keyed: Mapping[str, str], wanted: str | None) -> None:
        self.records: list[Record] = []
        self.members: Record = {}
        """Always empty."""
        self._keyed = keyed
        self._wanted = wanted
        self._name = ""

    def add(self, here: Record, key: str, found: Any, name: str) -> None:
        """Add an element to another that has one like it, or to the records."""
        if here is not self.members:
            put(here, key, found)
            return
        if name != self._name:
            if local_name(name) in self._keyed or self._wanted not in {None, local_name(name)}:
                raise Doubtful
            self._name = name
        self.records.append(as_record(name, found))


class Elements:
    """Makes records.

    Args:
        keyed: names of elements, and which attribute of theirs is their key.
    """

    def __init__(self, keyed: Mapping[str, str]) -> None:
        self._keyed = keyed
        self._tags: dict[str, _Tag] = {}
        self._outlines: dict[str, _Shape] = {}
        self._shapes = Shapes(keyed, self._read)

    def one(self, raw: bytes) -> Record | Problem:
        """The record that an element is, or why it is no XML."""
        found = self.many(raw, None)
        return found[0] if found is not None and len(found) == 1 else by_expat(raw, self._keyed)

    def many(self, raw: bytes, wanted: str | None) -> list[Record] | None:
        """The records of elements one after another, if all are plain; else None.

        Args:
            raw: begins and ends with an element's tag.
            wanted: the name that all of them have, without a prefix.
        """
        if b"]" in raw and b"]]>" in raw:  # one character is found ten times as fast
            return None
        if (b"!" in raw and b"<!" in raw) or (b"?" in raw and b"<?" in raw):  # no tag begins so
            return None
        if len(raw.translate(None, _CONTROL)) != len(raw):
            return None
        if not raw.isascii() and any(character in raw for character in _NO_CHARACTERS):
            return None
        try:
            text = raw.decode()
            if "\r" in text:
                text = text.replace("\r\n", "\n").replace("\r", "\n")
            return self._shapes.records(text, wanted) or self._read(text, wanted)
        except (UnicodeDecodeError, Doubtful):
            return None

    # -- plain elements ----------------------------------------------------------------------

    def _read(self, text: str, wanted: str | None) -> list[Record]:  # noqa: PLR0912 - a call a tag costs too much
        tags, learn, references = self._tags, self._learn, "&" in text
        top = _Top(self._keyed, wanted)
        here = roots = top.members
        stack = list[tuple[Record, int, str, str]]()
        pieces = iter(text.split("<"))
        if next(pieces):
            raise Doubtful
        for piece in pieces:
            part = piece
            while True:
                tag, closed, value = part.partition(">")
                kind, name, key, attributes, end = tags[tag] if tag in tags else learn(tag)
                if not closed:
                    raise Doubtful
                if kind <= _OPEN_LISTED:
                    part = next(pieces, "")
                    if part != end and part.rstrip(SPACE) != end:  # it has children
                        if (value and value.strip(SPACE)) or len(stack) >= MAX_DEPTH:
                            raise Doubtful
                        stack.append((here, kind, name, key))
                        here = {} if attributes is None else attributes
                        continue
                    found: Any = unescaped(value) if references and "&" in value else value
                    if attributes is not None:
                        found = with_text(attributes, found)
                else:
                    if value and value.strip(SPACE):
                        raise Doubtful
                    found = "" if attributes is None else attributes
                    if kind == _END:
                        if not stack or stack[-1][2] != name:
                            raise Doubtful
                        found = here
                        here, kind, name, key = stack.pop()
                if kind & 1 or key in here or here is roots:
                    top.add(here, key, [found] if kind & 1 else found, name)
                else:
                    here[key] = found
                break
        if stack:
            raise Unclosed
        return top.records

    def _learn(self, tag: str) -> _Tag:
        """What a tag means that is met for the first time, or whose attributes may differ each time."""
        if "'" in tag or '"' in tag:
            return self._with_attributes(tag)
        found = _NAME.match(tag, 1 if tag.startswith("/") else 0)
        rest = _TAG_END.fullmatch(tag, found.end()) if found else None
        if found is None or rest is None:
            raise Doubtful
        name = found[0]
        if tag.startswith("/"):
            if rest[0]:
                raise Doubtful
            return self._known(tag, (_END, name, "", None, ""))
        return self._known(tag, self._tag(self._shape(bool(rest[1]), name, ()), []))

    def _known(self, text: str, tag: _Tag) -> _Tag:
        if len(self._tags) >= _KNOWN_TAGS:
            self._tags.clear()
        self._tags[text] = tag
        return tag

    def _with_attributes(self, text: str) -> _Tag:
        double, single = text.find('"'), text.find("'")
        quote = '"' if single < 0 or 0 <= double < single else "'"
        parts = text.split(quote)
        if not len(parts) % 2:
            raise Doubtful
        between = parts[::2]
        outline = quote.join(between)
        shape = self._outlines.get(outline)
        if shape is None:
            if len(self._outlines) >= _KNOWN_TAGS:
                self._outlines.clear()
            shape = self._outlines[outline] = self._shape(*_outline(between))
        values = parts[1::2]
        if "\n" in text or "\t" in text:
            values = [value.translate(_AS_SPACE) for value in values]
        if "&" in text:
            values = [unescaped(value) if "&" in value else value for value in values]
        tag = self._tag(shape, values)
        return self._known(text, tag) if tag[3] is None else tag

    def _shape(self, empty: bool, name: str, attributes: tuple[str, ...]) -> _Shape:
        key = local_name(name)
        plain = key not in self._keyed and "" not in attributes
        return _Shape(_EMPTY if empty else _OPEN, name, key, attributes, f"/{name}>", plain)

    def _tag(self, shape: _Shape, values: list[str]) -> _Tag:
        kind, name, key, names, end, plain = shape
        attributes: Record = dict(zip(names, values, strict=True))
        if not plain:
            attributes.pop("", None)
            if key in self._keyed:
                listed, key = placed(key, self._keyed[key], attributes)
                kind += listed
        return kind, name, key, attributes or None, end


def _outline(between: list[str]) -> tuple[bool, str, tuple[str, ...]]:
    """Whether a tag is its own end, its name and its attributes', from what stands between their values."""
    found = _NAME.match(between[0])
    if found is None:
        raise Doubtful
    rest, names = between[0][found.end() :], list[str]()
    for part in between[1:]:
        attribute = _ATTRIBUTE.fullmatch(rest)
        if attribute is None:
            raise Doubtful
        names.append(attribute[1])
        rest = part
    end = _TAG_END.fullmatch(rest)
    local = ["" if declares(name) else local_name(name) for name in names]
    kept = [name for name in local if name]
    if end is None or len(set(names)) < len(names) or len(set(kept)) < len(kept):
        raise Doubtful
    return bool(end[1]), found[0], tuple(local)
