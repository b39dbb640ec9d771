"""Times as sources write them, to UTC text as Azure Monitor takes it.

Rule: a column's `format` is one of NAMES or a strptime pattern, and is never
guessed while records are read. No clock is read here: a time without a year is
settled by when its source was last written. Invariant: the text is UTC with up to
seven digits of fraction, so two of them compare as the times do. Readers are
documented where they are: time_text.py (ISO, syslog), time_epoch.py,
time_patterns.py (strptime), time_zones.py (zones), time_walls.py (years).
"""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches

from .time_cef import Cef
from .time_epoch import Epoch
from .time_face import TimeReader
from .time_patterns import compiled
from .time_text import Iso, Syslog, Text
from .time_walls import setting
from .time_zones import zone as zone_of

__all__ = ["NAMES", "TimeReader", "check_format", "formats_for", "time_reader", "to_text"]

_EPOCHS = {"epoch": 0, "epoch_ms": 3, "epoch_us": 6, "epoch_ns": 9}
NAMES = ("iso", *_EPOCHS, "syslog", "cef")
"""The formats that have a name; all others are patterns."""

_EXAMPLE = "%d/%b/%Y:%H:%M:%S %z"
_SOME_DAY = datetime(1970, 1, 1, tzinfo=UTC)


def to_text(when: datetime) -> str:
    """An aware or UTC-naive datetime as UTC text."""
    if when.tzinfo is not None:
        when = when.astimezone(UTC).replace(tzinfo=None)
    return when.isoformat() + "Z"


def time_reader(format: str, zone: str | None, reference: datetime) -> TimeReader:  # noqa: A002 - the key in routes.yaml
    """The reader of a column's times. Holds what it learns of them; one per run over a source.

    Args:
        format: one of NAMES, or a strptime pattern.
        zone: of times that carry none: an IANA name or an offset; UTC for None.
        reference: when the source was last written; settles years that are not written.

    Raises:
        ValueError: a sentence that says what is wrong with the format or the zone.
    """
    if format in _EPOCHS:
        return Epoch(_EPOCHS[format])
    where = setting(zone_of(zone), reference)
    if format == "iso":
        return Iso(where)
    if format == "syslog":
        return Syslog(where)
    if format == "cef":
        return Cef(where)
    pattern = compiled(_pattern(format))
    return Text(lambda text: pattern.read(text, where))


