"""Times and spans of time as ticks of 100 ns, which is what Kusto counts in.

Rule: a datetime is the ticks since 0001-01-01 00:00 UTC, a timespan is ticks, either
may be None; both are plain ints, so that their arithmetic is exact. Invariant: a
datetime is in [0, MAX_TIME]; what would be beyond it is None.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

MICROSECOND: Final = 10
MILLISECOND: Final = 10_000
SECOND: Final = 10_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
MAX_TIME: Final = 3_652_059 * DAY - 1
"""9999-12-31 23:59:59.9999999."""
_MAX_SPAN = 2**63 - 1

_ISO = re.compile(
    r"\s*(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?"
    r"(?:[Tt\s]\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?)?"
    r"\s*(Z|z|GMT|UTC|[-+]\d{1,2}(?::?\d{2})?)?\s*"
)
_MONTH_FIRST = re.compile(
    r"\s*(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})"
    r"(?:[Tt\s]\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?)?"
    r"\s*(Z|z|GMT|UTC|[-+]\d{1,2}(?::?\d{2})?)?\s*"
)
_RFC = re.compile(  # RFC 822 and RFC 850: [Sat, ]8 Nov 14[ 15:05[:02][ GMT]]
    r"\s*(?:[A-Za-z]+,\s*)?(\d{1,2})[ -]([A-Za-z]{3})[a-z]*[ -](\d{4}|\d{2})"
    r"(?:\s+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?)?"
    r"\s*(Z|z|GMT|UTC|[-+]\d{1,2}(?::?\d{2})?)?\s*"
)
_MONTH_NAMED = re.compile(r"\s*([A-Za-z]{3})[a-z]*\s+(\d{1,2}),\s*(\d{4})\s*")
_USUAL = (19, 23, 26)
"""Lengths of 2020-01-02T03:04:05 without a fraction, with three digits of one, and with six."""
_COMPACT = re.compile(r"(\d{4})(?:(\d{2})(\d{2}))?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_CLOCK = re.compile(r"\s*(-)?(?:(\d{1,8})\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?\s*")
_AMOUNT = re.compile(r"\s*(-)?(\d+)(?:\.(\d*))?\s*([A-Za-z]*)\s*")
_UNITS = {
    **dict.fromkeys(("", "d", "day", "days"), DAY),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), HOUR),
    **dict.fromkeys(("m", "min", "minute", "minutes"), MINUTE),
    **dict.fromkeys(("s", "sec", "second", "seconds"), SECOND),
    **dict.fromkeys(("ms", "milli", "millis", "millisec", "millisecond", "milliseconds"), MILLISECOND),
    **dict.fromkeys(("micro", "micros", "microsec", "microsecond", "microseconds"), MICROSECOND),
    **dict.fromkeys(("tick", "ticks"), 1),
}
_NANO = frozenset({"nano", "nanos", "nanosec", "nanosecond", "nanoseconds"})


def of_parts(year: int, month: int, day: int, hour: int = 0, minute: int = 0, ticks: int = 0) -> int | None:
    """A moment of the calendar; `ticks` are those within the minute. None if there is no such moment."""
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= ticks < MINUTE):
        return None
    try:
        days = dt.date(year, month, day).toordinal() - 1
    except (ValueError, OverflowError):
        return None
    return days * DAY + hour * HOUR + minute * MINUTE + ticks


_FIRST = dt.datetime(1, 1, 1)  # noqa: DTZ001 - all of this is UTC


def date_of(ticks: int) -> dt.date:
    """The day of a moment."""
    return dt.date.fromordinal(ticks // DAY + 1)


def in_range(ticks: int) -> int | None:
    """A moment, or None if it is before the year 1 or after the year 9999."""
    return ticks if 0 <= ticks <= MAX_TIME else None


def of_datetime(moment: dt.datetime) -> int:
    """An aware datetime."""
    return _of_naive(moment.astimezone(dt.UTC).replace(tzinfo=None))


def _of_naive(moment: dt.datetime) -> int:
    since = moment - _FIRST
    return since.days * DAY + since.seconds * SECOND + since.microseconds * MICROSECOND


def of_text(text: str) -> int | None:
    """A moment in any of the forms that todatetime() takes; without a zone it is UTC."""
    usual = text[:-1] if text[-1:] == "Z" else text[:-6] if text[-6:] == "+00:00" else ""
    if len(usual) in _USUAL and usual[4] == "-" and usual[10] == "T":
        try:  # several times as fast as what follows
            return _of_naive(dt.datetime.fromisoformat(usual))
        except ValueError:
            pass
    found = _ISO.fullmatch(text)
    if found:
        year, month, day, *rest = found.groups()
        return _moment(int(year), int(month), int(day or 1), rest)
    found = _MONTH_FIRST.fullmatch(text)
    if found:
        month, day, year, *rest = found.groups()
        return _moment(int(year), int(month), int(day), rest)
    return _of_words(text)


def _of_words(text: str) -> int | None:
    found = _RFC.fullmatch(text)
    if found:
        day, name, year, *rest = found.groups()
        return _moment(_full_year(year), _month(name), int(day), rest)
    found = _MONTH_NAMED.fullmatch(text)
    if found:
        return of_parts(int(found[3]), _month(found[1]), int(found[2]))
    found = _COMPACT.fullmatch(text)
    return of_parts(int(found[1]), int(found[2] or 1), int(found[3] or 1)) if found else None


def _full_year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return year + (2000 if year < 50 else 1900)


def _month(name: str) -> int:
    """1 to 12; 0 for no month, which no date has."""
    return _MONTHS.index(name.lower()) + 1 if name.lower() in _MONTHS else 0


def _moment(year: int, month: int, day: int, rest: list[str | None]) -> int | None:
    hour, minute, second, fraction, zone = rest
    ticks = int(second or 0) * SECOND + _fraction(fraction)
    moment = of_parts(year, month, day, int(hour or 0), int(minute or 0), ticks)
    if moment is None or zone is None or zone[0] not in "+-":
        return moment
    digits = zone[1:].replace(":", "")
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    offset = hours * HOUR + minutes * MINUTE
    return in_range(moment - offset if zone[0] == "+" else moment + offset)


def _fraction(digits: str | None) -> int:
    """Digits behind the decimal point of seconds, as ticks; what is finer is cut off."""
    return int(digits[:7].ljust(7, "0")) if digits else 0


def to_text(ticks: int) -> str:
    """A moment as Kusto prints it: 2020-01-02T03:04:05.6000000Z."""
    moment = _FIRST + dt.timedelta(microseconds=ticks // MICROSECOND)
    return f"{moment.isoformat(timespec='microseconds')}{ticks % MICROSECOND}Z"


def span_of_text(text: str) -> int | None:
    """A span as totimespan() takes it: [-][d.]hh:mm[:ss[.fffffff]], 1.5h, 3 (days)."""
    found = _CLOCK.fullmatch(text)
    if found:
        sign, days, hours, minutes, seconds, fraction = found.groups()
        if int(hours) > 23 or int(minutes) > 59 or int(seconds or 0) > 59:
            return None
        ticks = int(days or 0) * DAY + int(hours) * HOUR + int(minutes) * MINUTE
        ticks += int(seconds or 0) * SECOND + _fraction(fraction)
        return span_in_range(-ticks if sign else ticks)
    found = _AMOUNT.fullmatch(text)
    return _amount(*found.groups()) if found else None


def _amount(sign: str | None, whole: str, fraction: str | None, unit: str) -> int | None:
    digits = fraction or ""
    number = int(whole + digits)
    if unit.lower() in _NANO:
        ticks = number // (100 * 10 ** len(digits))
    elif unit.lower() in _UNITS:
        ticks = number * _UNITS[unit.lower()] // 10 ** len(digits)
    else:
        return None
    return span_in_range(-ticks if sign else ticks)


def span_in_range(ticks: int) -> int | None:
    """A span, or None if it is longer than Kusto can hold."""
    return ticks if -_MAX_SPAN <= ticks <= _MAX_SPAN else None


def span_to_text(ticks: int) -> str:
    """A span as Kusto prints it: [-][d.]hh:mm:ss[.fffffff]."""
    days, rest = divmod(abs(ticks), DAY)
    seconds, fraction = divmod(rest, SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    text = f"{'-' if ticks < 0 else ''}{f'{days}.' if days else ''}{hour:02}:{minute:02}:{second:02}"
    return f"{text}.{fraction:07}" if fraction else text
