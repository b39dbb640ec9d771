"""The functions of KQL, by name.

Rule: `define` is for a function of plain values, which is null when an argument is;
`special` is for one that looks at its arguments when the transform is compiled.
Invariant: a name is defined once. Parameters are types, or: `text` (anything, as
tostring gives it), `plain` (the same, but no dynamic), `number`, `integer`, `any`; with
`?` it may be left out, with `*` there may be any number. A dynamic is taken for a
string, for no other type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from .convert import NUMBERS, exactly, expect, to_string, wrong_type
from .node import Node, lift
from .tree import Call, KqlError

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a special function is made of."""

    call: Call
    nodes: Sequence[Node]
    now: Callable[[], int]
    """The time of the run, in ticks."""

    @property
    def name(self) -> str:
        """Of the function."""
        return self.call.name

    def at(self, index: int) -> int:
        """Where an argument begins."""
        return self.call.arguments[index].at

    def count(self, least: int, most: int | None = None) -> None:
        """Refuse any other number of arguments."""
        count = len(self.nodes)
        if count < least or (most is not None and count > most):
            wanted = f"{least} or more" if most is None else f"{least} to {most}"
            wanted = f"{least}" if most == least else wanted
            plural = "" if wanted == "1" else "s"
            raise KqlError(
                f"{self.name}() takes {wanted} argument{plural}, and there are {count}.", self.call.at
            )

    def as_(self, index: int, kind: str) -> Node:
        """An argument as a type, see this module's docstring."""
        return converted(self.nodes[index], kind, f"{self.name}()", self.at(index))

    def constant(self, index: int, kind: str = "string") -> Any:
        """An argument that has to be the same for every row, as Kusto asks for it."""
        node = self.as_(index, kind)
        if not node.fixed:
            raise KqlError(f"{self.name}() takes a constant here, not a value of the row.", self.at(index))
        return node.value


Builder = Callable[[Arguments], Node]

FUNCTIONS: dict[str, Builder] = {}
"""Name to what makes a node of its arguments."""


def converted(node: Node, kind: str, what: str, at: int) -> Node:
    """A node as a parameter's type."""
    if kind == "any":
        return node
    if kind == "text":
        return to_string(node)
    if kind == "plain":
        return to_string(node) if node.type != "dynamic" else exactly(node, "string", what, at)
    if kind in {"number", "integer"}:
        return _number(node, kind, what, at)
    return (expect if kind in {"string", "dynamic"} else exactly)(node, kind, what, at)


def _number(node: Node, kind: str, what: str, at: int) -> Node:
    if node.type not in (NUMBERS if kind == "number" else ("int", "long")):
        raise wrong_type(node, kind, what, at)
    return node


def special(*names: str) -> Callable[[_F], _F]:
    """Register what makes a function's node."""

    def register(builder: _F) -> _F:
        for name in names:
            assert name not in FUNCTIONS, name  # noqa: S101 - a mistake of ours, seen at import
            FUNCTIONS[name] = builder
        return builder

    return register


def define(name: str, result: str, *parameters: str) -> Callable[[_F], _F]:
    """Register a function of plain values."""

    def register(function: _F) -> _F:
        special(name)(lambda arguments: _plain(arguments, function, result, parameters))
        return function

    return register


def _plain(
    arguments: Arguments, function: Callable[..., Any], result: str, parameters: Sequence[str]
) -> Node:
    variadic = bool(parameters) and parameters[-1].endswith("*")
    least = sum(1 for kind in parameters if kind[-1] not in "?*") + variadic
    arguments.count(least, None if variadic else len(parameters))
    kinds = [
        parameters[min(index, len(parameters) - 1)].rstrip("?*") for index in range(len(arguments.nodes))
    ]
    nodes = [arguments.as_(index, kind) for index, kind in enumerate(kinds)]
    return lift(result, function, *nodes)
