"""Zones: those that a route declares, and the names that texts carry.

Rule: a name stands for one offset or is refused; nothing is guessed, and nothing
depends on the machine's own zone. Invariant: a local time has exactly one
instant. An hour that the clocks repeat is taken as its first pass, and one that
they skip as if they had not been moved yet (what zoneinfo does): both keep every
record, in the order of the texts within that hour.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from difflib import get_close_matches
from functools import lru_cache

_OFFSET = re.compile(r"([+-])([0-9]{2})(?::?([0-5][0-9]))?")
_HOW = "Write an IANA name (Europe/Berlin), an offset (+02:00) or UTC"
_OF_THIS_MACHINE = ("local", "posix", "right/", "Factory")
"""What zoneinfo may find but is the machine's own choice, or counts leap seconds."""

_HOURS = {
    "UTC": 0, "UT": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MET": 1, "MEST": 2,
    "EET": 2, "EEST": 3, "WAT": 1, "CAT": 2, "SAST": 2, "EAT": 3, "WIB": 7, "HKT": 8, "AWST": 8, "JST": 9,
    "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
    "NST": -3.5, "NDT": -2.5, "EST": -5, "EDT": -4, "MST": -7, "MDT": -6, "AKST": -9, "AKDT": -8, "HST": -10,
}  # fmt: skip
_NAMED = {name: timedelta(hours=hours) for name, hours in _HOURS.items()}
"""Names with one offset in all of the IANA data since 2000, their summer or winter partners too.

So CST (America, China, Cuba), IST, PST (America, the Philippines), MSK, KST, BST and AST are not here: a
route that declares its zone reads them as that zone does.
"""


def zone(name: str | None) -> tzinfo:
    """The zone of times that carry none; UTC for None.

    Raises:
        ValueError: a sentence that says what may be written.
    """
    if name is None or name.upper() in {"UTC", "Z"}:
        return UTC
    found = _OFFSET.fullmatch(name)
    if found is None:
        return _named_zone(name)
    sign, hours, minutes = found.groups(default="0")
    if int(hours) > 23:
        raise ValueError(f"an offset of {name} is more than a day. {_HOW}.")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset)


def _named_zone(name: str) -> tzinfo:
    import zoneinfo  # noqa: PLC0415 - most routes need no zone

    if not name.startswith(_OF_THIS_MACHINE):
        with suppress(ValueError, KeyError, OSError):  # OSError: the name of a folder
            return zoneinfo.ZoneInfo(name)
    near = get_close_matches(name, sorted(zoneinfo.available_timezones()), 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ValueError(f"no time zone {name!r}.{hint} {_HOW}.")


def named_offset(name: str, when: datetime, declared: tzinfo) -> timedelta:
    """What the zone name in a text means for the local time `when` (naive).

    The declared zone goes first: in New York's data EST and EDT are its own, and they tell the two passes of
    a repeated hour apart.

    Raises:
        ValueError: the name has several meanings, or none that is known.
    """
    name = name.upper()
    for fold in (0, 1):
        local = when.replace(tzinfo=declared, fold=fold)
        if local.tzname() == name:
            return declared.utcoffset(local) or timedelta()
    if name not in _NAMED:
        raise ValueError("a zone name with several meanings, or none")
    return _NAMED[name]


@lru_cache(maxsize=256)
def offset(text: str) -> timedelta:
    """Of `Z`, `+02:00`, `+0200` or `+020000`.

    Raises:
        ValueError: a day or more.
    """
    if text in {"Z", "z"}:
        return timedelta()
    digits = text[1:].replace(":", "")
    found = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:6] or 0))
    if found.days:
        raise ValueError("an offset of a day or more")
    return -found if text[0] == "-" else found
