"""A tree bound over columns: every expression becomes a Node.

Rule: a name is a column first, then what `let` has bound, innermost first; names are
case-sensitive. Invariant: which columns of the source are read is known when binding
is done (`read`), so that the others need not be decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from ...routes.words import did_you_mean
from . import dynamics, maths, text, time  # noqa: F401 - they register their functions
from .convert import expect, to_type
from .maths import condition
from .node import Node, fixed, lift, settled, total
from .operators import arithmetic, equality, order, signed, textual
from .regexes import compiled, of_text
from .registry import FUNCTIONS, Arguments
from .tree import (
    Among,
    Binary,
    Call,
    Expression,
    Function,
    KqlError,
    Let,
    Literal,
    Name,
    Query,
    Sign,
    Step,
    TypeOf,
)
from .values import json_text

_MOST_CALLS = 64
_MOST_WORK = 100_000
"""Operations of one transform, what `let` has bound counted wherever it is used."""
_LONGEST = 1_048_576
"""Characters of a constant."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column on its way: its type, and the attribute of a row that holds it."""

    type: str
    attribute: str


@dataclass(slots=True)
class Scope:
    """What `let` has bound, and the arguments of a function."""

    outer: Scope | None = None
    nodes: dict[str, Node] = field(default_factory=dict)
    functions: dict[str, tuple[Function, Scope]] = field(default_factory=dict)
    queries: dict[str, tuple[Query, Scope]] = field(default_factory=dict)
    costs: dict[str, int] = field(default_factory=dict)
    """How many operations a value is."""
    depth: int = 0

    def bind(self, name: str, node: Node, cost: int) -> None:
        """Give a value a name."""
        self.nodes[name] = node
        self.costs[name] = 1 if node.fixed else cost

    def cost(self, name: str) -> int:
        """Of a value by its name."""
        if name in self.costs:
            return self.costs[name]
        return self.outer.cost(name) if self.outer else 0

    def node(self, name: str) -> Node | None:
        """A value by its name."""
        return self.nodes.get(name) or (self.outer.node(name) if self.outer else None)

    def function(self, name: str) -> tuple[Function, Scope] | None:
        """A function by its name."""
        return self.functions.get(name) or (self.outer.function(name) if self.outer else None)

    def query(self, name: str) -> tuple[Query, Scope] | None:
        """A table by its name."""
        return self.queries.get(name) or (self.outer.query(name) if self.outer else None)

    def names(self) -> Iterable[str]:
        """Of the values."""
        yield from self.nodes
        yield from self.outer.names() if self.outer else ()


@dataclass(slots=True)
class Work:
    """How many operations a transform has come to, each use of a named value counted in full."""

    done: int = 0

    def add(self, count: int, at: int) -> None:
        """Count some more.

        Raises:
            KqlError: there are too many.
        """
        self.done += count
        if self.done > _MOST_WORK:
            raise KqlError(
                f"with what let has bound these are more than {_MOST_WORK:,} operations a row: "
                "make a part of it a column in a step of its own.",
                at,
            )


