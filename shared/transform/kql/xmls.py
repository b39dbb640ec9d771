"""parse_xml(): an XML text as a dynamic value.

Rule: an element is its text; with attributes or children a bag of "@name", children by
name (an array where a name comes again) and "#text". Source: Kusto's reference,
"parse_xml()". Invariant: a document with a DTD, one over 1 MB and one nested deeper
than 100 are null, so that a few bytes never become many.
"""

from __future__ import annotations

from typing import Any, Final
from xml.parsers import expat

MOST_BYTES: Final = 1_048_576
_DEEPEST: Final = 100


class _RefusedError(ValueError):
    """A document that is not read."""


class _Element:
    __slots__ = ("attributes", "members", "texts")

    def __init__(self, attributes: dict[str, str]) -> None:
        self.attributes = {f"@{key}": value for key, value in attributes.items()}
        self.members: dict[str, Any] = {}
        self.texts: list[str] = []

    def add(self, name: str, value: Any) -> None:
        """A child; the second of a name makes an array."""
        if name not in self.members:
            self.members[name] = value
        elif isinstance(self.members[name], _Several):
            self.members[name].append(value)
        else:
            self.members[name] = _Several([self.members[name], value])

    def value(self) -> Any:
        """As JSON has it."""
        text = "".join(self.texts).strip()
        members = {
            name: list(one) if isinstance(one, _Several) else one for name, one in self.members.items()
        }
        if not members and not self.attributes:
            return text or None
        return {**self.attributes, **({"#text": text} if text else {}), **members}


class _Several(list[Any]):
    """Elements of one name; a child that is an array itself there is none."""


def parse_xml(text: str) -> Any:
    """The bag of a document, or null."""
    document = text.encode(errors="replace")
    if len(document) > MOST_BYTES:
        return None
    top = _Element({})
    stack = [top]
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True

    def start(_: str, attributes: dict[str, str]) -> None:
        if len(stack) > _DEEPEST:
            raise _RefusedError
        stack.append(_Element(attributes))

    def end(name: str) -> None:
        closed = stack.pop()
        stack[-1].add(name, closed.value())

    def text_of(data: str) -> None:
        stack[-1].texts.append(data)

    def refuse(*_: Any) -> None:
        raise _RefusedError

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text_of
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, _RefusedError, ValueError):
        return None
    return top.value()
