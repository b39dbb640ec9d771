"""What a transform says, as a tree.

Rule: plain values without behaviour; `at` is where a thing begins, in characters
from the start of the text. Invariant: names are not looked up here; the same tree
may be bound over different columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class KqlError(ValueError):
    """A text that is no transform.

    Args:
        sentence: what is wrong, and what to do.
        at: where, in characters from the start.
    """

    def __init__(self, sentence: str, at: int = 0) -> None:
        super().__init__(sentence)
        self.at = at


class CannotRunError(KqlError):
    """What only Azure can work out: the text may well be right."""


# -- expressions --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the text; `value` is as `values` keeps it."""

    type: str
    value: Any
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """A column, or what `let` has bound."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """NAME(arguments)."""

    name: str
    arguments: tuple[Expression, ...]
    at: int


@dataclass(frozen=True, slots=True)
class TypeOf:
    """typeof(long)."""

    type: str
    at: int


@dataclass(frozen=True, slots=True)
class Sign:
    """+ or - before a value."""

    sign: str
    operand: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """left OPERATOR right."""

    operator: str
    left: Expression
    right: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Among:
    """value in (...), or with `negated` !in."""

    value: Expression
    items: tuple[Expression, ...] | Query
    negated: bool
    at: int


@dataclass(frozen=True, slots=True)
class Step:
    """base.key or base[index]."""

    base: Expression
    key: Expression
    at: int


Expression = Literal | Name | Call | TypeOf | Sign | Binary | Among | Step


# -- operators ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """NAME = value, or a value alone."""

    name: str | None
    value: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Where:
    """Where condition."""

    condition: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Extend:
    """Extend items."""

    items: tuple[Item, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Project:
    """Project items."""

    items: tuple[Item, ...]
    at: int


@dataclass(frozen=True, slots=True)
class ProjectAway:
    """Project-away names; a name may have * in it."""

    names: tuple[tuple[str, int], ...]
    at: int


@dataclass(frozen=True, slots=True)
class ProjectRename:
    """Project-rename new = old."""

    names: tuple[tuple[str, str, int], ...]
    at: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of parse's pattern: junk to skip, then a text, then a column; each may be missing."""

    skip: bool
    text: str | None
    column: str | None
    type: str | None
    at: int


@dataclass(frozen=True, slots=True)
class Parse:
    """Parse kind=... flags=... value with pattern."""

    kind: str
    flags: str
    value: Expression
    pieces: tuple[Piece, ...]
    skip: bool
    """Whether a * ends the pattern."""
    at: int


Operator = Where | Extend | Project | ProjectAway | ProjectRename | Parse


# -- queries ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """A table by its name: source, or one that `let` has bound."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Print:
    """Print items."""

    items: tuple[Item, ...]
    at: int


@dataclass(frozen=True, slots=True)
class DataTable:
    """datatable(NAME:TYPE) [values]."""

    columns: tuple[tuple[str, str], ...]
    values: tuple[Expression, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Query:
    """A head and what follows it, pipe by pipe."""

    head: Table | Print | DataTable
    operators: tuple[Operator, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """(NAME:TYPE = default, ...) { let ...; value }."""

    parameters: tuple[tuple[str, str, Expression | None], ...]
    lets: tuple[Let, ...]
    body: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Let:
    """Let NAME = value."""

    name: str
    value: Expression | Query | Function
    at: int


@dataclass(frozen=True, slots=True)
class Script:
    """A whole transform."""

    lets: tuple[Let, ...]
    query: Query
