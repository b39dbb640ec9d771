"""One XML element to one record.

Rule: an element with nothing but text is that text; any other is a dict of its
attributes and children by their names without prefixes, its own text under `_text`;
what comes twice under a name is a list. An element that `keyed` names stands under
the value of its attribute: `<Data Name="x">1</Data>` is `{"x": "1"}`. Invariant:
both ways here give the same record. Strategy: text is cut at every `<`, and a tag
that was seen before is known; whatever is not plain elements (comments, CDATA, mixed
content, anything doubtful) is left to expat, and only expat says why a text is no
XML. No declaration of entities is ever read: none but XML's five can be used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from xml.parsers import expat

from ..model import Record
from .jsonvalue import Problem
from .lines import invalid_utf8

TEXT = "_text"
"""Where an element's own text stands beside its attributes and children."""

MAX_DEPTH = 100
_SPACE = " \t\n\r"
_CONTROL = bytes(set(range(32)) - {9, 10, 13})
_NO_CHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_CHARACTERS = ((0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF))
_KNOWN_TAGS = 4096

_NAME = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_.-]*+:)?+[A-Za-z_][A-Za-z0-9_.-]*+")
_ATTRIBUTE = re.compile(r"[ \t\n]++([A-Za-z_][A-Za-z0-9_.:-]*+)[ \t\n]*+=[ \t\n]*+")
_TAG_END = re.compile(r"[ \t\n]*+(/?+)")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));|&")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_AS_SPACE = {9: 32, 10: 32}

_OPEN, _OPEN_LISTED, _EMPTY, _EMPTY_LISTED, _END = range(5)
"""Kinds of tags; those that are odd are of elements that are in a list even if they are alone."""


