"""What looking at a transform gives.

Rule: a problem is a place in the text and one sentence with the remedy; it never
holds a value of a record. Invariant: problems are in the text's order, and
`line` and `column` count characters, both from 1.

Types are those a stream can declare, and three that only live inside a query:
timespan, guid, decimal. `bool`, as KQL writes it, is `boolean` here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal["length", "bracket", "syntax", "head", "subset", "name", "type", "output"]
"""Why: too long, a bracket or string without its end, other syntax, no `source`, not for a rule, an unknown
name, a wrong type, a column that the table cannot take."""

_TYPES = {"bool": "boolean", "double": "real", "date": "datetime", "time": "timespan", "uuid": "guid"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a transform."""

    offset: int
    """Characters into the text."""
    line: int
    column: int
    sentence: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """What is known of the table that a transform's rows land in."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Name to type."""
    whole: bool = False
    """Whether these are all of its columns: then no other one can come out."""
    name: str = "the table"


UNKNOWN = Table()
"""A table of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A transform that was looked at. Offsets are characters into its text."""

    problems: tuple[Problem, ...]
    columns: Mapping[str, str | None] | None
    """What comes out, in order: name to type, None for a type that is not known; None where even the names
    are not."""
    made: Mapping[str, int] = field(default_factory=dict)
    """Where a column that comes out was last given its value, for those that are not source's own."""
    gone: Mapping[str, int] = field(default_factory=dict)
    """Where a column was left out."""
    last: int = 0
    """Where the last step begins."""
    comments: tuple[tuple[int, int], ...] = ()
    """Start and end of each comment."""
    deepest: int = 0
    """How many brackets stand in one another, at most."""

    def saying(self, problems: Iterable[Problem]) -> Checked:
        """The same with these problems, in the text's order and each once."""
        return replace(
            self, problems=tuple(sorted(set(problems), key=lambda p: (p.offset, p.kind, p.sentence)))
        )


def kusto_type(name: str) -> str:
    """A type by the one name it has here."""
    return _TYPES.get(name, name)


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of a character of `text`, both from 1."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def problem(text: str, offset: int, sentence: str, kind: Kind) -> Problem:
    """A problem at an offset."""
    return Problem(offset, *place(text, offset), sentence, kind)
