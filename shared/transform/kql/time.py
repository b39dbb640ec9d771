"""Functions of time.

Source: Kusto's reference, a page each. Weeks begin on Sunday, save that their numbers are
those of ISO 8601. All is reckoned in ticks of 100 ns.
"""

from __future__ import annotations

import calendar
import datetime as dt
import math
from collections.abc import Callable
from typing import Final

from .node import Node, lift
from .registry import Arguments, define, special
from .ticks import (
    DAY,
    HOUR,
    MAX_TIME,
    MICROSECOND,
    MILLISECOND,
    MINUTE,
    SECOND,
    date_of,
    in_range,
    of_parts,
    span_in_range,
)
from .tree import KqlError

_FIXED: Final = {
    "week": 7 * DAY,
    "day": DAY,
    "hour": HOUR,
    "minute": MINUTE,
    "second": SECOND,
    "millisecond": MILLISECOND,
    "microsecond": MICROSECOND,
}
"""Periods that are always as long; a nanosecond is shorter than a tick."""
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_PERIODS: Final = (*_MONTHS, *_FIXED, "nanosecond")


@special("now")
def _now(arguments: Arguments) -> Node:
    arguments.count(0, 1)
    now = arguments.now
    node = Node("datetime", lambda _: now())
    if not arguments.nodes:
        return node
    return lift(
        "datetime", lambda moment, offset: in_range(moment + offset), node, arguments.as_(0, "timespan")
    )


@special("ago")
def _ago(arguments: Arguments) -> Node:
    arguments.count(1, 1)
    now = arguments.now
    return lift(
        "datetime",
        lambda moment, span: in_range(moment - span),
        Node("datetime", lambda _: now()),
        arguments.as_(0, "timespan"),
    )


# -- parts ----------------------------------------------------------------------------------