class _Doubtful(Exception):  # noqa: N818 - never leaves this module
    """Not plain elements."""


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """XML that is read no further."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = Problem(reason, detail)


_Tag = tuple[int, str, str, Record | None, str]
"""What stands between `<` and `>`: kind; name as it is written; where the element stands in its
parent; attributes; what the piece of text after it is if it has no children."""


class _Shape(NamedTuple):
    """A tag but for the values of its attributes."""

    empty: bool
    name: str
    attributes: tuple[str, ...]
    """Their names; "" for a declaration of a namespace."""


class Elements:
    """Makes records.

    Args:
        keyed: names of elements, and which attribute of theirs is their key.
    """

    def __init__(self, keyed: Mapping[str, str]) -> None:
        self._keyed = keyed
        self._tags: dict[str, _Tag] = {}
        self._shapes: dict[str, _Shape] = {}

    def one(self, raw: bytes) -> Record | Problem:
        """The record that an element is, or why it is no XML."""
        found = self.many(raw, None)
        return found[0] if found is not None and len(found) == 1 else self._by_expat(raw)

    def many(self, raw: bytes, wanted: str | None) -> list[Record] | None:
        """The records of elements one after another, if all are plain; else None.

        Args:
            raw: begins and ends with an element's tag.
            wanted: the name that all of them have, without a prefix.
        """
        if b"<!" in raw or b"<?" in raw or b"]]>" in raw or len(raw.translate(None, _CONTROL)) != len(raw):
            return None
        if not raw.isascii() and any(character in raw for character in _NO_CHARACTERS):
            return None
        try:
            text = raw.decode()
            return self._read(
                text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text, wanted
            )
        except (UnicodeDecodeError, _Doubtful):
            return None

    # -- plain elements ----------------------------------------------------------------------

    def _read(self, text: str, wanted: str | None) -> list[Record]:  # noqa: PLR0912 - a call a tag costs too much
        tags, learn, references = self._tags, self._learn, "&" in text
        records: list[Record] = []
        top: Record = {}
        here, stack = top, list[tuple[Record, int, str, str]]()
        pieces = iter(text.split("<"))
        part = None if next(pieces) else next(pieces, None)
        while part is not None:
            tag, closed, value = part.partition(">")
            if not closed:
                raise _Doubtful
            kind, name, key, attributes, end = tags[tag] if tag in tags else learn(tag)
            if kind <= _OPEN_LISTED:
                part = next(pieces, "")
                if part != end and part.rstrip(_SPACE) != end:  # it has children
                    if value.strip(_SPACE) or len(stack) >= MAX_DEPTH:
                        raise _Doubtful
                    stack.append((here, kind, name, key))
                    here = {} if attributes is None else attributes
                    continue
                found: Any = _unescaped(value) if references and "&" in value else value
                if attributes:
                    found = _with_text(attributes, found)
            else:
                if value.strip(_SPACE):
                    raise _Doubtful
                found = attributes or ""
                if kind == _END:
                    if not stack or stack[-1][2] != name:
                        raise _Doubtful
                    found = here
                    here, kind, name, key = stack.pop()
            if here is top:
                if _local(name) in self._keyed or wanted not in {None, _local(name)}:
                    raise _Doubtful
                records.append(_record(name, found))
            elif kind & 1:
                _put(here, key, [found])
            elif key in here:
                _put(here, key, found)
            else:
                here[key] = found
            part = next(pieces, None)
        if stack:
            raise _Doubtful
        return records

    def _learn(self, tag: str) -> _Tag:
        """What a tag means that is met for the first time, or whose attributes may differ each time."""
        if "'" in tag or '"' in tag:
            return self._with_attributes(tag)
        found = _NAME.match(tag, 1 if tag.startswith("/") else 0)
        rest = _TAG_END.fullmatch(tag, found.end()) if found else None
        if found is None or rest is None:
            raise _Doubtful
        name = found[0]
        if tag.startswith("/"):
            if rest[0]:
                raise _Doubtful
            return self._known(tag, (_END, name, "", None, ""))
        return self._known(tag, self._tag(_Shape(bool(rest[1]), name, ()), []))

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
            raise _Doubtful
        between = parts[::2]
        outline = quote.join(between)
        shape = self._shapes.get(outline)
        if shape is None:
            if len(self._shapes) >= _KNOWN_TAGS:
                self._shapes.clear()
            shape = self._shapes[outline] = _shape(between)
        values = parts[1::2]
        if "\n" in text or "\t" in text:
            values = [value.translate(_AS_SPACE) for value in values]
        if "&" in text:
            values = [_unescaped(value) for value in values]
        tag = self._tag(shape, values)
        return self._known(text, tag) if tag[3] is None else tag

    def _tag(self, shape: _Shape, values: list[str]) -> _Tag:
        empty, name, names = shape
        key, kind = _local(name), _EMPTY if empty else _OPEN
        attributes: Record = dict(zip(names, values, strict=True))
        attributes.pop("", None)
        if key in self._keyed:
            listed, key = _place(key, self._keyed[key], attributes)
            kind += listed
        return kind, name, key, attributes or None, f"/{name}>"

    # -- anything ----------------------------------------------------------------------------

    def _by_expat(self, raw: bytes) -> Record | Problem:
        tree = _Tree(self._keyed)
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = parser.ordered_attributes = True
        parser.StartDoctypeDeclHandler = tree.refuse
        parser.StartElementHandler = tree.start
        parser.EndElementHandler = tree.end
        parser.CharacterDataHandler = tree.text
        try:
            parser.Parse(raw, True)
        except _Refused as refused:
            return refused.problem
        except expat.ExpatError as error:
            return _explain(raw, error, parser.ErrorByteIndex)
        return tree.record


class _Element(NamedTuple):
    """An element that is open."""

    name: str
    key: str
    listed: bool
    members: Record
    texts: list[str]


class _Tree:
    """Takes what expat finds."""

    def __init__(self, keyed: Mapping[str, str]) -> None:
        self.record: Record = {}
        self._keyed = keyed
        self._open: list[_Element] = []
        self._parents = set[int]()
        """Depths of open elements that have children."""

    def refuse(self, *_: Any) -> None:
        """A document type declaration: the entities that it may declare are never expanded."""
        raise _Refused("InvalidXml", "a document type declaration cannot stand in a record")

    def start(self, name: str, attributes: list[str]) -> None:
        """An element begins; its attributes are names and values in turn."""
        depth = len(self._open)
        if depth > MAX_DEPTH:
            raise _Refused("TooDeep", f"elements are nested deeper than {MAX_DEPTH}")
        members: Record = {}
        for attribute, value in zip(attributes[::2], attributes[1::2], strict=True):
            if not _declares(attribute):
                _put(members, _local(attribute), value)
        key, listed = _local(name), False
        if depth:
            self._parents.add(depth - 1)
            if key in self._keyed:
                listed, key = _place(key, self._keyed[key], members)
        self._open.append(_Element(name, key, listed, members, []))

    def text(self, text: str) -> None:
        """Some text."""
        self._open[-1].texts.append(text)

    def end(self, _: str) -> None:
        """The element that began last ends."""
        element = self._open.pop()
        depth, text = len(self._open), "".join(element.texts)
        found: Any = text
        if depth in self._parents:
            self._parents.remove(depth)
            found = _with_text(element.members, text)
        elif element.members:
            found = _with_text(element.members, text)
        if not depth:
            self.record = _record(element.name, found)
        else:
            _put(self._open[-1].members, element.key, [found] if element.listed else found)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _declares(attribute: str) -> bool:
    """Whether an attribute declares a namespace, and holds nothing of the record."""
    return attribute == "xmlns" or attribute.startswith("xmlns:")


def _shape(between: list[str]) -> _Shape:
    """The shape of a tag from what stands between the values of its attributes."""
    found = _NAME.match(between[0])
    if found is None:
        raise _Doubtful
    rest, names = between[0][found.end() :], list[str]()
    for part in between[1:]:
        attribute = _ATTRIBUTE.fullmatch(rest)
        if attribute is None:
            raise _Doubtful
        names.append(attribute[1])
        rest = part
    end = _TAG_END.fullmatch(rest)
    local = ["" if _declares(name) else _local(name) for name in names]
    kept = [name for name in local if name]
    if end is None or len(set(names)) < len(names) or len(set(kept)) < len(kept):
        raise _Doubtful
    return _Shape(bool(end[1]), found[0], tuple(local))


def _place(key: str, attribute: str, members: Record) -> tuple[bool, str]:
    """Whether a keyed element is in a list, and its key, which is taken from its attributes."""
    value = members.get(attribute)
    if not value or type(value) is not str:
        return True, key
    del members[attribute]
    return False, value


def _put(members: Record, key: str, value: Any) -> None:
    """Add a value; one that is there already makes a list."""
    if key not in members:
        members[key] = value
        return
    there = members[key]
    if type(there) is not list:
        there = members[key] = [there]
    if type(value) is list:
        there += value
    else:
        there.append(value)


def _with_text(members: Record, text: str) -> Record:
    if text.strip(_SPACE):
        _put(members, TEXT, text)
    return members


def _record(name: str, found: Any) -> Record:
    """An element as a record; of a Windows event `System.EventID` is a text in any case."""
    if type(found) is str:
        return {TEXT: found} if found else {}
    record: Record = found
    system = record.get("System") if _local(name) == "Event" else None
    if type(system) is dict and type(system.get("EventID")) is dict:
        more = system["EventID"]
        system["EventID"] = more.pop(TEXT, "")
        for key, value in more.items():
            _put(system, key, value)
    return record


def _unescaped(text: str) -> str:
    return _REFERENCE.sub(_referred, text)


def _referred(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if name:
        return _NAMED[name]
    if not (decimal or hexadecimal):
        raise _Doubtful
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if (
        code in {9, 10, 13}
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    ):
        return chr(code)
    raise _Doubtful


_UNKNOWN_ENTITY = expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]


def _explain(raw: bytes, error: expat.ExpatError, place: int) -> Problem:
    try:
        raw.decode()
    except UnicodeDecodeError as invalid:
        return invalid_utf8(invalid)
    more = "; none but the five of XML itself can be used" if error.code == _UNKNOWN_ENTITY else ""
    return Problem("InvalidXml", f"{expat.ErrorString(error.code)} at byte {place} of the record{more}")
