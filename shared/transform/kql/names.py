"""The names that Kusto gives to columns that have none.

Rule: a value is named after the column it is made of, where the function passes the
name on; else Column1, Column2 ... (print_0 ... of `print`). Source: the result names
in Microsoft's own language service.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from .tree import Call, Expression, Item, KqlError, Literal, Name, Sign, Step

_KEEP: Final = frozenset(
    {
        *(
            "tobool",
            "todatetime",
            "todouble",
            "toreal",
            "toguid",
            "toint",
            "tolong",
            "tostring",
            "totimespan",
        ),
        *("abs", "bin", "ceiling", "exp", "exp2", "exp10", "floor", "log", "log2", "log10", "pow", "round"),
        *("binary_and", "binary_or", "binary_xor", "binary_not", "binary_shift_left", "binary_shift_right"),
        *("parse_json", "parse_xml", "split", "startofday"),
    }
)
"""Functions whose value is named after their first argument."""
_PREFIX: Final = {"strlen": "strlen", "gettype": "type"}


def of_value(value: Expression) -> str | None:
    """The name that a value brings along."""
    if isinstance(value, Name):
        return value.name
    if isinstance(value, Step):
        return _of_path(value)
    return _of_call(value) if isinstance(value, Call) and value.arguments else None


def _of_call(call: Call) -> str | None:
    first = call.arguments[0]
    if call.name in _KEEP:
        return of_value(first)
    if call.name in _PREFIX:
        return f"{_PREFIX[call.name]}_{of_value(first) or ''}"
    return None


def _of_path(step: Step) -> str | None:
    """d.a is d_a, d.b[0] is d_b_0, d.b[-1] is d_b__1."""
    key = step.key
    if isinstance(key, Sign) and isinstance(key.operand, Literal):
        last = f"_{key.operand.value}"
    elif isinstance(key, Literal):
        last = str(key.value)
    else:
        return None
    base = of_value(step.base)
    return f"{base}_{last}" if base else last


def of_items(items: Collection[Item], before: Collection[str], *, extend: bool) -> list[str]:
    """A name for each item; `extend` steps past the names of columns that are there.

    Raises:
        KqlError: a name is given twice.
    """
    names: list[str] = []
    given = {item.name for item in items if item.name}
    count = 0
    for item in items:
        name = item.name or _of_column(item.value, before) or of_value(item.value)
        while name is None:
            count += 1
            name = f"Column{count}"
            if name in names or (extend and name in before):
                name = None
        if name in names:
            if extend or item.name or isinstance(item.value, Name):
                raise KqlError(f"two columns would be called {name!r}.", item.at)
            name = _free(name, {*names, *given})
        names.append(name)
    return names


def _of_column(value: Expression, before: Collection[str]) -> str | None:
    """The column that columnifexists() finds."""
    if not isinstance(value, Call) or value.name != "columnifexists" or not value.arguments:
        return None
    first = value.arguments[0]
    return first.value if isinstance(first, Literal) and first.value in before else None


def _free(name: str, taken: Collection[str]) -> str:
    number = 1
    while f"{name}{number}" in taken:
        number += 1
    return f"{name}{number}"
