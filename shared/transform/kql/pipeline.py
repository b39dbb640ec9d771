"""A query compiled: what is done with rows, pipe by pipe.

Rule: a step takes a list of rows and gives one. Invariant: a column that a step makes
has an attribute of its own, so that nothing is overwritten that another value of the
same step may still read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from . import names
from .binder import Binder, Column, Scope, Work
from .convert import expect, to_type
from .extraction import extraction
from .maths import condition
from .node import Getter, Node
from .tree import (
    DataTable,
    Extend,
    Item,
    KqlError,
    Let,
    Name,
    Operator,
    Parse,
    Print,
    Project,
    ProjectAway,
    ProjectRename,
    Query,
    Table,
    Where,
)

SOURCE = "source"
Rows = list[Any]
Step = Callable[[Rows], Rows]


@dataclass(slots=True)
class Pipeline:
    """What is known when a query is compiled.

    Args:
        source: the columns of the stream.
        now: the time of a run, in ticks.
    """

    source: Mapping[str, Column]
    now: Callable[[], int]
    steps: list[Step] = field(default_factory=list)
    columns: dict[str, Column] = field(default_factory=dict)
    """What comes out."""
    read: set[str] = field(default_factory=set)
    """Attributes that a value reads."""
    work: Work = field(default_factory=Work)
    made: int = 0
    """How many columns were made: m0, m1, ..."""
    within: bool = False
    """Whether this is a query within a value, which gets no rows of the source."""
    constants: list[dict[str, Any]] | None = None
    """The rows that the query begins with, by attribute, where it does not begin with source."""

    def lets(self, lets: tuple[Let, ...]) -> Scope:
        """What the statements before the query bind."""
        scope = Scope()
        binder = self._binder(scope, {})
        for let in lets:
            binder.let(let)
        return scope

    def query(self, query: Query, scope: Scope) -> None:
        """Compile a query: its head, then every operator.

        Raises:
            KqlError: it is not right.
        """
        head = query.head
        if isinstance(head, Print):
            self._print(head, scope)
        elif isinstance(head, DataTable):
            self._datatable(head, scope)
        else:
            self._table(head, scope)
        for operator in query.operators:
            self._operator(operator, scope)

    def values(self, query: Query, scope: Scope) -> tuple[str, list[Any]]:
        """The first column of a query that reads no source: its type and values."""
        inner = Pipeline({}, self.now, work=self.work, within=True)
        inner.query(query, scope)
        if inner.constants is None or not inner.columns:
            raise KqlError("the table in in (...) has no column.", query.head.at)
        found: Rows = [_Row(values) for values in inner.constants]
        for step in inner.steps:
            found = step(found)
        column = next(iter(inner.columns.values()))
        return column.type, [getattr(row, column.attribute) for row in found]

    def _binder(self, scope: Scope, columns: Mapping[str, Column] | None = None) -> Binder:
        names = self.columns if columns is None else columns
        return Binder(names, scope, self.now, self.values, self.read, self.work)

    def _new(self, kind: str) -> Column:
        column = Column(kind, f"m{self.made}")
        self.made += 1
        return column

    # -- heads --------------------------------------------------------------------------------

    def _table(self, head: Table, scope: Scope) -> None:
        bound = scope.query(head.name)
        if bound is not None:
            self.query(*bound)
        elif head.name == SOURCE and self.within:
            raise KqlError("in (...) takes values, or a table that reads no source.", head.at)
        elif head.name == SOURCE:
            self.columns = dict(self.source)
        else:
            raise KqlError(f"there is no table {head.name!r}: a transform reads {SOURCE}.", head.at)

    def _print(self, head: Print, scope: Scope) -> None:
        self.constants = [{}]
        binder = self._binder(scope, {})
        pairs: list[tuple[str, Getter]] = []
        for index, item in enumerate(head.items):
            node = binder.bind(item.value)
            column = self._new(node.type)
            self.columns[item.name or f"print_{index}"] = column
            pairs.append((column.attribute, node.get))
        self.steps.append(_setting(pairs))

    def _datatable(self, head: DataTable, scope: Scope) -> None:
        if not head.columns or len(head.values) % len(head.columns):
            raise KqlError(
                f"{len(head.values)} values do not fill rows of {len(head.columns)} columns.", head.at
            )
        columns = {name: self._new(kind) for name, kind in head.columns}
        binder = self._binder(scope, {})
        nodes = [binder.bind(value) for value in head.values]
        self.constants = []
        for start in range(0, len(nodes), len(columns)):
            row = {}
            for column, node in zip(columns.values(), nodes[start : start + len(columns)], strict=True):
                row[column.attribute] = _cell(node, column.type, head.at)
            self.constants.append(row)
        self.columns = columns

    # -- operators ----------------------------------------------------------------------------

    def _operator(self, operator: Operator, scope: Scope) -> None:
        if isinstance(operator, Where):
            node = self._binder(scope).bind(operator.condition)
            self.steps.append(_filter(condition(node, "where", operator.at).get))
        elif isinstance(operator, Extend):
            self.columns = {**self.columns, **self._items(operator.items, scope, extend=True)}
        elif isinstance(operator, Project):
            self.columns = self._items(operator.items, scope, extend=False)
        elif isinstance(operator, ProjectAway):
            self._project_away(operator)
        elif isinstance(operator, ProjectRename):
            self._project_rename(operator)
        else:
            self._parse(operator, scope)

    def _items(self, items: tuple[Item, ...], scope: Scope, *, extend: bool) -> dict[str, Column]:
        binder, before = self._binder(scope), self.columns
        found: dict[str, Column] = {}
        pairs: list[tuple[str, Getter]] = []
        for name, item in zip(names.of_items(items, before, extend=extend), items, strict=True):
            if isinstance(item.value, Name) and item.value.name in before:
                found[name] = before[item.value.name]
                continue
            node = binder.bind(item.value)
            column = self._new(node.type)
            found[name] = column
            pairs.append((column.attribute, node.get))
        if pairs:
            self.steps.append(_setting(pairs))
        return found

    def _project_away(self, operator: ProjectAway) -> None:
        for pattern, at in operator.names:
            if "*" in pattern:
                gone = [name for name in self.columns if fnmatchcase(name, pattern.replace("[", "[[]"))]
            else:
                gone = [self._known(pattern, at)]
            self.columns = {name: column for name, column in self.columns.items() if name not in gone}

    def _project_rename(self, operator: ProjectRename) -> None:
        new: dict[str, str] = {}
        for name, old, at in operator.names:
            if name in self.columns or name in new.values():
                raise KqlError(f"two columns would be called {name!r}.", at)
            new[self._known(old, at)] = name
        self.columns = {new.get(name, name): column for name, column in self.columns.items()}

    def _known(self, name: str, at: int) -> str:
        self._binder(Scope()).bind(Name(name, at))  # says what is wrong with it
        return name

    def _parse(self, operator: Parse, scope: Scope) -> None:
        text = to_type(self._binder(scope).bind(operator.value), "string", operator.at)
        extract = extraction(operator)
        made = {name: self._new(kind) for name, kind in extract.columns}
        attributes = [column.attribute for column in made.values()]
        get, values = text.get, extract.values

        def step(rows: Rows) -> Rows:
            for row in rows:
                for attribute, value in zip(attributes, values(get(row)), strict=True):
                    setattr(row, attribute, value)
            return rows

        self.steps.append(step)
        self.columns = {**self.columns, **made}


class _Row:
    """A row of a table that is known when the transform is compiled."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)


def _cell(node: Node, kind: str, at: int) -> Any:
    """A value of a datatable, which has to be a constant of its column's type."""
    if not node.fixed:
        raise KqlError("a datatable holds constants.", at)
    loose = kind in {"int", "long", "real", "decimal"} and node.type in {"int", "long", "real"}
    return (to_type if loose or kind == "dynamic" else _strictly)(node, kind, at).value


def _strictly(node: Node, kind: str, at: int) -> Node:
    return expect(node, kind, "the datatable", at)


def _filter(get: Getter) -> Step:
    return lambda rows: [row for row in rows if get(row) is True]


def _setting(pairs: list[tuple[str, Getter]]) -> Step:
    """Set columns; one is by far the most frequent."""
    if len(pairs) == 1:
        ((attribute, get),) = pairs

        def set_one(rows: Rows) -> Rows:
            for row in rows:
                setattr(row, attribute, get(row))
            return rows

        return set_one

    def set_all(rows: Rows) -> Rows:
        for row in rows:
            for attribute, get in pairs:
                setattr(row, attribute, get(row))
        return rows

    return set_all
