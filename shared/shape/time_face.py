"""What every reader of times gives.

Rule: a reader takes what a source wrote and gives UTC text as Azure Monitor takes
it, `YYYY-MM-DDTHH:MM:SS[.f]Z` with up to seven digits of fraction (Azure counts
in 100 ns), or raises ValueError, TypeError or OverflowError, and nothing else.
Invariants: the digits of a fraction are those that were written, cut after the
seventh; `many` gives exactly what `one` gives for each value. Strategy: whole
columns, and of these each distinct text once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

_NONE = type(None)
_SAMPLE = 32


def digits(texts: list[str]) -> bool:
    """Whether these are digits and nothing else, at least one in all."""
    joined = "".join(texts)
    return joined.isascii() and joined.isdecimal()


class TimeReader(ABC):
    """One way of writing times."""

    @abstractmethod
    def one(self, value: Any) -> str:
        """UTC text for a value.

        Raises:
            ValueError, TypeError, OverflowError: it is no such time.
        """

    def many(self, values: list[Any], *, empty: bool = False) -> list[str | None]:
        """UTC text for each value of a column; None for None.

        Args:
            values: the column.
            empty: "" is None too, and not a bad value.

        Raises:
            ValueError, TypeError, OverflowError: at least one value is no such time; `one` says which.
        """
        kinds = set(map(type, values))
        if _NONE in kinds:
            done = iter(self.many([value for value in values if value is not None], empty=empty))
            return [None if value is None else next(done) for value in values]
        if kinds == {str}:
            return self._distinct(values, empty=empty)
        if empty and str in kinds:
            return [None if value == "" else self.one(value) for value in values]
        return [*self.others(values, kinds)]

    def _distinct(self, values: list[str], *, empty: bool) -> list[str | None]:
        if empty and "" in values:
            done = iter(self._distinct([value for value in values if value], empty=False))
            return [next(done) if value else None for value in values]
        if not values:
            return []
        sample = values[:_SAMPLE]
        if 2 * len(set(sample)) > len(sample):  # few repeats: looking for them costs more than it saves
            return [*self.texts(values)]
        distinct = list(dict.fromkeys(values))
        found = dict(zip(distinct, self.texts(distinct), strict=True))
        return [found[value] for value in values]

    @abstractmethod
    def texts(self, values: list[str]) -> list[str]:
        """UTC text for each text; raises as `one` does."""

    def others(self, values: list[Any], kinds: set[type]) -> list[str]:
        """UTC text for each value where not all of them are texts; none is None."""
        return [self.one(value) for value in values]