class Binder:
    """Binds expressions over columns.

    Args:
        columns: by name.
        scope: what `let` has bound.
        now: the time of the run, in ticks.
        values: the first column of a query that reads no source, as (type, values).
        read: takes the attributes that are read.
        work: takes the operations.
    """

    def __init__(
        self,
        columns: Mapping[str, Column],
        scope: Scope,
        now: Callable[[], int],
        values: Callable[[Query, Scope], tuple[str, list[Any]]],
        read: set[str],
        work: Work,
    ) -> None:
        self._columns = columns
        self._scope = scope
        self._now = now
        self._values = values
        self._read = read
        self._work = work
        self._by_tree: dict[type, Callable[[Any], Node]] = {
            Literal: lambda tree: fixed(tree.type, tree.value),
            Name: self._name,
            Binary: self._binary,
            Call: self._call,
            Step: self._step,
            Among: self._among,
            TypeOf: lambda tree: fixed("string", tree.type),
            Sign: lambda tree: signed(tree.sign, self.bind(tree.operand), tree.at),
        }

    def let(self, let: Let) -> None:
        """Bind a name in the scope."""
        if isinstance(let.value, Function):
            self._scope.functions[let.name] = let.value, self._scope
        elif isinstance(let.value, Query):
            self._scope.queries[let.name] = let.value, self._scope
        else:
            before = self._work.done
            node = self.bind(let.value)
            self._scope.bind(let.name, node, self._work.done - before)

    def bind(self, tree: Expression) -> Node:
        """The node of an expression.

        Raises:
            KqlError: it is not right, with the place.
            CannotRunError: it can only be worked out in Azure.
        """
        self._work.add(1, tree.at)
        node = self._by_tree[type(tree)](tree)
        if isinstance(tree, Call) and node.fixed and _length(node.value) > _LONGEST:
            raise KqlError(
                f"{tree.name}() gives a constant of more than 1 MB: no column holds as much.", tree.at
            )
        return node

    # -- names and calls ----------------------------------------------------------------------

    def _name(self, tree: Name) -> Node:
        column = self._columns.get(tree.name)
        if column is not None:
            return self.column(column)
        node = self._scope.node(tree.name)
        if node is not None:
            self._work.add(self._scope.cost(tree.name), tree.at)
            return node
        known = [*self._columns, *self._scope.names()]
        same = [name for name in known if name.casefold() == tree.name.casefold()]
        if same:
            raise KqlError(
                f"there is no column {tree.name!r}; names are case-sensitive, and it is {same[0]!r}.", tree.at
            )
        raise KqlError(f"there is no column {tree.name!r}{did_you_mean(tree.name, known) or '.'}", tree.at)

    def column(self, column: Column) -> Node:
        """The node of a column."""
        self._read.add(column.attribute)
        return Node(column.type, attrgetter(column.attribute))

    def _call(self, tree: Call) -> Node:
        if tree.name == "columnifexists":
            return self._column_if_exists(tree)
        own = self._scope.function(tree.name)
        if own is not None:
            return self._own(tree, *own)
        builder = FUNCTIONS.get(tree.name)
        if builder is None:
            raise KqlError(
                f"there is no function {tree.name}(){did_you_mean(tree.name, [*FUNCTIONS]) or '.'}", tree.at
            )
        return builder(Arguments(tree, [self.bind(argument) for argument in tree.arguments], self._now))

    def _column_if_exists(self, tree: Call) -> Node:
        """The column if there is one, else the other value; which it is is known before any row."""
        if len(tree.arguments) != 2:
            raise KqlError("columnifexists() takes a column's name and another value.", tree.at)
        name, otherwise = self.bind(tree.arguments[0]), self.bind(tree.arguments[1])
        if name.type != "string" or not name.fixed:
            raise KqlError("columnifexists() takes the column's name as a constant text.", tree.at)
        column = self._columns.get(name.value)
        return otherwise if column is None else self.column(column)

    def _own(self, tree: Call, function: Function, scope: Scope) -> Node:
        """A function that `let` has bound: its body over the arguments."""
        inner = Scope(scope, depth=self._scope.depth + 1)
        if inner.depth > _MOST_CALLS:
            raise KqlError(f"{tree.name}() calls itself.", tree.at)
        if len(tree.arguments) > len(function.parameters):
            raise KqlError(f"{tree.name}() takes {len(function.parameters)} arguments.", tree.at)
        for index, (name, kind, default) in enumerate(function.parameters):
            before = self._work.done
            if index < len(tree.arguments):
                node = self.bind(tree.arguments[index])
            elif default is not None:
                node = self.bind(default)
            else:
                raise KqlError(f"{tree.name}() takes {name} too.", tree.at)
            node = expect(node, kind, f"{tree.name}()", tree.at)
            inner.bind(name, node, self._work.done - before)
        body = Binder({}, inner, self._now, self._values, self._read, self._work)
        for let in function.lets:
            body.let(let)
        return body.bind(function.body)

    # -- operators ----------------------------------------------------------------------------

    def _binary(self, tree: Binary) -> Node:
        sign = tree.operator
        if sign in {"and", "or"}:
            return self._logical(tree)
        left, right = self.bind(tree.left), self.bind(tree.right)
        if sign in {"==", "!="}:
            return equality(sign, left, right, tree.at)
        if sign in {"<", "<=", ">", ">="}:
            return order(sign, left, right, tree.at)
        if sign in {"+", "-", "*", "/", "%"}:
            return arithmetic(sign, left, right, tree.at)
        if sign == "matches":
            return self._matches(left, right, tree.at)
        return textual(sign, left, right, tree.at)

    def _logical(self, tree: Binary) -> Node:
        """A chain of `and` or `or`; a null counts as false."""
        sign, parts, left = tree.operator, [tree.right], tree.left
        while isinstance(left, Binary) and left.operator == sign:
            parts.append(left.right)
            left = left.left
        parts.append(left)
        nodes = [condition(self.bind(part), sign, part.at) for part in reversed(parts)]
        getters = [node.get for node in nodes]
        if sign == "and":
            return settled(Node("boolean", lambda row: all(get(row) is True for get in getters)), *nodes)
        return settled(Node("boolean", lambda row: any(get(row) is True for get in getters)), *nodes)

    def _matches(self, left: Node, right: Node, at: int) -> Node:
        text_, pattern = (expect(side, "string", "matches regex", at) for side in (left, right))
        if not pattern.fixed:
            return lift(
                "boolean", lambda value, other: of_text(other).search(value) is not None, text_, pattern
            )
        search = compiled(pattern.value, at).search
        return lift("boolean", lambda value: search(value) is not None, text_)

    def _step(self, tree: Step) -> Node:
        base, key = self.bind(tree.base), self.bind(tree.key)
        if base.type != "dynamic":
            raise KqlError(
                f"only a dynamic has parts, and this is {base.type}: take parse_json() of it.", tree.at
            )
        return total("dynamic", dynamics.step, base, key)

    # -- in -----------------------------------------------------------------------------------

    def _among(self, tree: Among) -> Node:
        value = self.bind(tree.value)
        items = self._items(tree)
        if all(item.fixed for item in items):
            found = self._in_constants(value, items, tree.at)
        else:
            tests = [equality("==", value, item, tree.at).get for item in items]
            found = Node("boolean", lambda row: any(test(row) is True for test in tests))
        return lift("boolean", lambda one: not one, found) if tree.negated else found

    def _items(self, tree: Among) -> list[Node]:
        """What stands in the brackets; an array, or a table without a source, stands for its members."""
        if isinstance(tree.items, Query):
            kind, values = self._values(tree.items, self._scope)
            return [fixed(kind, value) for value in values]
        items: list[Node] = []
        for item in tree.items:
            query = self._scope.query(item.name) if isinstance(item, Name) else None
            if query is not None and isinstance(item, Name) and item.name not in self._columns:
                kind, values = self._values(*query)
                items += [fixed(kind, value) for value in values]
                continue
            node = self.bind(item)
            if node.fixed and node.type == "dynamic" and isinstance(node.value, list):
                items += [_member(member) for member in node.value]
            else:
                items.append(node)
        return items

    def _in_constants(self, value: Node, items: list[Node], at: int) -> Node:
        """Membership in what is known beforehand; a null is among nothing."""
        if value.type == "dynamic":
            value = to_type(value, "string", at)
            items = [to_type(item, "string", at) for item in items]
        elif value.type == "string":
            items = [expect(item, "string", "in", at) for item in items]
        else:
            items = [_comparable(item, value, at) for item in items]
        known = frozenset(item.value for item in items if item.value is not None)
        return total("boolean", lambda one: one in known, value)


def _length(value: Any) -> int:
    """Characters of a value that can be long."""
    if isinstance(value, list | dict):
        return len(json_text(value))
    return len(value) if isinstance(value, str) else 0


def _member(value: Any) -> Node:
    """A member of an array, by what it is."""
    kinds = {bool: "boolean", int: "long", float: "real", str: "string"}
    return fixed(kinds.get(type(value), "dynamic"), value)


def _comparable(item: Node, value: Node, at: int) -> Node:
    equality("==", value, item, at)  # refuses what cannot be compared
    if item.type == "string":
        return to_type(item, value.type, at)
    return item
