"""Avro's logical types, as what JSON can carry.

Rule: fastavro hands each value of a logical type to a function that was made known
to it by a name; the names here begin with `logferry-`, so that nobody else's are
changed. Invariant: no function loses a digit; what has no text stays as it is.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from fastavro.read import LOGICAL_READERS

from .moments import day, moments, time_of_day

_LONGEST_DECIMAL = 1024
"""Bytes; Python refuses to write integers of more than 4,300 digits."""

BINARY = {how: {"type": "bytes", "logicalType": f"logferry-{how}"} for how in ("base64", "text")}
"""Plain bytes, by what becomes of them."""
FINITE = "logferry-finite"
"""A float that must be a finite number."""


def logical(schema: Any, kind: str, binary: str) -> Any:
    """A type with the logical type that makes JSON of it.

    Args:
        schema: as the file has it; a logical type that does not belong there is none (so the specification).
        kind: its base type.
        binary: text or base64.
    """
    given = schema.get("logicalType")
    if f"{kind}-{given}" in _READERS and _is_sound(schema, kind, given):
        extra = {"scale": schema.get("scale", 0)} if given == "decimal" else {}
        return {"type": kind, "logicalType": f"logferry-{given}", **extra}
    return {**BINARY[binary], "type": kind} if kind in {"bytes", "fixed"} else kind


def reader_of(kind: Any) -> Callable[..., Any] | None:
    """What makes a value of a type that `logical` gave; None if values of the type are taken as they are."""
    if not isinstance(kind, dict) or kind["type"] not in {"int", "long", "bytes"}:
        return None
    read = LOGICAL_READERS[f"{kind['type']}-{kind['logicalType']}"]
    return partial(read, schema=kind) if read is _decimal else read


def _is_sound(schema: Any, kind: str, given: Any) -> bool:
    if given == "decimal":
        scale = schema.get("scale", 0)
        return type(scale) is int and 0 <= scale <= _LONGEST_DECIMAL
    size = {"uuid": 16, "duration": 12}.get(given) if kind == "fixed" else None
    return size is None or schema.get("size") == size


def _decimal(data: bytes, schema: Any, _reader: Any = None) -> str:
    if len(data) > _LONGEST_DECIMAL:
        return _base64(data)
    number, scale = int.from_bytes(data, "big", signed=True), schema["scale"]
    if not scale:
        return str(number)
    digits = str(abs(number)).zfill(scale + 1)
    return f"{'-' if number < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"


def _base64(data: bytes, _writer: Any = None, _reader: Any = None) -> str:
    return b64encode(data).decode("ascii")


def _text(data: bytes, _writer: Any = None, _reader: Any = None) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _base64(data)


def _uuid(data: bytes, _writer: Any = None, _reader: Any = None) -> str:
    return str(UUID(bytes=data))


def _duration(data: bytes, _writer: Any = None, _reader: Any = None) -> dict[str, int]:
    parts = (int.from_bytes(data[at : at + 4], "little") for at in (0, 4, 8))
    return dict(zip(("months", "days", "milliseconds"), parts, strict=True))


def _finite(number: float, _writer: Any = None, _reader: Any = None) -> float:
    if number - number:  # of NaN and of Infinity this is NaN
        raise ValueError("not finite")
    return number


def _number(make: Callable[[int], Any]) -> Callable[..., Any]:
    def read(data: int, _writer: Any = None, _reader: Any = None) -> Any:
        return make(data)

    return read


_READERS: dict[str, Callable[..., Any]] = {
    "bytes-decimal": _decimal,
    "fixed-decimal": _decimal,
    "fixed-uuid": _uuid,
    "fixed-duration": _duration,
    "int-date": _number(day),
    "int-time-millis": _number(partial(time_of_day, digits=3)),
    "long-time-micros": _number(partial(time_of_day, digits=6)),
}
"""By base type and logical type; a uuid that is a string is text already."""

for _unit, _digits in (("millis", 3), ("micros", 6), ("nanos", 9)):
    _READERS[f"long-timestamp-{_unit}"] = moments(_digits, "Z")
    _READERS[f"long-local-timestamp-{_unit}"] = moments(_digits, "")

for _kind in ("bytes", "fixed"):
    LOGICAL_READERS[f"{_kind}-logferry-base64"] = _base64
    LOGICAL_READERS[f"{_kind}-logferry-text"] = _text
for _kind in ("float", "double"):
    LOGICAL_READERS[f"{_kind}-{FINITE}"] = _finite
for _key, _read in _READERS.items():
    LOGICAL_READERS[_key.replace("-", "-logferry-", 1)] = _read
