"""What an XML element becomes, and elements as expat finds them.

Rule: an element with nothing but text is that text; any other is a dict of its
attributes and children by their names without prefixes, its own text under `_text`;
what comes twice under a name is a list. An element that `keyed` names stands under
the value of its attribute: `<Data Name="x">1</Data>` is `{"x": "1"}`. Invariant: no
entity but XML's own five is ever expanded: a declaration of others is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from xml.parsers import expat

from ..model import Record
from .jsonvalue import Problem
from .lines import invalid_utf8

TEXT = "_text"
"""Where an element's own text stands beside its attributes and children."""

MAX_DEPTH = 100
SPACE = " \t\n\r"


def local_name(name: str) -> str:
    """Without its prefix."""
    return name.rpartition(":")[2]


def declares(attribute: str) -> bool:
    """Whether an attribute declares a namespace, and holds nothing of the record."""
    return attribute == "xmlns" or attribute.startswith("xmlns:")


def placed(key: str, attribute: str, members: Record) -> tuple[bool, str]:
    """Whether a keyed element is in a list, and its key, which is taken from its attributes."""
    value = members.get(attribute)
    if not value or type(value) is not str:
        return True, key
    del members[attribute]
    return False, value


def put(members: Record, key: str, value: Any) -> None:
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


def with_text(members: Record, text: str) -> Record:
    """With the element's own text, if it has any."""
    if text.strip(SPACE):
        put(members, TEXT, text)
    return members


def as_record(name: str, found: Any) -> Record:
    """An element as a record; of a Windows event `System.EventID` is a text in any case."""
    if type(found) is str:
        return {TEXT: found} if found else {}
    record: Record = found
    system = record.get("System") if local_name(name) == "Event" else None
    if type(system) is dict and type(system.get("EventID")) is dict:
        more = system["EventID"]
        system["EventID"] = more.pop(TEXT, "")
        for key, value in more.items():
            put(system, key, value)
    return record


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """XML that is read no further."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = Problem(reason, detail)


def by_expat(raw: bytes, keyed: Mapping[str, str]) -> Record | Problem:
    """The record that an element is, or why it is no XML.

    Args:
        raw: from the element's first byte to its last.
        keyed: names of elements, and which attribute of theirs is their key.
    """
    tree = _Tree(keyed)
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
            if not declares(attribute):
                put(members, local_name(attribute), value)
        key, listed = local_name(name), False
        if depth:
            self._parents.add(depth - 1)
            if key in self._keyed:
                listed, key = placed(key, self._keyed[key], members)
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
            found = with_text(element.members, text)
        elif element.members:
            found = with_text(element.members, text)
        if not depth:
            self.record = as_record(element.name, found)
        else:
            put(self._open[-1].members, element.key, [found] if element.listed else found)


_UNKNOWN_ENTITY = expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]


def _explain(raw: bytes, error: expat.ExpatError, place: int) -> Problem:
    try:
        raw.decode()
    except UnicodeDecodeError as invalid:
        return invalid_utf8(invalid)
    more = "; none but the five of XML itself can be used" if error.code == _UNKNOWN_ENTITY else ""
    return Problem("InvalidXml", f"{expat.ErrorString(error.code)} at byte {place} of the record{more}")
