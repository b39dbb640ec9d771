r"""What Zeek's header lines say, and values under them.

Rule: a column of texts becomes one of values, None where a field was not set. A
text that is not of its column's type stays as it is. Invariant: a column's values
do not depend on each other: numbers are read all at once only where that gives as
many values as there are texts.

How Zeek writes (its ASCII writer): a byte that is not printable, a separator or a
backslash inside a text as \xHH or \\; a text that happens to be `-` as \x2d; an
element of a set as it would stand alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple

import msgspec

from .jsonvalue import FAILED
from .names import MOST_COLUMNS


class Held(NamedTuple):
    """What some line of a section holds."""

    escapes: bool
    """A backslash."""
    nulls: bool
    """The word null."""
    empties: bool
    """What stands for an empty text or list, in a value or as one."""


Column = Callable[[Sequence[str], Held], Sequence[Any]]
"""Values of a column, from its texts."""

_KEY = re.compile(r"#([a-z_]+)(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\\\|(?:\\x[0-9a-fA-F]{2})++")
_ELEMENTS = re.compile(r"(?:set|vector|table)\[([a-z]+)\]")
_SECONDS = re.compile(r"([0-9]{1,11})(?:\.([0-9]+))?", re.ASCII)
_NUMBERS: dict[str, type] = {"int": int, "count": int, "port": int, "double": float, "interval": float}
_TYPED = frozenset({*_NUMBERS, "bool", "time"})


class Header(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to read the lines of a section."""

    separator: str = "\t"
    set_separator: str = ","
    empty: str = "(empty)"
    unset: str = "-"
    fields: list[str] = []
    types: list[str] = []

    def after(self, line: str) -> Header:
        """The same with what a header line says."""
        found = _KEY.match(line)
        if found is None:
            return self
        key, rest = found.groups()
        if key == "separator":  # the first line of a header, the only one with a space
            return Header(separator=unescaped(rest.strip(" ")) or "\t")
        if not rest.startswith(self.separator):
            return self
        value = rest.removeprefix(self.separator)
        if key in {"fields", "types"}:
            listed = value.split(self.separator)
            return msgspec.structs.replace(self, **{key: listed if len(listed) <= MOST_COLUMNS else []})
        name = {"set_separator": key, "empty_field": "empty", "unset_field": "unset"}.get(key)
        if name is None or (name == "set_separator" and not value):
            return self
        return msgspec.structs.replace(self, **{name: unescaped(value)})


def unescaped(text: str) -> str:
    r"""Text without Zeek's escapes; bytes that are no UTF-8 keep theirs, as in Zeek's JSON."""
    return _ESCAPE.sub(_bytes, text) if "\\" in text else text


def _bytes(found: re.Match[str]) -> str:
    if found[0] == "\\\\":
        return "\\"
    return bytes.fromhex(found[0].replace("\\x", "")).decode(errors="backslashreplace")


def columns_of(header: Header, *, iso: bool) -> list[Column]:
    """How to read each column; one that has no type is text."""
    types = [*header.types, *["string"] * len(header.fields)][: len(header.fields)]
    return [_column(kind, header, iso=iso) for kind in types]


def _column(kind: str, header: Header, *, iso: bool) -> Column:
    inner = _ELEMENTS.fullmatch(kind)
    if inner:
        return partial(_lists, header, inner[1], _column(inner[1], header, iso=iso))
    if kind in _NUMBERS:
        return partial(_numbers, header, _NUMBERS[kind])
    if kind == "bool":
        return partial(_truths, header)
    if kind == "time":
        return partial(_times, header, iso)
    return partial(_texts, header)


def _texts(header: Header, values: Sequence[str], held: Held) -> Sequence[Any]:
    unset, empty = header.unset, header.empty
    if not held.escapes and unset not in values and not (held.empties and empty in values):
        return values
    return [None if v == unset else "" if v == empty else unescaped(v) for v in values]


def _truths(header: Header, values: Sequence[str], held: Held) -> Sequence[Any]:
    del held
    known = {"T": True, "F": False, header.unset: None}
    return list(map(known.get, values, values))


def _times(header: Header, iso: bool, values: Sequence[str], held: Held) -> Sequence[Any]:
    del held
    unset = header.unset
    if iso:
        return [None if value == unset else _iso(value) for value in values]
    return [None if value == unset else value for value in values] if unset in values else values


def _numbers(header: Header, kind: type, values: Sequence[str], held: Held) -> Sequence[Any]:
    many, _, one = _DECODERS[kind]
    if not held.nulls:
        # Every comma in a text would make one number more, and no text can be empty: so the count tells.
        found = _decoded(many, ",".join(values))
        if found is None and header.unset == "-":
            found = _decoded(many, f" {', '.join(values)},".replace(" -,", " null,")[:-1])
        if found is not None and len(found) == len(values):
            return found
    return [None if v == header.unset else _number(one, v) for v in values]


def _lists(header: Header, kind: str, element: Column, values: Sequence[str], held: Held) -> Sequence[Any]:
    unset, empty, separator = header.unset, header.empty, header.set_separator
    if kind in _NUMBERS and unset == "-" and separator == "," and not held.nulls:
        # As above: every bracket in a text would make one list more.
        found = _decoded(_DECODERS[_NUMBERS[kind]][1], f"[{'],['.join(values)}]".replace("[-]", "null"))
        if found is not None and len(found) == len(values) and "" not in values:
            return found
    joined = "\n".join(values)
    if kind not in _TYPED and _is_plain(header, joined, held):
        if separator not in joined and not held.empties:
            return [None if v == unset else [v] for v in values]
        return [None if v == unset else [] if v == empty else v.split(separator) for v in values]
    split = [None if v == unset else [] if v == empty else v.split(separator) for v in values]
    return [parts and list(element(parts, held)) for parts in split]


def _is_plain(header: Header, lists: str, held: Held) -> bool:
    """Whether no element of some lists is unset, empty or escaped."""
    unset, separator = header.unset, header.set_separator
    odd = (f"{unset}{separator}", f"{separator}{unset}")
    return not held.escapes and not held.empties and not any(text in lists for text in odd)


_DECODERS: dict[type, tuple[Callable[[str], Any], Callable[[str], Any], Callable[[str], Any]]] = {
    kind: (
        msgspec.json.Decoder(list[kind | None]).decode,  # type: ignore[valid-type]
        msgspec.json.Decoder(list[list[kind] | None]).decode,  # type: ignore[valid-type]
        msgspec.json.Decoder(kind).decode,
    )
    for kind in (int, float)
}
"""For a column of numbers, for one of lists of numbers, for one number."""


def _decoded(decode: Callable[[str], list[Any]], text: str) -> list[Any] | None:
    try:
        return decode(f"[{text}]")
    except FAILED:
        return None


def _number(one: Callable[[str], Any], text: str) -> Any:
    try:
        return one(text)
    except FAILED:
        return text


def _iso(text: str) -> str:
    found = _SECONDS.fullmatch(text)
    if found is None:
        return text
    whole, fraction = found.groups()
    return f"{_second(int(whole))}.{fraction}Z" if fraction else f"{_second(int(whole))}Z"


@lru_cache(1024)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
