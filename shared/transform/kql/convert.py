"""tostring(), tolong() and their like, and the conversions that Kusto makes by itself.

Rule: a conversion is chosen when the transform is compiled, by the type it is given;
only a dynamic is looked at row by row. Source: Kusto's reference, "Conversion
functions"; where it is silent, what the engine is known to do: tolong("1.5") is null,
toint() of a long wraps, of a real it stops at the ends of the range.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from . import ticks, values
from .node import Node, fixed, lift, total
from .tree import KqlError
from .values import INT, LONG

NUMBERS: Final = ("int", "long", "real", "decimal")
"""From the narrowest to the widest."""


def _dynamic(by_type: dict[type, Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """By the type of what a dynamic holds."""

    def convert(value: Any) -> Any:
        function = by_type.get(type(value))
        return function(value) if function else None

    return convert


def _integers(bits: int) -> dict[str, Callable[[Any], Any]]:
    of_text = lambda text: values.integer_of_text(text, bits)  # noqa: E731
    of_real = lambda value: values.integer_of_real(value, bits)  # noqa: E731
    wrapped = lambda value: values.wrap(value, bits)  # noqa: E731
    return {
        "string": of_text,
        "int": wrapped,
        "long": wrapped,
        "real": of_real,
        "decimal": lambda value: values.integer_of_real(float(value), bits),
        "boolean": int,
        "datetime": wrapped,
        "timespan": wrapped,
        "dynamic": _dynamic({str: of_text, int: wrapped, float: of_real, bool: int}),
    }


_TO_REAL: dict[str, Callable[[Any], Any]] = {
    "string": values.real_of_text,
    **dict.fromkeys(("int", "long", "real", "decimal", "boolean", "datetime", "timespan"), float),
    "dynamic": _dynamic({str: values.real_of_text, int: float, float: float, bool: float}),
}
_TO_BOOLEAN: dict[str, Callable[[Any], Any]] = {
    "string": values.boolean_of_text,
    **dict.fromkeys(("int", "long", "real", "decimal", "boolean"), bool),
    "dynamic": _dynamic({str: values.boolean_of_text, int: bool, float: bool, bool: bool}),
}
_TO_DATETIME: dict[str, Callable[[Any], Any]] = {
    "string": ticks.of_text,
    "datetime": ticks.in_range,
    **dict.fromkeys(("int", "long"), ticks.in_range),
    "dynamic": _dynamic({str: ticks.of_text, int: ticks.in_range}),
}
_TO_TIMESPAN: dict[str, Callable[[Any], Any]] = {
    "string": ticks.span_of_text,
    **dict.fromkeys(("int", "long", "timespan", "boolean"), int),
    "real": lambda value: values.integer_of_real(value, LONG),
    "dynamic": _dynamic({str: ticks.span_of_text, int: int}),
}
_TO_GUID: dict[str, Callable[[Any], Any]] = {
    "string": values.guid_of_text,
    "guid": str,
    "dynamic": _dynamic({str: values.guid_of_text}),
}
_TO_DECIMAL: dict[str, Callable[[Any], Any]] = dict.fromkeys(
    ("string", "int", "long", "real", "decimal"), values.decimal_of
) | {"dynamic": _dynamic({str: values.decimal_of, int: values.decimal_of, float: values.decimal_of})}

_BY_TYPE: Final[dict[str, dict[str, Callable[[Any], Any]]]] = {
    "int": _integers(INT),
    "long": _integers(LONG),
    "real": _TO_REAL,
    "decimal": _TO_DECIMAL,
    "boolean": _TO_BOOLEAN,
    "datetime": _TO_DATETIME,
    "timespan": _TO_TIMESPAN,
    "guid": _TO_GUID,
}


_FUNCTIONS: Final = {
    "string": "tostring",
    "int": "toint",
    "long": "tolong",
    "integer": "tolong",
    "real": "toreal",
    "number": "toreal",
    "boolean": "tobool",
    "datetime": "todatetime",
    "timespan": "totimespan",
    "guid": "toguid",
}
"""What makes a type of a value."""


def to_string(node: Node) -> Node:
    """tostring(): the text of any value, "" of null."""
    if node.type == "string":
        return node
    if node.type == "dynamic":
        return total("string", values.dynamic_to_text, node)
    return lift("string", values.TO_TEXT[node.type], node)


def to_dynamic(node: Node) -> Node:
    """The value as a dynamic holds it."""
    if node.type in {"dynamic", "string", "int", "long", "boolean"}:
        return Node("dynamic", node.get, node.fixed)
    kind = node.type
    return total("dynamic", lambda value: values.element(value, kind), node)


def to_type(node: Node, kind: str, at: int) -> Node:
    """The value as another type.

    Raises:
        KqlError: there is no way from the one type to the other.
    """
    if node.type == kind:
        return node
    if kind == "string":
        return to_string(node)
    if kind == "dynamic":
        return to_dynamic(node)
    function = _BY_TYPE[kind].get(node.type)
    if function is None:
        raise KqlError(f"there is no way from {node.type} to {kind}.", at)
    return lift(kind, function, node)


def expect(node: Node, kind: str, what: str, at: int) -> Node:
    """An argument of a type; Kusto itself converts a dynamic, a literal text and a narrower number.

    Raises:
        KqlError: it is of another type.
    """
    literal = node.type == "string" and node.fixed and kind in {"datetime", "timespan", "guid"}
    if literal or node.type == "dynamic":
        return to_type(node, kind, at)
    return exactly(node, kind, what, at)


def exactly(node: Node, kind: str, what: str, at: int) -> Node:
    """An argument of a type; Kusto itself converts a narrower number, and nothing else.

    Raises:
        KqlError: it is of another type.
    """
    wider = node.type in NUMBERS and kind in NUMBERS and NUMBERS.index(node.type) <= NUMBERS.index(kind)
    if node.type == kind or wider:
        return to_type(node, kind, at)
    raise wrong_type(node, kind, what, at)


def wrong_type(node: Node, kind: str, what: str, at: int) -> KqlError:
    """An error that says what is asked for, and how it is got."""
    function = _FUNCTIONS.get(kind)
    remedy = f": take {function}() of it" if function else ""
    kind = {"number": "a number", "integer": "a whole number"}.get(kind, kind)
    return KqlError(f"{what} takes {kind} here, and this is {node.type}{remedy}.", at)


def common(nodes: list[Node]) -> list[Node] | None:
    """The values as their one type: that of those which are not dynamic, the widest of numbers; else None."""
    kinds = list(dict.fromkeys(node.type for node in nodes if node.type != "dynamic"))
    if not kinds:
        return nodes
    kind = kinds[0]
    if len(kinds) > 1:
        if not set(kinds) <= set(NUMBERS):
            return None
        kind = max(kinds, key=NUMBERS.index)
    return [to_type(node, kind, 0) for node in nodes]


def converted(node: Node, kind: str) -> Node:
    """tolong() and its like: null where no value of the one type is one of the other."""
    known = kind in {node.type, "string", "dynamic"} or node.type in _BY_TYPE[kind]
    return to_type(node, kind, 0) if known else null(kind)


def null(kind: str) -> Node:
    """The null of a type."""
    return fixed(kind, None)
