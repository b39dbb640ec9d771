r"""What must not be sent as it is: removed, hashed, masked, or replaced by a pattern.

Rule: a redactor takes a column's values and gives as many; None stays None. Text
is redacted as text, anything else as its JSON text; mask and replace go into the
values of objects and arrays (their keys stay), hash takes the JSON text of the
whole, its keys sorted. Invariants: nothing of a removed or hashed value is left,
and of a masked one its ASCII punctuation and, where it has more than eight letters
and digits, the last four of these. Strategy: whole columns. Patterns are RE2's,
so that no text makes one of them go back and try again; a column is searched as
lines of one text, unless that could tell.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from ..routes.declare import Redaction, Replace

Redactor = Callable[[list[Any]], list[Any]]
_Texts = Callable[[list[str]], list[str]]


def redactor(how: Redaction, salt: bytes | None) -> Redactor:
    """What redacts the values of a column.

    Args:
        how: as the route says.
        salt: for `hash`: without one, likely values are found by trying them.

    Raises:
        ValueError: a sentence: the pattern cannot be read, or there is no salt.
    """
    if isinstance(how, Replace):
        return partial(_within, _Replacer(how.replace, how.with_))
    if how == "mask":
        return partial(_within, _masks)
    if how == "remove":
        return _remove
    if not salt:
        raise ValueError("hash needs the app setting REDACT_SALT: a long text that nobody can guess.")
    return _Hash(salt)


def _remove(values: list[Any]) -> list[Any]:
    return [None] * len(values)


def _json(value: Any) -> str:
    """JSON text of anything that a format gives; of what JSON writes as text, that text."""
    try:
        text = msgspec.json.encode(value, order="sorted").decode()
        return msgspec.json.decode(text, type=str) if text.startswith('"') else text
    except (OverflowError, TypeError, ValueError):  # integers beyond 64 bits, lone surrogates
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


# -- hash ------------------------------------------------------------------------------------------

_REMEMBERED = 4096
_SHORT = 256


class _Hash:
    """HMAC-SHA-256 in hex; short values that come again are looked up."""

    def __init__(self, salt: bytes) -> None:
        self._keyed = hmac.new(salt, digestmod="sha256")
        self._known: dict[str, str] = {}

    def __call__(self, values: list[Any]) -> list[Any]:
        known, one = self._known.get, self._one
        texts = [value if type(value) is str or value is None else _json(value) for value in values]
        return [None if text is None else known(text) or one(text) for text in texts]

    def _one(self, text: str) -> str:
        code = self._keyed.copy()  # keyed once: a third less time than beginning anew
        code.update(text.encode(errors="surrogatepass"))
        found = code.hexdigest()
        if len(text) <= _SHORT:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[text] = found
        return found


# -- within values ---------------------------------------------------------------------------------


def _within(redact: _Texts, values: list[Any]) -> list[Any]:
    """`values` with every text in them redacted."""
    if set(map(type, values)) == {str}:
        return redact(values)
    texts = iter(redact([value for value in values if type(value) is str]))
    return [next(texts) if type(value) is str else _other(redact, value) for value in values]


def _other(redact: _Texts, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, dict | list):
        return _inside(redact, value)
    before = _json(value)
    after = redact([before])[0]
    return value if after == before else after


def _inside(redact: _Texts, value: Any) -> Any:
    """Level by level and not by recursion: what msgspec decodes may be nested deeper than Python calls go."""
    top = [value]
    open_: list[Any] = [top]
    while open_:
        inside = open_.pop()
        for key, item in list(inside.items() if isinstance(inside, dict) else enumerate(inside)):
            if isinstance(item, dict | list):
                inside[key] = item.copy()
                open_.append(inside[key])
            else:
                inside[key] = redact([item])[0] if type(item) is str else _other(redact, item)
    return top[0]


# -- mask ------------------------------------------------------------------------------------------

_LETTER = r"A-Za-z0-9\x80-\U0010ffff"  # beyond ASCII whatever it is: an accent may be a character of its own
_LETTERS = re.compile(f"[{_LETTER}]")
_STARS = str.maketrans({chr(code): "*" for code in range(128) if chr(code).isalnum()})
_SHOWN = re.compile(rf"((?:[^{_LETTER}]*+[{_LETTER}]){{4}})(?=(?:[^{_LETTER}]*+[{_LETTER}]){{5}})")
"""The end of a text, read backwards, that a mask leaves."""


def _masks(texts: list[str]) -> list[str]:
    return [_mask(text) for text in texts]


def _mask(text: str) -> str:
    shown = _SHOWN.match(text[::-1])
    place = len(text) - shown.end(1) if shown else len(text)
    hidden = text[:place]
    stars = hidden.translate(_STARS) if hidden.isascii() else _LETTERS.sub("*", hidden)
    return stars + text[place:]


# -- replace ---------------------------------------------------------------------------------------

_TELLS_LINES = re.compile(r"\\[AzQ]|\(\?[a-zA-Z]*-[a-zA-Z]*m")
"""What tells a line from a text; found where it is none, it costs time only."""
_BYTE = re.compile(r"(?<!\\)(?:\\\\)*\\C")
_IN_VAIN = re.compile(r"perl operator|escape sequence: \\[1-9]")
_WITHIN = frozenset(bytes([byte]) for byte in range(0x80, 0xC0))
"""Bytes of a UTF-8 character after its first."""
_GROUP = re.compile(rb"\\(.?)", re.DOTALL)


class _Replacer:
    r"""Replaces every match, from left to right; an empty one may follow at once, as in Python's re.sub.

    Lines stand for texts exactly: with RE2's never_nl no part of a pattern takes a newline, with (?m) ^ and $
    stand beside one, and to \b it is what is beyond a text. Texts with a newline, and patterns that have \A,
    \z or (?-m), go one by one.

    Args:
        pattern: RE2.
        template: what stands there instead: `\1` is a group, `\0` the match, `\\` a backslash.

    Raises:
        ValueError: a sentence: RE2 does not read the pattern, or the template has no such group.
    """

    def __init__(self, pattern: str, template: str) -> None:
        self._text = _compiled(pattern)
        self._pieces = _pieces(template, self._text.NumberOfCapturingGroups())
        lines = not _TELLS_LINES.search(pattern) and "\n" not in template
        self._lines = _compiled(f"(?m){pattern}", never_nl=True) if lines else None

    def __call__(self, texts: list[str]) -> list[str]:
        if self._lines is not None and texts:
            joined = "\n".join(texts)
            if joined.count("\n") == len(texts) - 1:
                return self._replaced(self._lines, joined).split("\n")
        return [self._replaced(self._text, text) for text in texts]

    def _replaced(self, regexp: Any, text: str) -> str:
        data = text.encode(errors="surrogatepass")
        anywhere, match = type(regexp).Anchor.UNANCHORED, regexp.Match
        found: list[bytes] = []
        done = place = 0
        while place <= len(data):
            spans = match(anywhere, data, place, len(data))
            start, end = spans[0]
            if start < 0:  # no match; all of its spans are (-1, -1)
                break
            if start == end and data[start : start + 1] in _WITHIN:  # no place between characters
                place = start + 1
                continue
            found.append(data[done:start])
            found += [data[slice(*spans[p])] if isinstance(p, int) else p for p in self._pieces]
            done, place = end, end if end > start else end + 1
        if not found:
            return text
        return b"".join([*found, data[done:]]).decode(errors="surrogatepass")


def _compiled(pattern: str, *, never_nl: bool = False) -> Any:
    """RE2's own object. The module's wrapper makes a Python object of each match, at four times the cost."""
    import re2  # noqa: PLC0415 - few routes need it

    if not pattern or _BYTE.search(pattern):
        raise ValueError(r"a pattern is not empty, and has no \C (a single byte).")
    options = re2.Options()
    options.log_errors, options.never_nl = False, never_nl
    regexp = re2._re2.RE2(pattern.encode(errors="surrogatepass"), options)
    if not regexp.ok():
        raise ValueError(_why(pattern, regexp.error().decode(errors="replace")))
    return regexp


def _why(pattern: str, said: str) -> str:
    """RE2's words, with the place in the pattern, and what people look for in vain."""
    part = said.partition(": ")[2]
    place = pattern.find(part) if part and part != pattern else -1
    where = f" at character {place + 1}" if place >= 0 else ""
    vain = " RE2 has no look-around and no references to groups." if _IN_VAIN.search(said) else ""
    return f"RE2 does not read the pattern{where}: {said}.{vain}"


def _pieces(template: str, groups: int) -> list[bytes | int]:
    """A template's text and groups, in turn."""
    parts = _GROUP.split(template.encode(errors="surrogatepass"))
    pieces: list[bytes | int] = [parts[0]]
    for letter, text in zip(parts[1::2], parts[2::2], strict=True):
        if letter.isdigit() and int(letter) <= groups:
            pieces.append(int(letter))
        elif letter == b"\\":
            pieces.append(letter)
        else:
            raise ValueError(_no_group(letter.decode(errors="replace"), groups))
        pieces.append(text)
    return [piece for piece in pieces if piece != b""]


def _no_group(letter: str, groups: int) -> str:
    last = f"\\0 to \\{groups}" if groups else "\\0 (the match; the pattern has no group)"
    return f"`with` has \\{letter}; there are {last}, and \\\\ for a backslash."
