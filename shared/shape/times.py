"""Times as sources write them, to UTC text as Azure Monitor takes it.

Rule: a time parser takes one value and gives `YYYY-MM-DDTHH:MM:SS[.ffffff]Z`, or
raises ValueError, TypeError or OverflowError. Invariant: the text is UTC, so two
of them compare as the times do. A time without a zone is taken as UTC. No clock
is read here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

TimeParser = Callable[[Any], str]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Python reads more than that: week dates, a comma before the fraction.
_AS_AZURE_TAKES_IT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,7})?Z")


def to_text(when: datetime) -> str:
    """An aware or UTC-naive datetime as UTC text."""
    if when.tzinfo is not None:
        when = when.astimezone(UTC).replace(tzinfo=None)
    return when.isoformat() + "Z"


def iso(value: Any) -> str:
    """ISO 8601. Text that Azure takes as it stands is not touched (it may have seven digits of fraction)."""
    if type(value) is not str:
        if isinstance(value, datetime):
            return to_text(value)
        raise TypeError("no text")
    when = datetime.fromisoformat(value)
    return value if _AS_AZURE_TAKES_IT.fullmatch(value) else to_text(when)


def _epoch(per_second: int) -> TimeParser:
    step = 1_000_000 // per_second if per_second <= 1_000_000 else 0

    def parse(value: Any) -> str:
        number = _number(value)
        if isinstance(number, int):
            micros = number * step if step else number // (per_second // 1_000_000)
        else:
            micros = round(number * step) if step else round(number / (per_second // 1_000_000))
        return to_text(_EPOCH + timedelta(microseconds=micros))

    return parse


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        raise TypeError("a boolean is no time")
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return float(value) if "." in value else int(value)
    raise TypeError("no number")


def _pattern(pattern: str) -> TimeParser:
    def parse(value: Any) -> str:
        return to_text(datetime.strptime(value, pattern))  # noqa: DTZ007 - without a zone it is UTC

    return parse


TIME_FORMATS: dict[str, TimeParser] = {
    "iso": iso,
    "epoch": _epoch(1),
    "epoch_ms": _epoch(1_000),
    "epoch_us": _epoch(1_000_000),
    "epoch_ns": _epoch(1_000_000_000),
}


def time_parser(name: str) -> TimeParser:
    """The parser for a column's `format`.

    Raises:
        ValueError: it is neither a known name nor a strptime pattern.
    """
    if name in TIME_FORMATS:
        return TIME_FORMATS[name]
    if "%" not in name:
        raise ValueError(name)
    try:
        datetime.strptime("", name)  # noqa: DTZ007 - only whether the pattern can be read
    except re.error as error:  # the same part of a time twice
        raise ValueError(name) from error
    except ValueError as error:
        if "does not match" not in str(error):
            raise ValueError(name) from error
    return _pattern(name)
