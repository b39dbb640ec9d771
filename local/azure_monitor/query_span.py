"""The time span of a question: ISO 8601, as two times.

Rule: a duration ends now; an interval is from and to, or one of them and how long.
Invariant: whatever is none of these is a QueryError that says so.
"""

from __future__ import annotations

import datetime as dt

from isodate import ISO8601Error, parse_datetime, parse_duration  # type: ignore[import-untyped]

from .query_errors import QueryError


def interval(text: str, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """`PT1H`, `start/end`, `start/PT1H` or `PT1H/end` as two times.

    Raises:
        QueryError: it is none of these.
    """
    try:
        first, _, second = text.partition("/")
        if not second:
            return now - _duration(first), now
        if first.startswith("P"):
            end = _time(second)
            return end - _duration(first), end
        start = _time(first)
        return start, start + _duration(second) if second.startswith("P") else _time(second)
    except (ISO8601Error, ValueError, OverflowError, TypeError) as error:
        raise QueryError("BadArgument", f"timespan {text!r} is no ISO 8601 duration or interval.") from error


def _duration(text: str) -> dt.timedelta:
    found = parse_duration(text)
    if not isinstance(found, dt.timedelta):
        raise TypeError("months and years have no fixed length")
    return found


def _time(text: str) -> dt.datetime:
    time_ = parse_datetime(text) if "T" in text else dt.datetime.fromisoformat(text)
    return time_ if time_.tzinfo else time_.replace(tzinfo=dt.UTC)
