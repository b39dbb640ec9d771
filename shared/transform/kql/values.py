"""Values of Kusto's types, as this engine keeps them, and what they are as text and in JSON.

    string    str, never None: a string has no null, it is empty
    int long  int or None          boolean   bool or None
    real      float or None        decimal   Decimal or None
    datetime  ticks or None        timespan  ticks or None (see `ticks`)
    guid      str or None          dynamic   what JSON can hold

Rule: every conversion takes every value and gives null where there is none, never
an exception. Invariant: an int is in its type's range.
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from . import ticks

INT: Final = 32
LONG: Final = 64
_INTEGER = re.compile(r"\s*([-+]?)(0[xX][0-9a-fA-F]+|[0-9]+)\s*")
_REAL = re.compile(r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*")
_BOOLEAN = {"true": True, "false": False}
_NON_FINITE = {
    "nan": math.nan,
    **dict.fromkeys(("inf", "+inf", "infinity", "+infinity"), math.inf),
    **dict.fromkeys(("-inf", "-infinity"), -math.inf),
}


def wrap(value: int, bits: int = LONG) -> int:
    """An integer cut to so many bits, as the processor does it."""
    half = 1 << (bits - 1)
    if -half <= value < half:
        return value
    return (value + half) % (half * 2) - half


# -- numbers ------------------------------------------------------------------------------


def integer_of_text(text: str, bits: int) -> int | None:
    """Decimal digits or 0x; null for anything else, 1.5 included, and beyond the range."""
    found = _INTEGER.fullmatch(text)
    if found is None:
        return None
    value = int(found[2], 16 if found[2][:2] in {"0x", "0X"} else 10) if len(found[2]) < 40 else 1 << 64
    value = -value if found[1] == "-" else value
    return value if -(1 << (bits - 1)) <= value < 1 << (bits - 1) else None


def integer_of_real(value: float, bits: int) -> int | None:
    """Towards zero, held at the ends of the range; null for NaN and the infinities."""
    if not math.isfinite(value):
        return None
    half = 1 << (bits - 1)
    return max(-half, min(half - 1, int(value)))


def real_of_text(text: str) -> float | None:
    """A number, NaN or an infinity."""
    if _REAL.fullmatch(text):
        return float(text)
    return _NON_FINITE.get(text.strip().lower())


def boolean_of_text(text: str) -> bool | None:
    """True, false or an integer."""
    number = integer_of_text(text, LONG)
    return _BOOLEAN.get(text.strip().lower()) if number is None else number != 0


def decimal_of(value: Any) -> Decimal | None:
    """A decimal of any number or text."""
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def guid_of_text(text: str) -> str | None:
    """A guid in the usual form, whichever way it is written."""
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError:
        return None


# -- text ---------------------------------------------------------------------------------


def real_to_text(value: float) -> str:
    """1.0, 0.1, 1E+16, NaN, Infinity."""
    if math.isfinite(value):
        return repr(value).upper()
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def dynamic_to_text(value: Any) -> str:
    """What it holds if that is a string, "" if nothing, else JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json_text(value)


def json_text(value: Any) -> str:
    """Compact JSON."""
    try:
        return msgspec.json.encode(value).decode()
    except (RecursionError, UnicodeEncodeError, OverflowError):
        return ""


TO_TEXT: Final[dict[str, Callable[[Any], str]]] = {
    "string": str,
    "int": str,
    "long": str,
    "real": real_to_text,
    "decimal": str,
    "boolean": str,
    "datetime": ticks.to_text,
    "timespan": ticks.span_to_text,
    "guid": str,
    "dynamic": dynamic_to_text,
}
"""tostring() by the type it is given; not for null, which is ""."""


def lower(text: str) -> str:
    """In small letters, character by character: a sigma that ends a word is no other letter."""
    if text.isascii():
        return text.lower()
    return "".join(small if len(small := char.lower()) == 1 else char for char in text)


# -- dynamic ------------------------------------------------------------------------------


def element(value: Any, kind: str) -> Any:
    """A value of a type as a dynamic holds it: what JSON has no word for is a string."""
    if value is None:
        return None
    if kind in {"datetime", "timespan", "decimal", "guid"}:
        return TO_TEXT[kind](value)
    if kind == "real" and not math.isfinite(value):
        return real_to_text(value)
    return value


def dynamic_of_text(text: str) -> Any:
    """parse_json() of a text; what is not JSON is the text itself."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return text or None
    return value


def kind_of(value: Any) -> str:
    """gettype() of what a dynamic holds."""
    if isinstance(value, int) and not isinstance(value, bool):
        return "int" if wrap(value, INT) == value else "long"
    return _KINDS[type(value)]


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "bool",
    float: "double",
    str: "string",
    list: "array",
    dict: "dictionary",
}


# -- rows in and out ----------------------------------------------------------------------


def _string_in(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json_text(value)


def _integer_in(value: Any, bits: int) -> int | None:
    plain = isinstance(value, int) and not isinstance(value, bool)
    return value if plain and wrap(value, bits) == value else None


def _real_in(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


FROM_JSON: Final[dict[str, Callable[[Any], Any]]] = {
    "string": _string_in,
    "int": lambda value: _integer_in(value, INT),
    "long": lambda value: _integer_in(value, LONG),
    "real": _real_in,
    "boolean": lambda value: value if isinstance(value, bool) else None,
    "datetime": lambda value: ticks.of_text(value) if isinstance(value, str) else None,
    "dynamic": lambda value: value,
    "guid": lambda value: guid_of_text(value) if isinstance(value, str) else None,
    "decimal": decimal_of,
    "timespan": lambda value: ticks.span_of_text(value) if isinstance(value, str) else None,
}
"""A value of a row as it is posted, by its column's type; null where it does not fit."""


def _real_out(value: float) -> float | str:
    return value if math.isfinite(value) else real_to_text(value)


TO_JSON: Final[dict[str, Callable[[Any], Any]]] = {
    "real": _real_out,
    "decimal": str,
    "datetime": ticks.to_text,
    "timespan": ticks.span_to_text,
}
"""A value as a query of the table shows it, by type; the other types are as they are."""
