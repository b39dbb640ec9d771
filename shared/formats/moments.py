"""Times that a binary format holds as numbers, as text.

Rule: nothing is rounded: the digits of the unit are kept (milliseconds 3,
microseconds 6, nanoseconds 9, or 7 where the last two are 00, which is all that
Azure Monitor holds). Invariant: what lies outside the years 1 to 9999 has no text
and stays the number that it is. A time that the source calls UTC ends in Z; one
without a zone does not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - whether it is UTC is the caller's to say
_EPOCH_DAY = date(1970, 1, 1).toordinal()
FIRST_SECOND = -62_135_596_800
"""0001-01-01T00:00:00, in seconds since 1970."""
LAST_SECOND = 253_402_300_799
"""9999-12-31T23:59:59."""
_DAY = 86_400


def moments(digits: int, zone: str) -> Callable[..., str | int]:
    """What turns times into ISO 8601 text.

    Args:
        digits: of a tick after the second: 0, 3, 6 or 9.
        zone: "Z", or "" for times without a zone.

    Returns:
        A function of the ticks since 1970-01-01T00:00:00, which takes no notice of what else it is given:
        fastavro calls its readers with schemas, and calls them too often for a function in between.
    """
    per_second = 10**digits
    form = f"%s.%0{digits}d{zone}" if digits else f"%s%.0s{zone}"
    short = f"%s.%07d{zone}" if digits == 9 else form

    def moment(ticks: int, _writer: Any = None, _reader: Any = None) -> str | int:
        second, fraction = divmod(ticks, per_second)
        if not FIRST_SECOND <= second <= LAST_SECOND:
            return ticks
        if fraction % 100 or digits != 9:
            return form % (_second(second), fraction)
        return short % (_second(second), fraction // 100)

    return moment


def time_of_day(ticks: int, digits: int) -> str | int:
    """HH:MM:SS with the fraction, of ticks since midnight; all digits as in `moments`."""
    second, fraction = divmod(ticks, 10**digits)
    if not 0 <= second < _DAY:
        return ticks
    clock = _second(second)[11:]
    if not digits:
        return clock
    text = f"{clock}.{fraction:0{digits}}"
    return text[:-2] if digits == 9 and text.endswith("00") else text


def day(number: int) -> str | int:
    """YYYY-MM-DD of a number of days since 1970-01-01."""
    try:
        return date.fromordinal(_EPOCH_DAY + number).isoformat()
    except (ValueError, OverflowError):
        return number


@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    """Records of one file share most of their seconds."""
    return (_EPOCH + timedelta(seconds=second)).isoformat()
