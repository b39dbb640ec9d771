r"""Values that JSON or Azure cannot carry, made such that they can.

Rule: NaN and Infinity, integers beyond 64 bits and halves of surrogate pairs are
accepted by Azure Monitor without an error and are gone; each is turned into
something that lands, or the record is given up, as the route says. Invariant: what
`tame` gives can be written as JSON and is read by Azure; everything else in the
value is untouched. Strategy: level by level and not by recursion, because what
parsers read may be nested deeper than Python calls go.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from ..routes.declare import Route
from .values import LONG_MAX, LONG_MIN

_SURROGATE = re.compile("[\ud800-\udfff]")


Events = defaultdict[str, list[int]]
"""What was put right, by kind: the indexes of the records, one for each time."""


TOO_DEEP = ("TooDeep", "objects and arrays are nested too deep")


class Unfit(Exception):  # noqa: N818 - never leaves this room
    """This record is to be rejected."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Tamer:
    """What a route says of odd values.

    Args:
        route: the checked route.
    """

    def __init__(self, route: Route) -> None:
        self._no_number = route.on_not_a_number
        self._big = route.on_big_integer
        self._surrogate = route.on_lone_surrogate
        self.seen: Counter[str] = Counter()
        """What was done since this was last cleared, by kind."""

    def tame(self, value: Any, *, in_text: bool = False) -> Any:
        """`value` as JSON and Azure can carry it; a copy where anything changes.

        Args:
            value: of a column.
            in_text: it is about to become the text of a column, which may hold any whole number.

        Raises:
            Unfit: the route gives such records up.
        """
        top = [value]
        open_: list[Any] = [top]
        while open_:
            inside = open_.pop()
            for key, item in list(inside.items() if isinstance(inside, dict) else enumerate(inside)):
                if isinstance(item, dict | list):
                    inside[key] = item.copy()
                    open_.append(inside[key])
                else:
                    found = self._scalar(item, whole=not in_text)
                    if found is not item:
                        inside[key] = found
            if isinstance(inside, dict):
                self._keys(inside)
        return top[0]

    def _scalar(self, item: Any, *, whole: bool) -> Any:
        kind = type(item)
        if kind is str:
            return self._text(item)
        if whole and kind is int and not LONG_MIN <= item <= LONG_MAX:
            return self._replace("big_integer", self._big, item, str)
        if kind is float and not math.isfinite(item):
            return self._replace("not_a_number", self._no_number, item, no_number)
        return item

    def _text(self, text: str) -> str:
        if text.isascii() or not _SURROGATE.search(text):
            return text
        if self._surrogate == "dead_letter":
            raise Unfit("LoneSurrogate", "a text holds half of a surrogate pair, which is no character")
        self.seen[f"surrogate_{self._surrogate}d"] += 1
        if self._surrogate == "replace":
            return _SURROGATE.sub("\ufffd", text)
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

    def _replace(self, what: str, how: str, item: Any, text: Callable[[Any], str]) -> str | None:
        if how == "dead_letter":
            raise Unfit(*_REASONS[what])
        self.seen[f"{what}_{how}"] += 1
        return text(item) if how == "text" else None

    def _keys(self, record: dict[str, Any]) -> None:
        for key in [key for key in record if not key.isascii() and _SURROGATE.search(key)]:
            record[self._text(key)] = record.pop(key)


_REASONS = {
    "big_integer": ("NumberOutOfRange", "a whole number is beyond 64 bits; see on_big_integer"),
    "not_a_number": (
        "NotANumber",
        "a number is NaN or Infinity, which JSON cannot carry; see on_not_a_number",
    ),
}


def no_number(value: float) -> str:
    """NaN, Infinity or -Infinity, as JavaScript and Kusto write them."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
