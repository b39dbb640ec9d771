"""KQL text to tokens.

Rule: nothing inside a string, a comment or a typed literal such as
datetime(2026-01-31) is ever taken for anything else. Invariant: tokens are in
order and do not overlap; a string without its end is one token of kind "open".

Strings: "..." and '...' with backslashes, @"..." with doubled quotes, ```...``` and
~~~...~~~ over several lines; any of them after an h (a value to be hidden in logs).
Source: Kusto's reference, "The string data type" and "Entity names".
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from .allowed import TYPED_LITERALS

TokenKind = Literal["name", "word", "string", "open", "number", "literal", "mark"]


class Token(NamedTuple):
    """A piece of the text."""

    kind: TokenKind
    text: str
    start: int
    end: int


_LITERAL = "|".join(sorted(TYPED_LITERALS, key=len, reverse=True))
_TOKEN = re.compile(
    rf"""
      (?P<blank>\s+)
    | (?P<comment>//[^\n]*)
    | (?P<string>
          [hH]?(?:```[\s\S]*?```|~~~[\s\S]*?~~~)
        | [hH]?@(?:"(?:[^"\n]|"")*"|'(?:[^'\n]|'')*')
        | [hH]?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*') )
    | (?P<open>[hH]?(?:```|~~~)[\s\S]* | [hH]?@?["'][^\n]*)
    | (?P<literal>(?:{_LITERAL})[ \t]*(?=\())
    | (?P<number>0[xX][0-9a-fA-F]+|\d+(?:\.(?!\.)\d*)?(?:[eE][+-]?\d+)?[A-Za-z]*)
    | (?P<word>!?in~|![A-Za-z_]\w*~?)
    | (?P<name>[^\W\d]\w*|\$\w+)
    | (?P<mark>=~|!~|==|!=|<>|<=|>=|=>|\.\.|&&|\|\||[\s\S])
    """,
    re.VERBOSE,
)
_IN_LITERAL = re.compile(r"""[()]|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""")
_ESCAPE = re.compile(r"""\\(?:[abfnrtv0-7\\'"xuU]|(?P<bad>.))""")
_SPAN = re.compile(r"\d[\d.]*(?:[eE][+-]?\d+)?([A-Za-z]+)")


def tokens(text: str) -> tuple[list[Token], list[tuple[int, int]]]:
    """The tokens of `text`, and where its comments are."""
    found: list[Token] = []
    comments: list[tuple[int, int]] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:  # cannot be: the last part takes any character
            break
        kind, end = match.lastgroup or "mark", match.end()
        if kind == "literal":
            end = _literal_end(text, end)
            kind = "literal" if text[end - 1] == ")" else "open"
        if kind == "comment":
            comments.append((at, end))
        elif kind != "blank":
            found.append(Token(kind, text[at:end], at, end))  # type: ignore[arg-type]
        at = end
    return found, comments


def _literal_end(text: str, at: int) -> int:
    """Where a typed literal whose bracket opens at `at` ends: behind its own closing bracket."""
    depth = 0
    for match in _IN_LITERAL.finditer(text, at):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return len(text)


def number_type(text: str) -> str:
    """The type of a number as it is written: 5, 0x1F, 1.5, 1e3, 10m."""
    if text[:2] in {"0x", "0X"}:
        return "long"
    span = _SPAN.fullmatch(text)
    if span:
        return "timespan"
    return "real" if set(text) & set(".eE") else "long"


def bad_escape(token: Token) -> int | None:
    """Where a string has a backslash that escapes nothing, or None."""
    body = token.text.lstrip("hH")
    if body[0] in "@`~":
        return None
    for match in _ESCAPE.finditer(token.text):
        if match["bad"] is not None:
            return token.start + match.start()
    return None


def string_value(token: Token) -> str | None:
    """What a plain string says; None for one with escapes."""
    body = token.text.lstrip("hH").lstrip("@")
    if body[:1] not in {'"', "'"} or "\\" in body:
        return None
    return body[1:-1]
