"""Functions of dynamic values: arrays, bags, JSON, XML, CEF.

Source: Kusto's reference, a page each; parse_cef_dictionary from Azure Monitor's page of
what transforms take.
"""

from __future__ import annotations

from typing import Any

from .cef import parse_cef
from .convert import to_dynamic
from .node import Node, lift, total
from .registry import Arguments, define, special
from .tree import CannotRunError, KqlError
from .values import dynamic_of_text
from .xmls import parse_xml

_MOST_ARRAYS = 16


@special("parse_json")
def _parse_json(arguments: Arguments) -> Node:
    """A dynamic is taken as it is."""
    arguments.count(1, 1)
    node = arguments.nodes[0]
    return node if node.type == "dynamic" else lift("dynamic", dynamic_of_text, arguments.as_(0, "string"))


define("parse_xml", "dynamic", "string")(parse_xml)
define("parse_cef_dictionary", "dynamic", "string")(parse_cef)


@special("geo_location")
def _geo_location(arguments: Arguments) -> Node:
    raise CannotRunError("geo_location() asks a service in Azure", arguments.call.at)


@define("array_length", "long", "dynamic")
def _array_length(value: Any) -> int | None:
    return len(value) if isinstance(value, list) else None


@special("array_concat")
def _array_concat(arguments: Arguments) -> Node:
    """What is no array is left out; null if there is none at all."""
    arguments.count(1)
    nodes = [arguments.as_(index, "dynamic") for index in range(len(arguments.nodes))]

    def concat(*values: Any) -> list[Any] | None:
        arrays = [value for value in values if isinstance(value, list)]
        return [one for array in arrays for one in array] if arrays else None

    return total("dynamic", concat, *nodes)


@special("zip")
def _zip(arguments: Arguments) -> Node:
    """Shorter arrays are filled up with nulls."""
    arguments.count(2, _MOST_ARRAYS)
    nodes = [arguments.as_(index, "dynamic") for index in range(len(arguments.nodes))]

    def zipped(*values: Any) -> list[Any] | None:
        if not all(isinstance(value, list) for value in values):
            return None
        longest = max(map(len, values))
        return [[value[k] if k < len(value) else None for value in values] for k in range(longest)]

    return total("dynamic", zipped, *nodes)


@special("pack_array")
def _pack_array(arguments: Arguments) -> Node:
    nodes = [to_dynamic(node) for node in arguments.nodes]
    return total("dynamic", lambda *values: list(values), *nodes) if nodes else _nothing(arguments)


@special("pack")
def _pack(arguments: Arguments) -> Node:
    arguments.count(2)
    if len(arguments.nodes) % 2:
        raise KqlError("pack() takes pairs of key and value.", arguments.call.at)
    keys = [arguments.as_(index, "string") for index in range(0, len(arguments.nodes), 2)]
    values = [to_dynamic(node) for node in arguments.nodes[1::2]]

    def packed(*found: Any) -> dict[str, Any]:
        return dict(zip(found[: len(keys)], found[len(keys) :], strict=True))

    return total("dynamic", packed, *keys, *values)


def _nothing(arguments: Arguments) -> Node:
    raise KqlError(f"{arguments.name}() takes a value.", arguments.call.at)


def step(value: Any, key: Any) -> Any:
    """value.key or value[index]: null where there is none; an index below 0 counts from the end."""
    if isinstance(value, dict):
        return value.get(key) if isinstance(key, str) else None
    plain = isinstance(value, list) and isinstance(key, int)
    return value[key] if plain and -len(value) <= key < len(value) else None
