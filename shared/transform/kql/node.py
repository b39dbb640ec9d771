"""A bound expression: its type, and a function from a row to its value.

Rule: null in is null out, unless a function says otherwise; the null of a string is
"". Invariant: a node that is `fixed` has the same value for every row, and is worked
out once. Strategy: closures over closures; what does not depend on the row is put
into them when they are made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Getter = Callable[[Any], Any]
"""Takes a row, an object with an attribute for each column."""


@dataclass(frozen=True, slots=True)
class Node:
    """A bound expression."""

    type: str
    get: Getter
    fixed: bool = False

    @property
    def value(self) -> Any:
        """Of a fixed node."""
        return self.get(None)


def fixed(kind: str, value: Any) -> Node:
    """A node that is always this value."""
    if value is None and kind == "string":
        value = ""
    return Node(kind, lambda _: value, fixed=True)


def settled(node: Node, *nodes: Node) -> Node:
    """The node, worked out if those that it is made of are fixed."""
    if all(one.fixed for one in nodes):
        return fixed(node.type, node.get(None))
    return node


def lift(kind: str, function: Callable[..., Any], *nodes: Node) -> Node:
    """The function's value for those of the nodes; null if one of these is."""
    null = "" if kind == "string" else None
    if len(nodes) == 1:
        get = _one(function, nodes[0].get, null)
    elif len(nodes) == 2 and nodes[1].fixed:
        get = _one_and_fixed(function, nodes[0].get, nodes[1].value, null)
    elif len(nodes) == 2:
        get = _two(function, nodes[0].get, nodes[1].get, null)
    else:
        get = _many(function, [node.get for node in nodes], null)
    return settled(Node(kind, get), *nodes)


def total(kind: str, function: Callable[..., Any], *nodes: Node) -> Node:
    """The function's value for those of the nodes, nulls included."""
    if len(nodes) == 1:
        (one,) = (node.get for node in nodes)
        return settled(Node(kind, lambda row: function(one(row))), *nodes)
    if len(nodes) == 2:
        first, second = (node.get for node in nodes)
        return settled(Node(kind, lambda row: function(first(row), second(row))), *nodes)
    getters = [node.get for node in nodes]
    return settled(Node(kind, lambda row: function(*[get(row) for get in getters])), *nodes)


def _one(function: Callable[..., Any], one: Getter, null: Any) -> Getter:
    def get(row: Any) -> Any:
        value = one(row)
        if value is None:
            return null
        found = function(value)
        return null if found is None else found

    return get


def _one_and_fixed(function: Callable[..., Any], one: Getter, second: Any, null: Any) -> Getter:
    if second is None:
        return lambda _: null

    def get(row: Any) -> Any:
        value = one(row)
        if value is None:
            return null
        found = function(value, second)
        return null if found is None else found

    return get


def _two(function: Callable[..., Any], one: Getter, two: Getter, null: Any) -> Getter:
    def get(row: Any) -> Any:
        first, second = one(row), two(row)
        if first is None or second is None:
            return null
        found = function(first, second)
        return null if found is None else found

    return get


def _many(function: Callable[..., Any], getters: list[Getter], null: Any) -> Getter:
    def get(row: Any) -> Any:
        found = [one(row) for one in getters]
        value = None if None in found else function(*found)
        return null if value is None else value

    return get