@define("dayofweek", "timespan", "datetime")
def _dayofweek(moment: int) -> int:
    """Days since Sunday, as a span."""
    return (moment // DAY + 1) % 7 * DAY


def _day_of_year(moment: int) -> int:
    day = date_of(moment)
    return day.toordinal() - dt.date(day.year, 1, 1).toordinal() + 1


_PARTS: Final[dict[str, Callable[[int], int]]] = {
    "year": lambda moment: date_of(moment).year,
    "quarter": lambda moment: (date_of(moment).month + 2) // 3,
    "month": lambda moment: date_of(moment).month,
    "week_of_year": lambda moment: date_of(moment).isocalendar().week,
    "weekofyear": lambda moment: date_of(moment).isocalendar().week,
    "day": lambda moment: date_of(moment).day,
    "dayofyear": _day_of_year,
    "hour": lambda moment: moment % DAY // HOUR,
    "minute": lambda moment: moment % HOUR // MINUTE,
    "second": lambda moment: moment % MINUTE // SECOND,
    "millisecond": lambda moment: moment % SECOND // MILLISECOND,
    "microsecond": lambda moment: moment % SECOND // MICROSECOND,
    "nanosecond": lambda moment: moment % SECOND * 100,
}
for _name, _part in (
    ("dayofmonth", "day"),
    ("dayofyear", "dayofyear"),
    ("getmonth", "month"),
    ("monthofyear", "month"),
    ("getyear", "year"),
    ("hourofday", "hour"),
    ("weekofyear", "weekofyear"),
):
    define(_name, "int", "datetime")(_PARTS[_part])


@special("datetime_part")
def _datetime_part(arguments: Arguments) -> Node:
    arguments.count(2, 2)
    return lift("int", _PARTS[_word(arguments, tuple(_PARTS))], arguments.as_(1, "datetime"))


def _word(arguments: Arguments, known: tuple[str, ...]) -> str:
    """The period or part that the first argument names."""
    word = str(arguments.constant(0)).lower()
    if word not in known:
        raise KqlError(f"{arguments.name}() knows {', '.join(known)}.", arguments.at(0))
    return word


# -- periods --------------------------------------------------------------------------------


@special("datetime_add")
def _datetime_add(arguments: Arguments) -> Node:
    arguments.count(3, 3)
    word = _word(arguments, _PERIODS)
    amount, moment = arguments.as_(1, "integer"), arguments.as_(2, "datetime")
    if word in _MONTHS:
        months = _MONTHS[word]
        return lift("datetime", lambda at, count: _months_later(at, count * months), moment, amount)
    if word == "nanosecond":
        return lift(
            "datetime",
            lambda at, count: in_range(at + (count // 100 if count >= 0 else -(-count // 100))),
            moment,
            amount,
        )
    length = _FIXED[word]
    return lift("datetime", lambda at, count: in_range(at + count * length), moment, amount)


def _months_later(moment: int, months: int) -> int | None:
    """The same day and time some months later; the last day of a month that is shorter."""
    day = date_of(moment)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    last = calendar.monthrange(year, month + 1)[1]
    start = of_parts(year, month + 1, min(day.day, last))
    return None if start is None else start + moment % DAY


@special("datetime_diff")
def _datetime_diff(arguments: Arguments) -> Node:
    """How many borders of the period lie between the two."""
    arguments.count(3, 3)
    word = _word(arguments, _PERIODS)
    nodes = arguments.as_(1, "datetime"), arguments.as_(2, "datetime")
    if word in _MONTHS:
        months = _MONTHS[word]
        return lift("long", lambda one, two: _month(one) // months - _month(two) // months, *nodes)
    if word == "nanosecond":
        return lift("long", lambda one, two: (one - two) * 100, *nodes)
    length = _FIXED[word]
    shift = DAY if word == "week" else 0  # the year 1 begins on a Monday, a week on Sunday
    return lift("long", lambda one, two: (one + shift) // length - (two + shift) // length, *nodes)


def _month(moment: int) -> int:
    day = date_of(moment)
    return day.year * 12 + day.month - 1


def _start(period: str, moment: int, offset: int) -> int | None:
    """When the period begins that lies `offset` periods from the moment's own."""
    if period == "day":
        return moment // DAY * DAY + offset * DAY
    if period == "week":
        return (moment + DAY) // (7 * DAY) * 7 * DAY - DAY + offset * 7 * DAY
    months = _MONTHS[period]
    year, month = divmod((_month(moment) // months + offset) * months, 12)
    if (year, month) == (10_000, 0):  # what the last year of all ends at
        return MAX_TIME + 1
    return of_parts(year, month + 1, 1)


def _bounds(period: str) -> None:
    """startofPERIOD and endofPERIOD."""

    def start(moment: int, offset: int = 0) -> int | None:
        found = _start(period, moment, offset)
        return None if found is None else in_range(found)

    def end(moment: int, offset: int = 0) -> int | None:
        found = _start(period, moment, offset + 1)
        return None if found is None else in_range(found - 1)

    define(f"startof{period}", "datetime", "datetime", "integer?")(start)
    define(f"endof{period}", "datetime", "datetime", "integer?")(end)


for _period in ("day", "week", "month", "year"):
    _bounds(_period)


# -- made of numbers --------------------------------------------------------------------------


@define("make_datetime", "datetime", "number", "number", "number", "number?", "number?", "number?")
def _make_datetime(
    year: float, month: float, day: float, hour: float = 0, minute: float = 0, second: float = 0
) -> int | None:
    ticks = _seconds(second)
    if ticks is None:
        return None
    return of_parts(int(year), int(month), int(day), int(hour), int(minute), ticks)


@special("make_timespan")
def _make_timespan(arguments: Arguments) -> Node:
    """make_timespan([days,] hours, minutes[, seconds])."""
    arguments.count(2, 4)
    days = 1 if len(arguments.nodes) == 4 else 0
    nodes = [arguments.as_(index, "number") for index in range(len(arguments.nodes))]

    def make(*values: float) -> int | None:
        day, (hour, minute, *rest) = (int(values[0]), values[1:]) if days else (0, values)
        ticks = _seconds(rest[0] if rest else 0)
        if ticks is None or day < 0 or not (0 <= hour < 24 and 0 <= minute < 60):
            return None
        return span_in_range(day * DAY + int(hour) * HOUR + int(minute) * MINUTE + ticks)

    return lift("timespan", make, *nodes)


def _seconds(second: float) -> int | None:
    """Seconds within a minute, as ticks; what is finer is cut off."""
    if not (math.isfinite(second) and 0 <= second < 60):
        return None
    # 0.1234567 is a little less than that as a double: a hundredth of a tick puts it right
    return int(second * SECOND + 0.01) if isinstance(second, float) else int(second) * SECOND
