"""Literals of KQL: numbers, strings, datetime(...), dynamic(...).

Rule: a literal becomes its type and its value here, and one that Kusto would not
read is a KqlError with its place. Source: Kusto's reference, "Scalar data types".
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ..face import kusto_type
from ..tokens import Token, number_type
from . import ticks, values
from .tree import KqlError, Literal

_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(.))", re.DOTALL
)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_DATE_PARTS = re.compile(r"(\d{1,4})\s*,\s*(\d{1,2})\s*(?:,\s*(\d{1,2}))?")


def text_of(token: Token) -> str:
    """What a string says."""
    body = token.text[1:] if token.text[0] in "hH" else token.text
    if body[0] in "`~":
        return body[3:-3]
    if body[0] == "@":
        quote = body[1]
        return body[2:-1].replace(quote * 2, quote)
    return _ESCAPE.sub(_unescaped, body[1:-1])


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code:
        return chr(min(int(code, 16), 0x10FFFF))
    return chr(int(found[4], 8)) if found[4] else _PLAIN.get(found[5], found[5])


def number_of(token: Token) -> Literal:
    """A number, or a span of time such as 1.5h."""
    kind = number_type(token.text)
    if kind == "timespan":
        return Literal(kind, _must(ticks.span_of_text(token.text), token), token.start)
    if kind == "real":
        return Literal(kind, float(token.text), token.start)
    return Literal(kind, _must(_integer(token.text, values.LONG), token), token.start)


def typed_of(token: Token) -> Literal:
    """datetime(2026-01-31) and the like; TYPE(null) is the null of a type."""
    word, _, rest = token.text.partition("(")
    kind, inner = kusto_type(word.strip().lower()), rest.rstrip()[:-1].strip()
    if kind == "dynamic":
        return Literal(kind, _dynamic(inner, token), token.start)
    if inner[:1] in {'"', "'"} and inner[-1:] == inner[:1]:
        inner = inner[1:-1]
    if inner.lower() == "null":
        return Literal(kind, None, token.start)
    return Literal(kind, _must(_READ[kind](inner), token), token.start)


def _must(value: Any, token: Token) -> Any:
    if value is None:
        shown = token.text if len(token.text) <= 40 else f"{token.text[:40]}..."
        raise KqlError(f"{shown} is no literal that Kusto reads.", token.start)
    return value


def _integer(text: str, bits: int) -> int | None:
    """A whole number; 0x... is the bits themselves, so that int(0xFFFFFFFF) is -1."""
    if text[:2] in {"0x", "0X"} and len(text) <= 2 + bits // 4:
        return values.wrap(int(text, 16), bits)
    return values.integer_of_text(text, bits)


def _datetime(text: str) -> int | None:
    parts = _DATE_PARTS.fullmatch(text)
    if parts:
        return ticks.of_parts(int(parts[1]), int(parts[2]), int(parts[3] or 1))
    return ticks.of_text(text)


_READ = {
    "boolean": values.boolean_of_text,
    "int": lambda text: _integer(text, values.INT),
    "long": lambda text: _integer(text, values.LONG),
    "real": values.real_of_text,
    "decimal": values.decimal_of,
    "datetime": _datetime,
    "timespan": ticks.span_of_text,
    "guid": values.guid_of_text,
}


# -- dynamic(...) ---------------------------------------------------------------------------

_PIECE = re.compile(
    r"""\s*(?: (?P<string> @?"(?:[^"\\]|\\.)*" | @?'(?:[^'\\]|\\.)*' )
             | (?P<typed> [a-z]+\([^()]*\) )
             | (?P<word> [-+]?[\w.]+(?:[-+]\d+)? )
             | (?P<mark> [\[\]{}:,] ) )\s*""",
    re.VERBOSE,
)


def _dynamic(text: str, token: Token) -> Any:
    """JSON, in which strings may stand in single quotes, and literals of Kusto stand for themselves."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        pass
    pieces: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None or found.lastgroup is None:
            raise KqlError("dynamic(...) holds no JSON.", token.start)
        pieces.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    pieces.reverse()
    value = _next(pieces, token)
    if pieces:
        raise KqlError("dynamic(...) holds more than one value.", token.start)
    return value


def _next(pieces: list[tuple[str, str]], token: Token) -> Any:
    kind, text = pieces.pop() if pieces else ("mark", "")
    if text == "[":
        return _list(pieces, token)
    if text == "{":
        return _bag(pieces, token)
    if kind == "string":
        return text_of(Token("string", text, 0, 0))
    if kind == "typed":
        literal = typed_of(Token("literal", text, token.start, token.end))
        value = literal.value
        return value if literal.type == "timespan" else values.element(value, literal.type)
    if kind == "word":
        return _word(text, token)
    raise KqlError("dynamic(...) holds no JSON.", token.start)


def _word(text: str, token: Token) -> Any:
    if text in {"true", "false", "null"}:
        return {"true": True, "false": False}.get(text)
    number = values.integer_of_text(text, values.LONG)
    number = values.real_of_text(text) if number is None else number  # type: ignore[assignment]
    number = ticks.span_of_text(text) if number is None else number
    return _must(number, token)


def _list(pieces: list[tuple[str, str]], token: Token) -> list[Any]:
    found: list[Any] = []
    while pieces and pieces[-1] != ("mark", "]"):
        found.append(_next(pieces, token))
        _comma(pieces, "]", token)
    _take(pieces, "]", token)
    return found


def _bag(pieces: list[tuple[str, str]], token: Token) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while pieces and pieces[-1] != ("mark", "}"):
        key = _next(pieces, token)
        _take(pieces, ":", token)
        found[str(key)] = _next(pieces, token)
        _comma(pieces, "}", token)
    _take(pieces, "}", token)
    return found


def _comma(pieces: list[tuple[str, str]], end: str, token: Token) -> None:
    if pieces and pieces[-1] != ("mark", end):
        _take(pieces, ",", token)


def _take(pieces: list[tuple[str, str]], mark: str, token: Token) -> None:
    if not pieces or pieces.pop() != ("mark", mark):
        raise KqlError(f"dynamic(...) holds no JSON: {mark} is missing.", token.start)
