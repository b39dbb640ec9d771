"""The operators of arithmetic and comparison.

Rule: which function an operator is follows from the types of both sides, when the
transform is compiled; types that do not go together are a KqlError. Source: Kusto's
reference, "Numerical operators", "Datetime / timespan arithmetic", "Null values": an
arithmetic operation with a null is null; == with one null is false, != is true; == of
two nulls is null.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, Final

from .convert import NUMBERS, to_string, to_type
from .node import Node, lift, settled
from .ticks import in_range, span_in_range
from .tree import KqlError
from .values import lower, wrap

Function = Callable[[Any, Any], Any]


# -- arithmetic -------------------------------------------------------------------------------


def _quotient(one: int, two: int) -> int | None:
    """Towards zero; null by zero."""
    if two == 0:
        return None
    found = abs(one) // abs(two)
    return wrap(found if (one < 0) == (two < 0) else -found)


def _real_quotient(one: float, two: float) -> float:
    if two:
        return one / two
    if one == 0 or math.isnan(one):
        return math.nan
    return math.copysign(math.inf, one) * math.copysign(1.0, two)


def _remainder(one: int, two: int) -> int | None:
    """Never negative; null by zero."""
    return one % abs(two) if two else None


def _real_remainder(one: float, two: float) -> float:
    return one % abs(two) if two and math.isfinite(one) else math.nan


_LONG: Final[dict[str, Function]] = {
    "+": lambda one, two: wrap(one + two),
    "-": lambda one, two: wrap(one - two),
    "*": lambda one, two: wrap(one * two),
    "/": _quotient,
    "%": _remainder,
}
_REAL: Final[dict[str, Function]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _real_quotient,
    "%": _real_remainder,
}


def _decimal(function: Function) -> Function:
    def call(one: Decimal, two: Decimal) -> Decimal | None:
        try:
            return function(one, two)  # type: ignore[no-any-return]
        except (DivisionByZero, InvalidOperation, Overflow):
            return None

    return call


_DECIMAL: Final[dict[str, Function]] = {
    "+": _decimal(operator.add),
    "-": _decimal(operator.sub),
    "*": _decimal(operator.mul),
    "/": _decimal(operator.truediv),
    "%": _decimal(lambda one, two: abs(one) % abs(two)),
}


def _scaled(span: int, factor: float) -> int | None:
    found = span * factor
    return span_in_range(int(found)) if math.isfinite(found) else None


def _shared(span: int, count: float) -> int | None:
    return _scaled(span, 1 / count) if isinstance(count, float) and count else _quotient(span, int(count))


_TIMES: Final[dict[tuple[str, str, str], tuple[str, Function]]] = {
    ("datetime", "+", "timespan"): ("datetime", lambda one, two: in_range(one + two)),
    ("timespan", "+", "datetime"): ("datetime", lambda one, two: in_range(one + two)),
    ("datetime", "-", "timespan"): ("datetime", lambda one, two: in_range(one - two)),
    ("datetime", "-", "datetime"): ("timespan", lambda one, two: one - two),
    ("timespan", "+", "timespan"): ("timespan", lambda one, two: span_in_range(one + two)),
    ("timespan", "-", "timespan"): ("timespan", lambda one, two: span_in_range(one - two)),
    ("timespan", "/", "timespan"): ("real", _real_quotient),
    ("timespan", "%", "timespan"): ("timespan", _remainder),
    ("datetime", "%", "timespan"): ("timespan", _remainder),
    ("datetime", "/", "timespan"): ("real", _real_quotient),
    ("timespan", "*", "number"): ("timespan", _scaled),
    ("number", "*", "timespan"): ("timespan", lambda one, two: _scaled(two, one)),
    ("timespan", "/", "number"): ("timespan", _shared),
}
"""Type, operator, type -> type and function."""


def arithmetic(sign: str, left: Node, right: Node, at: int) -> Node:
    """left SIGN right.

    Raises:
        KqlError: the types do not go together.
    """
    left, right = _held(sign, left, right, at), _held(sign, right, left, at)
    if left.type in NUMBERS and right.type in NUMBERS:
        return _numeric(sign, left, right, at)
    if left.type == right.type == "dynamic":
        return lift("dynamic", lambda one, two: _of_dynamics(sign, one, two), left, right)
    kinds = ["number" if node.type in NUMBERS else node.type for node in (left, right)]
    found = _TIMES.get((kinds[0], sign, kinds[1]))
    if found is None:
        hint = "; join texts with strcat()" if "string" in kinds and sign == "+" else ""
        raise KqlError(f"there is no {left.type} {sign} {right.type}{hint}.", at)
    return lift(found[0], found[1], left, right)


def _held(sign: str, node: Node, other: Node, at: int) -> Node:
    """A dynamic as the type of the other side; what is added to a time is a span."""
    if node.type != "dynamic" or other.type == "dynamic":
        return node
    if other.type == "timespan" and sign in {"/", "%"}:
        return node
    if other.type == "datetime" and sign == "+":
        return to_type(node, "timespan", at)
    return to_type(node, "long" if other.type == "int" else other.type, at)


def _numeric(sign: str, left: Node, right: Node, at: int) -> Node:
    kind = max(left.type, right.type, key=NUMBERS.index)
    if kind in {"int", "long"}:
        return lift("long", _LONG[sign], left, right)
    left, right = to_type(left, kind, at), to_type(right, kind, at)
    return lift(kind, (_REAL if kind == "real" else _DECIMAL)[sign], left, right)


def _of_dynamics(sign: str, one: Any, two: Any) -> Any:
    plain = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, two))
    if not plain:
        return None
    found = (_LONG if isinstance(one, int) and isinstance(two, int) else _REAL)[sign](one, two)
    return found if found is None or math.isfinite(found) else None


def signed(sign: str, node: Node, at: int) -> Node:
    """+ or - before a value."""
    if node.type not in {*NUMBERS, "timespan", "dynamic"}:
        raise KqlError(f"there is no {sign} of {node.type}.", at)
    if sign == "+":
        return to_type(node, "long", at) if node.type == "int" and not node.fixed else node
    if node.type == "dynamic":
        return lift("dynamic", lambda value: _of_dynamics("-", 0, value), node)
    kind = "long" if node.type == "int" and not node.fixed else node.type
    return lift(kind, operator.neg if kind in {"real", "decimal"} else lambda value: wrap(-value), node)


# -- comparison -------------------------------------------------------------------------------

_ORDER: Final[dict[str, Function]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ORDERED = frozenset({*NUMBERS, "boolean", "datetime", "timespan"})


def order(sign: str, left: Node, right: Node, at: int) -> Node:
    """left < right and its like; null with a null.

    Raises:
        KqlError: the types have no order, or do not go together.
    """
    kinds = {left.type, right.type}
    if "string" in kinds:
        raise KqlError(
            f"texts have no order: {sign} is for numbers and times; take tolong() or todatetime() of it.", at
        )
    if "dynamic" in kinds and not kinds & {*NUMBERS} and len(kinds) > 1:
        (kind,) = kinds - {"dynamic"}
        raise KqlError(
            f"{kind} {sign} dynamic is not compared: say what the dynamic is, with to{kind}().", at
        )
    left, right = alike(left, right, at)
    if not {left.type, right.type} <= _ORDERED:
        raise KqlError(f"values of type {left.type} have no order: {sign} is for numbers and times.", at)
    return lift("boolean", _ORDER[sign], left, right)


def equality(sign: str, left: Node, right: Node, at: int) -> Node:
    """left == right, left != right.

    Raises:
        KqlError: the types do not go together.
    """
    left, right = alike(left, right, at)
    one, two, equal = left.get, right.get, sign == "=="

    def get(row: Any) -> bool | None:
        first, second = one(row), two(row)
        if first is None and second is None:
            return None
        return (first == second) is equal

    return settled(Node("boolean", get), left, right)


def alike(left: Node, right: Node, at: int) -> tuple[Node, Node]:
    """Both sides as types that can be compared.

    Raises:
        KqlError: there are none.
    """
    if left.type == right.type == "dynamic":
        raise KqlError(
            "two dynamic values are not compared: say what they are with tostring() or tolong().", at
        )
    left, right = _as_other(left, right, at), _as_other(right, left, at)
    kinds = {left.type, right.type}
    if len(kinds) == 1 or kinds <= {*NUMBERS, "boolean"}:
        return left, right
    raise KqlError(f"{left.type} and {right.type} are not compared: convert one of them.", at)


def _as_other(node: Node, other: Node, at: int) -> Node:
    """A dynamic, or a text that stands in the transform, as the type of the other side."""
    if node.type == "dynamic":
        return _number_held(node) if other.type in NUMBERS else to_type(node, other.type, at)
    if node.type == "string" and node.fixed and other.type in {"datetime", "timespan", "guid"}:
        return to_type(node, other.type, at)
    return node


def _number_held(node: Node) -> Node:
    """The number that a dynamic holds; null if it holds something else."""
    plain = {int, float}
    return lift("real", lambda value: value if type(value) in plain else None, node)


# -- text -------------------------------------------------------------------------------------


def _has(text: str, term: str) -> bool:
    """Whether a term, or a run of them, stands in a text with no letter or digit beside it."""
    before, after = term[:1].isalnum(), term[-1:].isalnum()
    at = text.find(term)
    while at >= 0:
        end = at + len(term)
        clear = not (before and at and text[at - 1].isalnum())
        if clear and not (after and text[end : end + 1].isalnum()):
            return True
        at = text.find(term, at + 1)
    return False


_TEXTUAL: Final[dict[str, Function]] = {
    "has": _has,
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


def textual(sign: str, left: Node, right: Node, at: int) -> Node:
    """contains, has, startswith, endswith with ! and _cs; =~ and !~.

    Raises:
        KqlError: a side is no text.
    """
    left, right = _text(sign, left, at), _text(sign, right, at)
    negated, name = sign.startswith("!"), sign.lstrip("!").removesuffix("_cs")
    function = operator.eq if name in {"=~", "~"} else _TEXTUAL[name]
    if not sign.endswith("_cs"):
        left, right = lift("string", lower, left), lift("string", lower, right)
    if not negated:
        return lift("boolean", function, left, right)
    return lift("boolean", lambda one, two: not function(one, two), left, right)


def _text(sign: str, node: Node, at: int) -> Node:
    if node.type not in {"string", "dynamic"}:
        raise KqlError(f"{sign} compares texts, and this is {node.type}: take tostring() of it.", at)
    return to_string(node)
