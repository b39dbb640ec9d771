"""The operator parse: a text taken apart by a pattern.

Rule: the whole pattern is one RE2 pattern. In simple and relaxed mode a text is
itself, a column is as short as can be and the pattern reaches to the end of the text;
in regex mode a text is a pattern, a column is as long as can be, and the match may
stand anywhere. In simple and regex mode a row whose columns do not all convert has
none of them; in relaxed mode each stands for itself. Source: Kusto's reference,
"parse operator"; where it is silent, what the engine is known to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from .convert import to_type
from .node import Node
from .regexes import compiled
from .tree import KqlError, Parse, Piece

_GUID = r"(?:[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12})"
_DATETIME = (
    r"\s*(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{1,4})"
    r"(?:[Tt ]\s*\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d*)?)?)?(?:[Zz]|[-+]\d{1,2}(?::\d{1,2})?)?"
)
_TIMESPAN = r"\s*-?(?:\d+\.\d{1,2}:\d{1,2}:\d{1,2}|\d{1,2}:\d{1,2}(?::\d{1,2})?)(?:\.\d*)?"
_SHAPES: Final = {
    "int": r"\s*[-+]?\d+",
    "long": r"\s*[-+]?\d+",
    "real": r"\s*[-+]?\d+(?:\.\d+)?",
    "decimal": r"\s*[-+]?\d+(?:\.\d+)?",
    "boolean": r"\s*(?i:true|false)",
    "guid": rf"\s*(?:\{{{_GUID}\}}|{_GUID})",
    "datetime": _DATETIME,
    "timespan": _TIMESPAN,
}
"""What a column of a type takes where nothing else says where it ends."""
_BEFORE_JUNK: Final = {
    **_SHAPES,
    "real": r"\s*[-+]?(?:\d+\.?\d*|\.\d+)",
    "decimal": r"\s*[-+]?(?:\d+\.?\d*|\.\d+)",
    "boolean": r"\s*(?:(?i:true|false)|[-+]?\d+)",
}
"""The same in simple and relaxed mode, before a *."""
_FLAGS: Final = "imsU"
_GROUP = re.compile(
    r"\\Q.*?(?:\\E|\Z)|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|(\((?:\?P?<\w+>)?)(?!\?)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Extraction:
    """A compiled pattern."""

    columns: tuple[tuple[str, str], ...]
    """Names and types."""
    values: Callable[[str], list[Any]]
    """A text's values, in the order of the columns."""


def extraction(operator: Parse) -> Extraction:
    """The pattern of a parse, compiled.

    Raises:
        KqlError: it is one that Kusto refuses.
    """
    columns = tuple((piece.column, piece.type or "string") for piece in operator.pieces if piece.column)
    if len({name for name, _ in columns}) != len(columns):
        raise KqlError("parse names a column twice.", operator.at)
    pattern = compiled(_pattern(operator), operator.at)
    find = pattern.search if operator.kind == "regex" else pattern.fullmatch
    convert = [_converter(kind) for _, kind in columns]
    none = ["" if kind == "string" else None for _, kind in columns]
    strict = operator.kind != "relaxed"

    def values(text: str) -> list[Any]:
        match = find(text)
        if match is None:
            return list(none)
        found = [function(group or "") for function, group in zip(convert, match.groups(), strict=True)]
        return list(none) if strict and None in found else found

    return Extraction(columns, values)


def _converter(kind: str) -> Callable[[str], Any]:
    """A captured text as a column's type."""
    if kind == "string":
        return str

    class _Text:
        value = ""

    holder = _Text()
    get = to_type(Node("string", lambda _: holder.value), kind, 0).get

    def convert(text: str) -> Any:
        holder.value = text
        return get(None)

    return convert


def _pattern(operator: Parse) -> str:
    """The whole pattern as one."""
    regex = operator.kind == "regex"
    found = [_flags(operator)]
    for index, piece in enumerate(operator.pieces):
        if piece.skip:
            found.append(".*?")
        if piece.text == "":
            raise KqlError("an empty text says nothing in the pattern of parse.", piece.at)
        if piece.text is not None:
            found.append(_without_groups(piece.text) if regex else re.escape(piece.text))
        elif index or piece.skip:
            raise KqlError(f"a text belongs before the column {piece.column}.", piece.at)
        if piece.column:
            found.append(f"({_capture(operator, index, piece)})")
    if operator.skip:
        found.append(".*?")
    return "".join(found)


def _flags(operator: Parse) -> str:
    if not operator.flags:
        return "" if operator.kind == "regex" else "(?s)"
    if operator.kind != "regex":
        raise KqlError("parse takes flags with kind=regex only.", operator.at)
    unknown = set(operator.flags) - set(_FLAGS)
    if unknown:
        raise KqlError(f"parse knows the flags i, m, s and U, not {''.join(sorted(unknown))}.", operator.at)
    return f"(?{operator.flags})"


def _capture(operator: Parse, index: int, piece: Piece) -> str:
    """The text that a column takes."""
    kind = piece.type or "string"
    after = operator.pieces[index + 1] if index + 1 < len(operator.pieces) else None
    before_junk = operator.skip if after is None else after.skip
    if operator.kind == "regex":
        return ".*" if kind in {"string", "dynamic"} else _SHAPES[kind]
    if not before_junk:
        return ".*?"
    if kind in {"string", "dynamic"}:
        raise KqlError(f"a * right after the text column {piece.column} could begin anywhere.", piece.at)
    shape = _BEFORE_JUNK[kind]
    return f"(?:{shape})?" if after is None else shape


def _without_groups(pattern: str) -> str:
    """The pattern with its groups made non-capturing: the columns' groups are counted."""
    return _GROUP.sub(lambda found: "(?:" if found[1] else found[0], pattern)
