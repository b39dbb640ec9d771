"""A block's values of one column into the column's type, all at once.

Rule: `bulk(values)` gives what `values.CASTS` gives one by one, None for None and,
where the type has no empty text, for "". Invariant: it raises ValueError, TypeError
or OverflowError where any value is bad, and may do so of good ones that are written
oddly; then who called goes one by one. Strategy: a few passes in C over the whole
column decide; nothing is done in Python per value.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from .values import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN, has_gaps

Bulk = Callable[[list[Any]], list[Any]]

_NOTHING = type(None)
_NOT_WHOLE = bytes(byte for byte in range(256) if byte not in b"-0123456789")
_NOT_REAL = bytes(byte for byte in range(256) if byte not in b"+-.0123456789eE")
_TRUTH = {
    "true": True,
    "false": False,
    "True": True,
    "False": False,
    "TRUE": True,
    "FALSE": False,
    "1": True,
    "0": False,
    "": None,
    None: None,
}


def kinds(values: list[Any]) -> set[type]:
    """The types that come in a column."""
    return set(map(type, values))


def strings(values: list[Any]) -> list[Any]:
    """Texts as they are."""
    if kinds(values) <= {str, _NOTHING}:
        return values
    raise TypeError("not all are text")


def whole(low: int, high: int) -> Bulk:
    """Whole numbers within limits, or the texts of such."""

    def cast(values: list[Any]) -> list[Any]:
        found = kinds(values)
        if found <= {str, _NOTHING}:
            _only(values, _NOT_WHOLE)
            values = _read(int, values, empty=not all(values))
        elif not found <= {int, _NOTHING}:
            raise TypeError("not all are whole numbers")
        numbers = [value for value in values if value is not None] if has_gaps(values) else values
        if numbers and not (low <= min(numbers) and max(numbers) <= high):
            raise OverflowError("out of range")
        return values

    return cast


def reals(values: list[Any]) -> list[Any]:
    """Finite numbers, or the texts of such."""
    found = kinds(values)
    if found <= {str, _NOTHING}:
        _only(values, _NOT_REAL)
        values = _read(float, values, empty=not all(values))
    elif not found <= {float, int, _NOTHING}:
        raise TypeError("not all are numbers")
    numbers = [value for value in values if value is not None] if has_gaps(values) else values
    if not all(map(isfinite, numbers)):
        raise OverflowError("not finite")
    if int in found and not all(type(n) is not int or LONG_MIN <= n <= LONG_MAX for n in numbers):
        raise OverflowError("a whole number beyond 64 bits")
    return values


def booleans(values: list[Any]) -> list[Any]:
    """true and false, or their texts."""
    if kinds(values) <= {bool, _NOTHING}:
        return values
    if not kinds(values) <= {str, _NOTHING}:
        raise TypeError("not all are booleans")
    try:
        return [_TRUTH[value] for value in values]
    except KeyError:
        raise ValueError("not all are booleans") from None


def dynamic(values: list[Any]) -> list[Any]:
    """Anything."""
    return values


BULK: dict[str, Bulk] = {
    "string": strings,
    "int": whole(INT_MIN, INT_MAX),
    "long": whole(LONG_MIN, LONG_MAX),
    "real": reals,
    "boolean": booleans,
    "dynamic": dynamic,
}
"""By column type; datetime has a reader of its own for each format (times.py)."""


def _only(values: list[Any], others: bytes) -> None:
    """Raise ValueError if there are characters that this module does not read: Python's numbers take more."""
    joined = "".join(filter(None, values))
    if not joined.isascii() or joined.encode() != joined.encode().translate(None, others):
        raise ValueError("written oddly")


def _read(number: Callable[[str], Any], values: list[Any], *, empty: bool) -> list[Any]:
    return [number(value) if value else None for value in values] if empty else list(map(number, values))
