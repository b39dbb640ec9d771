"""Times in text: ISO 8601, syslog's, and strptime patterns.

Rule: ISO 8601 is what Python's datetime.fromisoformat reads, apart from what it
reads wrongly: a digit between date and time (`1512113012345` is no time in 1512),
fractions of hours, minutes and offsets, a fraction after a colon, a blank before
the zone. Invariant: ISO text that Azure takes as it stands is not touched.
Strategy: columns of such text are checked by their shape, all digits made zeros,
and each by fromisoformat; the rest goes by frames (time_frames.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from .time_face import TimeReader
from .time_frames import Columns
from .time_patterns import spans
from .time_walls import MONTHS, Reading, Setting, instant

_AS_0 = bytes.maketrans(b"123456789", b"000000000")
_AS_AZURE_TAKES_IT = frozenset(
    b"0000-00-00T00:00:00" + fraction + b"Z"
    for fraction in [b"", b".0", b".00", b".000", b".0000", b".00000", b".000000", b".0000000"]
)
_ZONE = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?)?"
_REST = re.compile(rf"(?:[.,]([0-9]+))?{_ZONE}")
"""What may follow `YYYY-MM-DDTHH:MM:SS`."""
_ISO = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{4}-?W[0-9]{2}(?:-?[0-9])?)"
    r"(?:[^0-9][0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:[.,]([0-9]+))?)?|[0-9]{2}(?:[0-9]{2}(?:[.,]([0-9]+))?)?)?"
    rf"{_ZONE})?",
    re.DOTALL,
)
_NO_TIME = timedelta()


class Text(TimeReader):
    """Texts that `read` reads.

    Args:
        read: reads one text; raises ValueError or OverflowError.
    """

    def __init__(self, read: Callable[[str], Reading]) -> None:
        self._read = read
        self._columns = Columns(read)

    def one(self, value: Any) -> str:
        """See TimeReader."""
        if type(value) is not str:
            raise TypeError("no text")
        return self._read(value).text()

    def texts(self, values: list[str]) -> list[str]:
        """See TimeReader."""
        return self._columns.texts(values)


class Iso(Text):
    """ISO 8601; datetimes too (naive ones in the declared zone), as columnar formats give them.

    Args:
        where: the zone of texts that carry none.
    """

    def __init__(self, where: Setting) -> None:
        super().__init__(partial(read_iso, where))
        self._where = where

    def one(self, value: Any) -> str:
        """See TimeReader."""
        if isinstance(value, datetime):
            return reading(value, "", self._where).text()
        return super().one(value)

    def texts(self, values: list[str]) -> list[str]:
        """See TimeReader."""
        return values if _as_azure_takes_them(values) else super().texts(values)


class Syslog(Text):
    """Times of RFC 3164 and of RFC 5424.

    Args:
        where: the zone of texts that carry none, and what settles their year.
    """

    def __init__(self, where: Setting) -> None:
        super().__init__(partial(read_syslog, where))

    def texts(self, values: list[str]) -> list[str]:
        """See TimeReader."""
        return values if _as_azure_takes_them(values) else super().texts(values)


def _as_azure_takes_them(values: list[str]) -> bool:
    """Whether all have the shape; a quick look at the first saves most of the others.

    Raises:
        ValueError: one of them has the shape, and is no time.
    """
    if values[0][-1:] != "Z":
        return False
    lines = "\n".join(values).encode(errors="replace").translate(_AS_0).split(b"\n")
    if not _AS_AZURE_TAKES_IT.issuperset(lines):
        return False
    for _ in map(datetime.fromisoformat, values):
        pass
    return True


def read_iso(where: Setting, text: str) -> Reading:
    """One text.

    Raises:
        ValueError, OverflowError: it is no such time.
    """
    if text.endswith("z"):  # as RFC 3339 has it too
        text = f"{text[:-1]}Z"
    when = datetime.fromisoformat(text)
    if text[13:14] != ":" or text[16:17] != ":" or text[10].isdecimal():
        found = _ISO.fullmatch(text)
        if found is None:
            raise ValueError("no ISO 8601")
        return reading(when, found[1] or found[2] or "", where)
    rest = _REST.fullmatch(text, 19)
    if rest is None:
        raise ValueError("no ISO 8601")
    fraction, (start, end) = rest[1] or "", rest.span(1) if rest[1] else (19, 19)
    utc, offset = datetime.fromisoformat(text[:19]), when.utcoffset()
    if offset is None:
        offset = where.zone.utcoffset(when) or _NO_TIME
    return Reading(utc - offset if offset else utc, fraction, (14, 17, 19, start, end))


def reading(when: datetime, fraction: str, where: Setting) -> Reading:
    """A datetime, with the digits of its fraction as they were written."""
    offset = when.utcoffset()
    if offset is None:
        offset = where.zone.utcoffset(when)
    utc = when.replace(tzinfo=None) - (offset or _NO_TIME)
    if int(fraction[:6].ljust(6, "0")) != utc.microsecond:  # a datetime's own
        fraction = f"{utc.microsecond:06}"
    return Reading(utc.replace(microsecond=0), fraction, None)


_SYSLOG = re.compile(
    r"[*.]?(?:(?P<Y1>\d{4})\ )?"  # Cisco marks a clock that is not set
    rf"(?P<b>{'|'.join(name[:3] for name in MONTHS)})\ {{1,2}}(?P<d>\d{{1,2}})\ "
    r"(?:(?P<Y2>\d{4})\ )?(?P<H>[01]\d|2[0-3]):(?P<M>[0-5]\d):(?P<S>[0-5]\d|60)(?:[.,](?P<f>\d{1,9}))?"
    r"(?:\ (?:(?P<z>[+-]\d\d:?[0-5]\d)|(?P<Z>[a-z]{1,5})))?(?:\ (?P<Y3>\d{4}))?:?",
    re.ASCII | re.IGNORECASE,
)


def read_syslog(where: Setting, text: str) -> Reading:
    """`Jun 14 15:16:01` as RFC 3164 has it, with the year and zone that some add; or RFC 5424's ISO time.

    Raises:
        ValueError, OverflowError: it is neither.
    """
    if text[4:5] == "-":
        return read_iso(where, text)
    found = _SYSLOG.fullmatch(text)
    if found is None:
        raise ValueError("no syslog time")
    fields = found.groupdict()
    years = [fields[key] for key in ("Y1", "Y2", "Y3") if fields[key]]
    if len(years) > 1:
        raise ValueError("several years")
    fields["Y"] = years[0] if years else None
    return Reading(instant(fields, where), fields["f"] or "", spans(found, fields))
