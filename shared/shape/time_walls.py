"""What a clock on the wall showed, to an instant.

Rule: a text says what a clock somewhere showed; the zone and, where the text has
no year, the year are settled here and nowhere else. Invariant: an instant has
whole seconds and the digits of its fraction apart, so that no digit is lost to
datetime's microseconds. A text without a year means the latest such day that is
not more than a day after the source was last written: lines of 31 December in a
file of 1 January are last year's, and 29 February is that of the last leap year.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from .time_zones import named_offset, offset

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTHS = {name[:size]: place for place, name in enumerate(MONTHS, 1) for size in (3, len(name))}
_LEAP_YEARS = 8
"""The longest time between two of them (1896 and 1904)."""

Spans = tuple[int, int, int, int, int]
"""Where a text has the start of its minute and of its second, the end of the second, and its fraction."""


class Reading(NamedTuple):
    """A text, read."""

    utc: datetime
    """Naive, in UTC, whole seconds."""
    fraction: str
    """Digits after the second, as they were written; may be empty."""
    spans: Spans | None
    """None where minute and second are not two digits each."""

    def text(self) -> str:
        """As Azure takes it."""
        fraction = f".{self.fraction[:7]}" if self.fraction else ""
        return f"{self.utc.isoformat()}{fraction}Z"


class Setting(NamedTuple):
    """What a text does not say."""

    zone: tzinfo
    latest: datetime
    """Naive, in UTC: no time without a year is later."""


def setting(zone: tzinfo, reference: datetime) -> Setting:
    """For a source that was last written at `reference` (UTC where it has no zone)."""
    if reference.tzinfo is not None:
        reference = reference.astimezone(UTC).replace(tzinfo=None)
    try:
        return Setting(zone, reference + timedelta(days=1))
    except OverflowError:
        return Setting(zone, datetime.max)  # noqa: DTZ901 - UTC, as all of these


Fields = Mapping[str, str | None]
"""The parts of a text by their strptime letters."""


def instant(fields: Fields, where: Setting) -> datetime:
    """The instant, naive, in UTC, whole seconds.

    Raises:
        ValueError, OverflowError: there is no such day, time or zone.
    """
    get = fields.get
    clock = (_hour(fields), int(get("M") or 0), int(get("S") or 0))
    if year := get("Y"):
        return _utc(fields, int(year), clock, where.zone)
    if year := get("y"):
        return _utc(fields, int(year) + (2000 if int(year) <= 68 else 1900), clock, where.zone)
    newest = min(where.latest.year + (where.latest.month == 12), 9999)  # east of Greenwich it begins earlier
    for candidate in range(newest, max(newest - _LEAP_YEARS - 2, 0), -1):
        try:
            found = _utc(fields, candidate, clock, where.zone)
        except (ValueError, OverflowError):
            continue
        if found <= where.latest:
            return found
    raise ValueError("no such day in any year")


def _hour(fields: Fields) -> int:
    twelve = fields.get("I")
    if twelve is None:
        return int(fields.get("H") or 0)
    return int(twelve) % 12 + (12 if (fields.get("p") or "").lower() == "pm" else 0)


def _utc(fields: Fields, year: int, clock: tuple[int, int, int], zone: tzinfo) -> datetime:
    day = _day(fields, year)
    # A leap second (60) is refused here, as everywhere in Python: Azure has no such instant.
    when = datetime(day.year, day.month, day.day, *clock)  # noqa: DTZ001 - what the wall says
    if text := fields.get("z"):
        return when - offset(text)
    if name := fields.get("Z"):
        return when - named_offset(name, when, zone)
    return when - (zone.utcoffset(when) or timedelta())


def _day(fields: Fields, year: int) -> date:
    if number := fields.get("j"):
        found = date(year, 1, 1) + timedelta(days=int(number) - 1)
        if found.year != year:
            raise ValueError("this year has no day 366")
        return found
    name = fields.get("b") or fields.get("B")
    month = _MONTHS[name.lower()] if name else int(fields.get("m") or 1)
    return date(year, month, int(fields.get("d") or 1))
