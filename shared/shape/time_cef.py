"""Times as CEF and LEEF have them, in one column: numbers, or text as syslog writes it.

Rule: a number of up to ten digits is seconds since 1970, a longer one milliseconds;
everything else is read as syslog's. Source: CEF implementation standard, appendix A
(milliseconds, or `MMM dd [yyyy] HH:mm:ss[.SSS] [zzz]`); QRadar, devTime (10 or 13
digits).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from .time_epoch import Epoch
from .time_face import TimeReader
from .time_text import Text, read_syslog
from .time_walls import Setting

_SECONDS_DIGITS = 10


class Cef(TimeReader):
    """See the module.

    Args:
        where: the zone of texts that carry none, and the year of those without.
    """

    def __init__(self, where: Setting) -> None:
        self._seconds = Epoch(0)
        self._milliseconds = Epoch(3)
        self._text = Text(partial(read_syslog, where))

    def one(self, value: Any) -> str:
        """See TimeReader."""
        text = str(value) if type(value) is int else value
        if type(text) is not str or not text.isdecimal():
            return self._text.one(text)
        return (self._seconds if len(text) <= _SECONDS_DIGITS else self._milliseconds).one(text)

    def texts(self, values: list[str]) -> list[str]:
        """See TimeReader."""
        joined = "".join(values)
        if not joined.isdecimal():
            numbers = any(map(str.isdecimal, values))
            return [self.one(value) for value in values] if numbers else self._text.texts(values)
        if min(map(len, values)) > _SECONDS_DIGITS:
            return self._milliseconds.texts(values)
        return [self.one(value) for value in values]
