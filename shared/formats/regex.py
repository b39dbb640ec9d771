r"""Text taken apart by patterns with named groups.

Rule: a record is matched from its beginning to its end, by the first of the patterns
that matches; its keys are the groups of that pattern. Strategy: `patterns` checks
them, `arrowmatch` runs them over whole windows; only records that the first pattern
does not take are looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta

from ..model import Position
from .jsonvalue import Problem
from .multiline import RecordOptions, RecordParser
from .patterns import Pattern, checked


class RegexOptions(
    RecordOptions, tag_field="type", tag="regex", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Lines of any form, taken apart by a pattern with named groups (RE2)."""

    pattern: Annotated[
        str | tuple[str, ...],
        Meta(
            description="What a whole record looks like, with a named group `(?P<name>...)` for every "
            "value; or a list of such patterns, of which the first that matches a record is taken."
        ),
    ]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.patterns():
            raise ValueError("pattern: the list is empty; write what a record looks like")

    def patterns(self) -> list[Pattern]:
        """The patterns, ready to run.

        Raises:
            ValueError: one of them cannot be used.
        """
        if isinstance(self.pattern, str):
            return [_with_names("pattern", self.pattern)]
        return [_with_names(f"pattern[{index}]", text) for index, text in enumerate(self.pattern)]


class RegexParser(RecordParser):
    """See `Parser`. Records are tuples with a value for each group of any pattern, None where it has none."""

    def __init__(self, options: RegexOptions, start: Position, want: type | None = None) -> None:
        from . import arrowmatch  # noqa: PLC0415 - Arrow is loaded where it is used

        del want  # text has no types
        super().__init__(options, start)
        self._match = arrowmatch
        self._patterns = options.patterns()
        self._keys = tuple(dict.fromkeys(name for p in self._patterns for name in p.names))
        self.names = self._keys

    def found(self, records: Sequence[str]) -> list[Any]:
        """Pattern by pattern, each over the records that none before it has taken."""
        found: list[Any] = [None] * len(records)
        texts, left = self._match.texts_of(records), list(range(len(records)))
        for pattern in self._patterns:
            columns, hits, misses = self._match.extract(texts, pattern)
            rows = self._rows(pattern, columns, len(hits))
            if len(rows) == len(found):
                return rows
            for index, row in zip(hits, rows, strict=True):
                found[left[index]] = row
            left = [left[index] for index in misses]
            if not left:
                return found
            texts = texts.take(misses)
        for index, problem in zip(left, self._problems(texts, records, left), strict=True):
            found[index] = problem
        return found

    def _rows(self, pattern: Pattern, columns: list[list[str]], count: int) -> list[Any]:
        if pattern.names == self._keys:
            return list(zip(*columns, strict=True))
        by_name = dict(zip(pattern.names, columns, strict=True))
        nothing = [None] * count
        return list(zip(*(by_name.get(name, nothing) for name in self._keys), strict=True))

    def _problems(self, texts: Any, records: Sequence[str], left: list[int]) -> list[Problem]:
        """Why no pattern takes these texts, as far as that can be said."""
        partly = [False] * len(left)
        for pattern in self._patterns:
            partly = [a or b for a, b in zip(partly, self._match.contain(texts, pattern), strict=True)]
        return [_problem(part, "\n" in records[index]) for part, index in zip(partly, left, strict=True)]


def _problem(partly: bool, several_lines: bool) -> Problem:
    detail = "no pattern of the route matches the record"
    if partly:
        detail = "a pattern matches a part of the record but not all of it; add .* where other text may stand"
    if several_lines:
        detail += "; it has several lines, and . matches no newline unless the pattern begins with (?s)"
    return Problem("NoMatch", detail)


def _with_names(key: str, text: str) -> Pattern:
    pattern = checked(key, text)
    if not pattern.names:
        raise ValueError(
            f"{key}: no group of the pattern has a name; write (?P<name>...) around every part that "
            "is to be a value"
        )
    return pattern
