"""Times that a binary format holds as numbers, as text.

Rule: nothing is rounded: the digits of the unit are kept (milliseconds 3,
microseconds 6, nanoseconds 9, or 7 where the last two are 00, which is all that
Azure Monitor holds). Invariant: what lies outside the years 1 to 9999 has no text
and stays the number that it is. A time that the source calls UTC ends in Z; one
without a zone does not.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - whether it is UTC is the caller's to say
_EPOCH_DAY = date(1970, 1, 1).toordinal()
FIRST_SECOND = -62_135_596_800
"""0001-01-01T00:00:00, in seconds since 1970."""
LAST_SECOND = 253_402_300_799
"""9999-12-31T23:59:59."""
_DAY = 86_400


def moment(ticks: int, digits: int, zone: str) -> str | int:
    """A time as ISO 8601 text.

    Args:
        ticks: since 1970-01-01T00:00:00.
        digits: of a tick after the second: 0, 3, 6 or 9.
        zone: "Z", or "" for a time without a zone.
    """
    second, fraction = divmod(ticks, 10**digits)
    if not FIRST_SECOND <= second <= LAST_SECOND:
        return ticks
    return f"{_second(second)}{_fraction(fraction, digits)}{zone}"


def time_of_day(ticks: int, digits: int) -> str | int:
    """HH:MM:SS with the fraction; arguments as those of `moment`, since midnight."""
    second, fraction = divmod(ticks, 10**digits)
    if not 0 <= second < _DAY:
        return ticks
    return f"{_second(second)[11:]}{_fraction(fraction, digits)}"


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


def _fraction(fraction: int, digits: int) -> str:
    if not digits:
        return ""
    text = f".{fraction:0{digits}}"
    return text[:-2] if digits == 9 and text.endswith("00") else text
