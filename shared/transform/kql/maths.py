"""Functions of numbers, and those that choose.

Source: Kusto's reference, a page each. Integers are worked out as integers and wrap at
64 bits; what has no real value is null or NaN, as the reference says.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .convert import NUMBERS, common, converted, to_dynamic, to_type
from .node import Node, fixed, lift, settled, total
from .registry import Arguments, define, special
from .tree import KqlError
from .values import INT, LONG, kind_of, wrap


@special("abs")
def _abs(arguments: Arguments) -> Node:
    arguments.count(1, 1)
    if arguments.nodes[0].type == "timespan":
        return lift("timespan", abs, arguments.nodes[0])
    node = arguments.as_(0, "number")
    if node.type in {"int", "long"}:
        return lift("long", lambda value: wrap(abs(value)), node)
    return lift(node.type, abs, node)


@special("ceiling")
def _ceiling(arguments: Arguments) -> Node:
    arguments.count(1, 1)
    node = arguments.as_(0, "number")
    if node.type != "real":
        return lift(node.type, math.ceil, node)
    return lift("real", lambda value: float(math.ceil(value)) if math.isfinite(value) else value, node)


@special("round")
def _round(arguments: Arguments) -> Node:
    arguments.count(1, 2)
    node = arguments.as_(0, "number")
    digits = fixed("long", arguments.constant(1, "integer") if len(arguments.nodes) == 2 else 0)
    if node.type in {"int", "long"}:
        bits = INT if node.type == "int" else LONG
        return lift(node.type, lambda value, count: wrap(_whole_rounded(value, count), bits), node, digits)
    return lift("real", _rounded, to_type(node, "real", arguments.at(0)), digits)


def _whole_rounded(value: int, digits: int) -> int:
    """Halves away from zero; a whole number has no digits behind the point."""
    if digits >= 0:
        return value
    scale: int = 10 ** min(-digits, 20)
    found = (abs(value) + scale // 2) // scale * scale
    return found if value >= 0 else -found


def _rounded(value: float, digits: int) -> float:
    """Halves away from zero, of the number as a double holds it."""
    if not math.isfinite(value) or abs(digits) > 300:
        return value
    scale = 10.0 ** abs(digits)
    scaled = value * scale if digits >= 0 else value / scale
    if not math.isfinite(scaled):
        return value
    whole = math.floor(abs(scaled) + 0.5) if abs(scaled) < 2**52 else abs(scaled)
    found = math.copysign(whole, scaled)
    return found / scale if digits >= 0 else found * scale


@special("sign")
def _sign(arguments: Arguments) -> Node:
    """1, 0 or -1; 0 of null and of NaN."""
    arguments.count(1, 1)
    return total(
        "real", lambda value: float((value or 0) > 0) - float((value or 0) < 0), arguments.as_(0, "number")
    )


# -- real functions ---------------------------------------------------------------------------


def _finite(function: Callable[..., float], beyond: float = math.inf) -> Callable[..., float | None]:
    """A function of math, with an infinity where it overflows and NaN where it has no value."""

    def call(*values: float) -> float:
        try:
            return function(*values)
        except OverflowError:
            return beyond
        except ValueError:
            return math.nan

    return call


for _name, _function in (("exp", math.exp), ("exp2", math.exp2), ("exp10", lambda value: 10.0**value)):
    define(_name, "real", "real")(_finite(_function))


def _logarithm(function: Callable[[float], float]) -> Callable[[float], float | None]:
    def call(value: float) -> float | None:
        """Null of a negative number."""
        if value < 0:
            return None
        return function(value) if value else -math.inf

    return call


for _name, _function in (("log", math.log), ("log2", math.log2), ("log10", math.log10)):
    define(_name, "real", "real")(_logarithm(_function))


@define("pow", "real", "real", "real")
def _pow(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 else math.inf
    except ValueError:  # 0 to a negative power, or a negative number to a fraction of one
        return math.inf if base == 0 else math.nan


def _real_test(function: Callable[[float], bool]) -> Callable[[Arguments], Node]:
    def build(arguments: Arguments) -> Node:
        arguments.count(1, 1)
        node = arguments.as_(0, "real")
        return total("boolean", lambda value: value is not None and function(value), node)

    return build


for _name, _test in (("isnan", math.isnan), ("isinf", math.isinf), ("isfinite", math.isfinite)):
    special(_name)(_real_test(_test))


# -- bin ------------------------------------------------------------------------------------


@special("bin", "floor")
def _bin(arguments: Arguments) -> Node:
    """bin(value, size): down to a multiple of the size; null for a negative one."""
    arguments.count(2, 2)
    value, size = arguments.nodes
    if value.type in {"datetime", "timespan"}:
        size = arguments.as_(1, "timespan")
        return lift(value.type, _integer_bin, value, size)
    value, size = arguments.as_(0, "number"), arguments.as_(1, "number")
    kind = max(value.type, size.type, key=NUMBERS.index)
    if kind in {"int", "long"}:
        return lift("long", _integer_bin, value, size)
    value, size = to_type(value, "real", arguments.at(0)), to_type(size, "real", arguments.at(1))
    return lift("real", _real_bin, value, size)


def _integer_bin(value: int, size: int) -> int | None:
    return wrap(value // size * size) if size > 0 else None


def _real_bin(value: float, size: float) -> float | None:
    if size < 0:
        return None
    if size == 0 or not math.isfinite(value) or not math.isfinite(size):
        return math.nan
    quotient = value / size
    return math.floor(quotient) * size if math.isfinite(quotient) else math.nan


# -- bits -----------------------------------------------------------------------------------

define("binary_and", "long", "integer", "integer")(lambda one, two: one & two)
define("binary_or", "long", "integer", "integer")(lambda one, two: one | two)
define("binary_xor", "long", "integer", "integer")(lambda one, two: one ^ two)
define("binary_not", "long", "integer")(lambda value: ~value)


@define("binary_shift_left", "long", "integer", "integer")
def _shift_left(value: int, count: int) -> int | None:
    return wrap(value << count % LONG) if count >= 0 else None


@define("binary_shift_right", "long", "integer", "integer")
def _shift_right(value: int, count: int) -> int | None:
    return value >> count % LONG if count >= 0 else None


# -- choice and types -----------------------------------------------------------------------


def condition(node: Node, what: str, at: int) -> Node:
    """A node that says yes or no; to `and` and `or` a dynamic may be one too.

    Raises:
        KqlError: it is of another type.
    """
    if node.type == "boolean" or (node.type == "dynamic" and what in {"and", "or"}):
        return node
    remedy = ": take tobool() of it" if node.type == "dynamic" else ""
    raise KqlError(f"{what} takes a condition here, and this is {node.type}{remedy}.", at)


@special("iif", "iff")
def _iif(arguments: Arguments) -> Node:
    arguments.count(3, 3)
    return _choice(arguments)


@special("case")
def _case(arguments: Arguments) -> Node:
    arguments.count(3)
    if len(arguments.nodes) % 2 == 0:
        raise KqlError("case() takes pairs of condition and value, and one more value.", arguments.call.at)
    return _choice(arguments)


def _choice(arguments: Arguments) -> Node:
    """The value behind the first condition that is true, else the last; of several types, dynamic."""
    nodes = list(arguments.nodes)
    last = len(nodes) - 1
    tests = [condition(nodes[k], f"{arguments.name}()", arguments.at(k)) for k in range(0, last, 2)]
    chosen = [*nodes[1:last:2], nodes[last]]
    values = common(chosen) or [to_dynamic(node) for node in chosen]
    pairs = [(test.get, value.get) for test, value in zip(tests, values, strict=False)]
    otherwise = values[-1].get

    def choose(row: Any) -> Any:
        for test, value in pairs:
            if test(row) is True:
                return value(row)
        return otherwise(row)

    return settled(Node(values[-1].type, choose), *tests, *values)


@special("max_of", "min_of")
def _extreme(arguments: Arguments) -> Node:
    """Nulls come last, whichever is looked for."""
    arguments.count(2)
    pick = max if arguments.name == "max_of" else min
    nodes = common(list(arguments.nodes))
    if nodes is None or any(node.type == "dynamic" for node in arguments.nodes):
        kinds = ", ".join(dict.fromkeys(node.type for node in arguments.nodes))
        raise KqlError(
            f"{arguments.name}() takes values of one type, and these are {kinds}.", arguments.call.at
        )

    def choose(*values: Any) -> Any:
        there = [value for value in values if value is not None]
        try:
            return pick(there) if there else None
        except TypeError:  # dynamics of several kinds
            return None

    return total(nodes[0].type, choose, *nodes)


@special("not")
def _not(arguments: Arguments) -> Node:
    arguments.count(1, 1)
    return lift("boolean", lambda value: not value, arguments.as_(0, "boolean"))


@special("isnull", "isnotnull")
def _isnull(arguments: Arguments) -> Node:
    """A string is never null."""
    arguments.count(1, 1)
    node = arguments.nodes[0]
    if node.type == "string":
        return fixed("boolean", arguments.name == "isnotnull")
    if arguments.name == "isnull":
        return total("boolean", lambda value: value is None, node)
    return total("boolean", lambda value: value is not None, node)


@special("gettype")
def _gettype(arguments: Arguments) -> Node:
    arguments.count(1, 1)
    node = arguments.nodes[0]
    if node.type == "dynamic":
        return total("string", kind_of, node)
    return fixed("string", "bool" if node.type == "boolean" else node.type)


def _conversion(kind: str) -> Callable[[Arguments], Node]:
    def build(arguments: Arguments) -> Node:
        arguments.count(1, 1)
        return converted(arguments.nodes[0], kind)

    return build


for _name, _kind in (
    ("tobool", "boolean"),
    ("toint", "int"),
    ("tolong", "long"),
    ("toreal", "real"),
    ("todouble", "real"),
    ("tostring", "string"),
    ("todatetime", "datetime"),
    ("totimespan", "timespan"),
):
    special(_name)(_conversion(_kind))


@special("toguid")
def _toguid(arguments: Arguments) -> Node:
    arguments.count(1, 1)
    return converted(arguments.as_(0, "string"), "guid")
