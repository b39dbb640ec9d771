r"""One JSON text to one record, or the true reason why not.

Rule: what a reject says is what is wrong with the record, in words that hold none
of its values. Invariant: `read_object` gives a dict or a Problem for any bytes.

msgspec's own messages are true but for one: its limits show as types. Facts that
this relies on, each held by a test: msgspec does not look into strings that it
skips (invalid UTF-8 passes) nor at the size of numbers that it skips (1e400
passes); `decode_lines` takes any white space between values, not only newlines.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from ..twice import maybe_twice
from .jsonodd import read_oddly

OBJECT = msgspec.json.Decoder(dict[str, Any])
"""Decodes a record to a dict; anything but an object is refused."""

FAILED = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What msgspec raises on bytes that it does not take."""

_BIG_EXPONENT = (re.compile(rb"e\+?[0-9]{3,}[,}\]\s]"), re.compile(rb"E\+?[0-9]{3,}[,}\]\s]"))
_DIGITS_AS_0 = bytes.maketrans(b"123456789E", b"000000000e")
_309_DIGITS = b"0" * 309
_EXPECTED = re.compile(r"Expected `object`, got `(\w+)`")


class Problem(NamedTuple):
    """Why a text is no record."""

    reason: str
    detail: str


def read_object(raw: bytes) -> dict[str, Any] | Problem:
    """A record from its own bytes, or why it is none; jsonodd.py reads some that are no JSON."""
    try:
        record = OBJECT.decode(raw)
    except FAILED as error:
        return read_oddly(raw) or _explain(raw, error)
    if maybe_twice(raw, (record,)):
        return read_oddly(raw) or record
    return record


def _explain(raw: bytes, error: Exception) -> Problem:
    try:
        raw.decode()
    except UnicodeDecodeError as invalid:
        return Problem("InvalidUtf8", f"byte {invalid.start} of the record is not valid UTF-8")
    if isinstance(error, RecursionError):
        return Problem("TooDeep", "objects and arrays are nested too deep")
    if isinstance(error, msgspec.ValidationError):
        return _invalid(str(error))
    return _malformed(str(error))


def _invalid(message: str) -> Problem:
    found = _EXPECTED.match(message)
    if found:
        return Problem("NotAnObject", f"a record is a JSON object; this is {_article(found[1])}")
    return Problem("NumberOutOfRange", "a number is too large for a 64-bit float or has over 4,300 digits")


def _article(kind: str) -> str:
    kind = {"str": "string", "int": "number", "float": "number", "bool": "boolean"}.get(kind, kind)
    return kind if kind == "null" else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _malformed(message: str) -> Problem:
    if "truncated" in message:
        return Problem("InvalidJson", "the text ends in the middle of a value")
    return Problem("InvalidJson", message)


def skips(want: type) -> bool:
    """Whether decoding to `want` may skip values of a record: all but a type that refuses unknown fields.

    `want` must have no field of type msgspec.Raw: such a value is skipped too.
    """
    config = getattr(want, "__struct_config__", None)
    return config is None or not config.forbid_unknown_fields


def needs_a_look(text: bytes) -> bool:
    """Whether `text` may hold what msgspec does not see in values that it skips.

    That is invalid UTF-8, or a number beyond a 64-bit float: an exponent of three
    digits, or 309 digits. May be True of harmless text; is fast, because it is
    asked of every block.
    """
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            return True
    shape = text.translate(_DIGITS_AS_0, b"+")
    if _309_DIGITS in shape:
        return True
    return b"e000" in shape and any(pattern.search(text) for pattern in _BIG_EXPONENT)
