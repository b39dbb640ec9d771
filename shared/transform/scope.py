"""What names stand for at one place of a query.

Rule: a name is called unknown only where every name is known for certain; as soon
as a step makes columns whose names only Azure works out, `certain` is False and no
more is said. Invariant: `columns` are in the order in which they come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..routes.words import did_you_mean


class Column(NamedTuple):
    """A column on its way."""

    type: str | None
    """None where the type is not known."""
    place: int | None = None
    """Where it was last given its value; None for one of source."""


@dataclass(slots=True)
class Columns:
    """The columns between two steps."""

    columns: dict[str, Column] = field(default_factory=dict)
    certain: bool = True
    gone: dict[str, int] = field(default_factory=dict)
    """Columns that an earlier step left out, and where."""
    coming: frozenset[str] = frozenset()
    """Names that the step itself makes, which its values cannot use yet."""

    @classmethod
    def of(cls, types: Mapping[str, str] | None) -> Columns:
        """Those of a stream; None for columns that are not known."""
        if types is None:
            return cls(certain=False)
        return cls({name: Column(kind) for name, kind in types.items()})

    def copy(self) -> Columns:
        """The same, to be changed."""
        return Columns(dict(self.columns), self.certain, dict(self.gone))

    def put(self, name: str, kind: str | None, place: int) -> None:
        """A column that a step makes, or makes anew."""
        self.columns[name] = Column(kind, place)
        self.gone.pop(name, None)

    def keep(self, name: str, before: Columns, place: int) -> None:
        """A column of the step before, as it is."""
        self.columns[name] = before.columns.get(name, Column(None, place))
        self.gone.pop(name, None)

    def take(self, name: str, place: int) -> None:
        """Leave a column out."""
        self.gone[name] = place
        self.columns.pop(name, None)

    def may_be(self, name: str) -> bool:
        """Whether there is, or for all that is known may be, a column of this name."""
        return name in self.columns or not self.certain

    def renamed(self, names: Mapping[str, tuple[str, int]]) -> Columns:
        """These columns with other names: old to new, and where that is said."""
        made = Columns(certain=self.certain, gone=dict(self.gone))
        for name, column in self.columns.items():
            new, place = names.get(name, (name, column.place))
            made.columns[new] = column._replace(place=place)
            if name in names:
                made.gone[name] = names[name][1]
        for name in made.columns:
            made.gone.pop(name, None)
        return made

    def unknown(self, name: str, others: Iterable[str] = ()) -> str:
        """A sentence for a name that is none of these columns, nor one of `others`."""
        if name in self.coming:
            return f"{name} is made in this same step: use it in a further | extend."
        if name in self.gone:
            return f"the column {name} is left out by an earlier step; keep it there."
        known = [*self.columns, *others]
        same = [other for other in known if other.casefold() == name.casefold()]
        if same:
            return f"there is no column {name}: names are case-sensitive, and it is {same[0]}."
        guess = did_you_mean(name, known)
        return f"there is no column {name}{guess or ': declare it under columns.'}"


@dataclass(slots=True)
class Scope:
    """What `let` has bound so far."""

    scalars: dict[str, str | None] = field(default_factory=dict)
    tables: dict[str, Columns] = field(default_factory=dict)
    functions: dict[str, str | None] = field(default_factory=dict)
    """Name, and type of the result where it is known."""

    def inner(self) -> Scope:
        """The scope of a function's body: what is bound there stays there."""
        return Scope(dict(self.scalars), dict(self.tables), dict(self.functions))
