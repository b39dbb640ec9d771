"""A route's declaration as YAML, in the form that routes.yaml is written in.

Rule: short things on one line, columns aligned, quotes only where YAML needs them.
Invariant: what is read back is what was given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][\w./@%+-]*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_KEYS = ("from", "format", "table", "stream", "charset", "explode")


def yaml(name: str, declaration: Mapping[str, Any]) -> str:
    """The route, indented as below `routes:`."""
    lines = [f"  {name}:"]
    lines += [f"    {key}: {_value(declaration[key])}" for key in _KEYS if key in declaration]
    columns = declaration.get("columns") or {}
    if columns:
        lines.append("    columns:")
        width = max(map(len, columns)) + 1
        lines += [f"      {f'{column}:':<{width}} {_value(told)}" for column, told in columns.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        if value.keys() == {"type"} and isinstance(value["type"], str) and value["type"] not in _TYPES:
            return scalar(value["type"])  # `format: csv`
        return "{ " + ", ".join(f"{key}: {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return scalar(value) if isinstance(value, str) else str(value)


_TYPES = {"string", "int", "long", "real", "boolean", "datetime", "dynamic"}


def scalar(text: str) -> str:
    """A text such that YAML reads it as that text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return {"\t": "\\t", "\n": "\\n", "\r": "\\r"}.get(character) or f"\\U{ord(character):08x}"