def _pattern(name: str) -> str:
    if "%" in name:
        return name
    near = get_close_matches(name, NAMES, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ValueError(
        f"no time format {name!r}.{hint} There are: {', '.join(NAMES)}, or a pattern such as {_EXAMPLE}."
    )


def check_format(format: str, zone: str | None) -> None:  # noqa: A002 - the key in routes.yaml
    """Whether times can be read so.

    Raises:
        ValueError: a sentence that says what is wrong, and what to write.
    """
    time_reader(format, zone, _SOME_DAY)
    if zone is None:
        return
    if format in _EPOCHS:
        raise ValueError(f"{format} counts from 1970 in UTC, wherever it was written; leave the zone out.")
    if format not in NAMES and compiled(format).offset:
        raise ValueError("%z says the zone of each time; leave the zone out.")


# -- what format are these? ------------------------------------------------------------------------

_FIRST_YEAR, _LAST_YEAR = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

_COMMON = (
    "%d/%b/%Y:%H:%M:%S %z",  # Apache and nginx access logs
    "[%d/%b/%Y:%H:%M:%S %z]",
    "%d/%b/%Y:%H:%M:%S",
    "%d/%b/%Y:%H:%M:%S.%f",  # HAProxy
    "%a %b %d %H:%M:%S %Y",  # C's ctime; Apache's error log
    "[%a %b %d %H:%M:%S %Y]",
    "%a %b %d %H:%M:%S.%f %Y",
    "[%a %b %d %H:%M:%S.%f %Y]",
    "%a %b %d %H:%M:%S %Z %Y",  # date(1), Java
    "%a %b %d %H:%M:%S %z %Y",
    "syslog",
    "%a, %d %b %Y %H:%M:%S %z",  # RFC 2822
    "%a, %d %b %Y %H:%M:%S %Z",  # HTTP
    "%d %b %Y %H:%M:%S %z",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y %H:%M:%S.%f",
    "%d %b %Y %H:%M:%S,%f",
    "%d-%b-%Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S.%f",
    "%d-%b-%Y",
    "%b %d, %Y %I:%M:%S %p",
    "%b %d, %Y %H:%M:%S",
    "%b %d %Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",  # nginx error log, Go
    "%Y/%m/%d %H:%M:%S.%f",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S.%f %z",
    "%Y-%m-%d %H:%M:%S,%f %z",
    "%Y-%m-%d %H:%M:%S %Z",  # PostgreSQL
    "%Y-%m-%d %H:%M:%S.%f %Z",
    "%Y-%m-%d %H:%M:%S %z %Z",  # Go
    "%Y-%m-%d %H:%M:%S.%f %z %Z",
    "%Y-%m-%d %H:%M:%S:%f",
    "%Y-%m-%d-%H.%M.%S.%f",  # Db2, Blue Gene
    "%Y-%m-%d %I:%M:%S %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y %I:%M %p",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S.%f",
    "%d/%m/%Y %H:%M:%S.%f",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%y %H:%M:%S",
    "%m/%d/%y %I:%M:%S %p",
    "%y/%m/%d %H:%M:%S",  # Spark
    "%d/%m/%y %H:%M:%S",
    "%m-%d-%Y %H:%M:%S",
    "%d-%m-%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S.%f",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%Y.%m.%d %H:%M:%S",
    "%Y.%m.%d",
    "%y%m%d %H%M%S",  # Hadoop's file system
    "%Y%m%d-%H:%M:%S:%L",  # phones write 7 for 7 ms
    "%Y%m%d-%H:%M:%S:%f",
    "%Y%m%d-%H:%M:%S.%f",  # FIX
    "%Y%m%d-%H:%M:%S",
    "%Y%m%d %H:%M:%S",
    "%Y%m%d %H:%M:%S.%f",
    "%Y%m%d%H%M%S",
    "%m-%d %H:%M:%S.%f",  # Android
    "%m%d %H:%M:%S.%f",  # Kubernetes
    "%m/%d/%Y-%H:%M:%S.%f",  # Suricata
    "%m/%d/%y-%H:%M:%S.%f",
    "%m/%d-%H:%M:%S.%f",  # Snort
    "%m.%d %H:%M:%S",
    "%a %b %d %H:%M:%S",
)
"""In the order they are tried: where both read all samples, the month is first and 04/05/2026 is in April."""


def formats_for(values: list[str]) -> str | None:
    """The format that reads all of these texts, or None: for samples, while a route is written.

    Numbers are seconds, ms, us or ns since 1970, whichever puts all of them between 1990 and 2100. Of the
    others ISO 8601 goes first, then the common patterns. Day and month in numbers are told apart by a day
    after the 12th; without one, the month is taken to be first. Empty texts are passed over.
    """
    texts = [value for value in values if value]
    if not texts:
        return None
    numbers = all(text.replace(".", "", 1).isdecimal() for text in texts)
    names = (*_EPOCHS, "%Y%m%d%H%M%S", "%Y%m%d") if numbers else ("iso", *_COMMON)
    return next((name for name in names if _reads(name, texts, likely=numbers)), None)


def _reads(name: str, texts: list[str], *, likely: bool) -> bool:
    """Whether a format reads all of them and, if they are bare numbers, as times that are likely."""
    try:
        found = time_reader(name, None, _SOME_DAY).many(texts)
    except (ValueError, TypeError, OverflowError):
        return False
    return not likely or all(to_text(_FIRST_YEAR) <= (text or "") < to_text(_LAST_YEAR) for text in found)
