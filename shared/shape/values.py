"""One value into a column's type, the way it will stand in the table.

Rule: a cast takes any JSON-like value (or the text of a delimited file) and gives
a value that JSON can carry and the column's type can hold, or raises ValueError,
TypeError or OverflowError. Invariant: a cast loses nothing: what it gives can be
turned back into what it took. Whatever would be lossy (1.5 into an int, 2**40 into
a 32-bit int) is refused here, because Azure would make it null without a word.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection
from typing import Any

import msgspec

Cast = Callable[[Any], Any]

INT_MIN, INT_MAX = -(2**31), 2**31 - 1
LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1

_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,19}\s*")
_REAL = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")
_TRUTH = {"true": True, "false": False, "1": True, "0": False}


def to_string(value: Any) -> str:
    """Text stays as it is; anything else becomes its JSON text, in which NaN and Infinity are words."""
    if isinstance(value, str):
        return value
    text = msgspec.json.encode(value).decode()
    if "null" in text and value is not None:  # msgspec writes NaN so
        return json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":"))
    return text


def _whole(low: int, high: int) -> Cast:
    def cast(value: Any) -> int:
        if type(value) is str:
            if not _WHOLE.fullmatch(value):
                raise ValueError("no whole number")
            value = int(value)
        elif type(value) is float and value.is_integer():
            value = int(value)
        elif type(value) is not int:
            raise TypeError("no whole number")
        if not low <= value <= high:
            raise OverflowError("out of range")
        return int(value)

    return cast


def to_real(value: Any) -> float | int:
    """A finite number; text where it is written as one."""
    if type(value) is str:
        if not _REAL.fullmatch(value):
            raise ValueError("no number")
        value = float(value)
    elif type(value) is int and not LONG_MIN <= value <= LONG_MAX:
        value = float(value)  # as a whole number it would go on as text, which is none
    elif type(value) is not float and type(value) is not int:
        raise TypeError("no number")
    if not math.isfinite(value):
        raise OverflowError("not finite")
    return value  # type: ignore[no-any-return]


def to_boolean(value: Any) -> bool:
    """true, false, 1, 0, and those as text in any case."""
    if type(value) is bool:
        return value
    if type(value) is int and value in {0, 1}:
        return bool(value)
    if type(value) is str:
        return _TRUTH[value.strip().lower()] if value.strip().lower() in _TRUTH else _refuse()
    return _refuse()


def _refuse() -> bool:
    raise ValueError("no boolean")


def to_dynamic(value: Any) -> Any:
    """Anything that JSON can carry."""
    return value


CASTS: dict[str, Cast] = {
    "string": to_string,
    "int": _whole(INT_MIN, INT_MAX),
    "long": _whole(LONG_MIN, LONG_MAX),
    "real": to_real,
    "boolean": to_boolean,
    "dynamic": to_dynamic,
}
"""By column type; datetime has a parser of its own for each format (times.py)."""


def has_gaps(values: Collection[Any]) -> bool:
    """Whether None is among these values. To look for what is false first takes a fifth of the time."""
    return not all(values) and None in values


AS_IS: dict[str, type] = {"string": str, "boolean": bool, "real": float}
"""A value of exactly this type needs no cast."""


_ALIKE = bytes.maketrans(b"123456789,[", b"000000000::")
_BETWEEN = b" \t\r\n-"
_19_DIGITS = b":" + b"0" * 19
_LONG_NUMBER = re.compile(rb"[\[:,][ \t\r\n]*-?[0-9]{19}")


def has_long_number(text: bytes) -> bool:
    """Whether JSON text may hold an integer beyond 64 bits, which has 19 digits or more. A no is sure."""
    return _19_DIGITS in text.translate(_ALIKE, _BETWEEN) and _LONG_NUMBER.search(text) is not None
