"""Seconds since 1970, or thousandths, millionths or thousand-millionths of them.

Rule: a whole number is exact and has as many digits of fraction as its unit (ns:
seven, Azure's 100 ns); text is exact too, cut after the seventh digit; a float is
rounded to the microsecond, which is about what one holds. Strategy: an hour's text
is made once, and minutes, seconds and thousandths are looked up.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from .time_face import TimeReader, digits

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC throughout
_HOURS = 4096
_NUMBER = re.compile(r"\s*([+-]?)([0-9]{1,400})(?:\.([0-9]{0,400}))?(?:[eE]([+-]?[0-9]{1,3}))?\s*", re.ASCII)
_CLOCK = [f"{minute:02}:{second:02}" for minute in range(60) for second in range(60)]
_3 = [f"{number:03}" for number in range(1000)]


class _Hours(dict[int, str]):
    """`YYYY-MM-DDTHH:` by hours since 1970; OverflowError outside the years 1 to 9999."""

    def __missing__(self, hour: int) -> str:
        if len(self) >= _HOURS:
            self.clear()
        self[hour] = found = (_EPOCH + timedelta(hours=hour)).isoformat()[:14]
        return found


class _Seconds(dict[str, str]):
    """`YYYY-MM-DDTHH:MM:SS` by the digits of seconds since 1970; OverflowError as above."""

    def __init__(self, hours: _Hours) -> None:
        self._hours = hours

    def __missing__(self, digits: str) -> str:
        if len(self) >= _HOURS:
            self.clear()
        seconds = int(digits)
        self[digits] = found = f"{self._hours[seconds // 3600]}{_CLOCK[seconds % 3600]}"
        return found


class Epoch(TimeReader):
    """Numbers, and numbers in text.

    Args:
        digits: 0 for seconds, 3 for ms, 6 for us, 9 for ns.
    """

    def __init__(self, digits: int) -> None:
        self._digits = digits
        self._micros_each = 10.0 ** (6 - digits)
        self._hours = _Hours()
        self._seconds = _Seconds(self._hours)

    def one(self, value: Any) -> str:
        """See TimeReader."""
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind is not int and kind is not float:
            raise TypeError("no number")
        return self.others([value], {kind})[0]

    def others(self, values: list[Any], kinds: set[type]) -> list[str]:
        """See TimeReader."""
        if kinds == {int}:
            return self._whole(values)
        if kinds == {float}:
            each = self._micros_each  # what is not finite: ValueError or OverflowError
            return self._micros([round(value * each) for value in values])
        return super().others(values, kinds)

    def texts(self, values: list[str]) -> list[str]:
        """See TimeReader."""
        if digits(values):
            return self._whole(list(map(int, values)))
        return self._decimals(values) if self._digits == 0 else [self._text(value) for value in values]

    def _whole(self, values: list[int]) -> list[str]:
        hours, clock, three = self._hours, _CLOCK, _3
        if self._digits == 0:
            return [f"{hours[v // 3600]}{clock[v % 3600]}Z" for v in values]
        if self._digits == 3:
            return [f"{hours[v // 3_600_000]}{clock[v // 1000 % 3600]}.{three[v % 1000]}Z" for v in values]
        if self._digits == 6:
            return self._micros(values)
        return [
            f"{hours[v // 3_600_000_000_000]}{clock[v // 1_000_000_000 % 3600]}"
            f".{three[v // 1_000_000 % 1000]}{three[v // 1000 % 1000]}{v // 100 % 10}Z"
            for v in values
        ]

    def _micros(self, values: list[int]) -> list[str]:
        hours, clock, three = self._hours, _CLOCK, _3
        return [
            f"{hours[v // 3_600_000_000]}{clock[v // 1_000_000 % 3600]}"
            f".{three[v // 1000 % 1000]}{three[v % 1000]}Z"
            for v in values
        ]

    def _decimals(self, values: list[str]) -> list[str]:
        """Seconds as `1521911720.865716`, most of them."""
        parts = [value.partition(".") for value in values]
        fractions = [fraction for _, _, fraction in parts]
        if not all(fractions) or not digits(fractions) or not digits([whole for whole, _, _ in parts]):
            return [self._text(value) for value in values]
        seconds = self._seconds
        return [f"{seconds[whole]}.{fraction[:7]}Z" for whole, _, fraction in parts]

    def _text(self, value: str) -> str:
        found = _NUMBER.fullmatch(value)
        if found is None:
            raise ValueError("no number")
        sign, whole, fraction, exponent = found.groups()
        if not fraction and exponent is None:
            return self._whole([-int(whole) if sign == "-" else int(whole)])[0]
        if self._digits == 0 and exponent is None and sign != "-":
            seconds = int(whole)
            return f"{self._hours[seconds // 3600]}{_CLOCK[seconds % 3600]}.{fraction[:7]}Z"
        number = int(f"{sign}{whole}{fraction or ''}")
        power = int(exponent or 0) - len(fraction or "") + 7 - self._digits
        ticks = number * 10**power if power >= 0 else number // 10**-power
        seconds, rest = divmod(ticks, 10_000_000)
        return f"{self._hours[seconds // 3600]}{_CLOCK[seconds % 3600]}.{rest:07}Z"
