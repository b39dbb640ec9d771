"""One value as the query API writes it.

Rule: times are ISO 8601 in UTC with Z and no zeros at the end, a timespan is
d.hh:mm:ss, dynamic values are JSON text, numbers that JSON has not are words.
Invariant: null stays null, whatever the type.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Sequence
from typing import Any


def write(kinds: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows whose columns have these Kusto types."""
    writers = [_WRITERS.get(kind, _as_is) for kind in kinds]
    return [[None if v is None else write(v) for write, v in zip(writers, row, strict=True)] for row in rows]


def _as_is(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else str(value)


def _datetime(value: Any) -> str:
    if isinstance(value, dt.datetime):
        value = value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)
        text = str(value.isoformat()).removesuffix("+00:00")
        return f"{text.rstrip('0') if value.microsecond else text}Z"
    return f"{value}T00:00:00Z" if isinstance(value, dt.date) else str(value)


def _timespan(value: Any) -> str:
    if isinstance(value, dt.time):
        value = dt.timedelta(
            hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond
        )
    if not isinstance(value, dt.timedelta):
        return str(value)
    sign, value = ("-", -value) if value < dt.timedelta() else ("", value)
    days, seconds = value.days, value.seconds
    fraction = f".{value.microseconds:06d}0" if value.microseconds else ""
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"
    return f"{sign}{f'{days}.' if days else ''}{clock}"


def _real(value: Any) -> Any:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _dynamic(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "datetime": _datetime,
    "timespan": _timespan,
    "real": _real,
    "dynamic": _dynamic,
}
