"""Functions of text.

Source: Kusto's reference, a page each; replace() and the base64 pair by the names that
a rule takes. Positions and lengths count Unicode characters.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any

from .convert import to_string, to_type
from .node import Node, lift, total
from .regexes import compiled, rewriter
from .registry import Arguments, define, special
from .tree import KqlError, TypeOf
from .values import lower

_MOST_GROUPS = 16


@define("strlen", "long", "string")
def _strlen(text: str) -> int:
    return len(text)


define("tolower", "string", "text")(lower)


@define("toupper", "string", "text")
def _toupper(text: str) -> str:
    """Character by character: ß stays, as it has no upper case of one character."""
    if text.isascii():
        return text.upper()
    return "".join(upper if len(upper := char.upper()) == 1 else char for char in text)


@define("substring", "string", "text", "integer", "integer?")
def _substring(text: str, start: int, length: int | None = None) -> str:
    """A negative start counts from the end; one before the beginning, and a negative length, give nothing."""
    if start < 0:
        start += len(text)
    if start < 0 or (length is not None and length < 0):
        return ""
    return text[start:] if length is None else text[start : start + length]


@define("strcat", "string", "text*")
def _strcat(*texts: str) -> str:
    return "".join(texts)


@define("strcat_delim", "string", "text", "text", "text*")
def _strcat_delim(delimiter: str, *texts: str) -> str:
    return delimiter.join(texts)


@define("split", "dynamic", "text", "string", "integer?")
def _split(text: str, delimiter: str, index: int | None = None) -> list[str] | None:
    """The parts; with an index only that one, still in an array; null if there is no such part."""
    parts = text.split(delimiter) if delimiter else [text]
    if index is None:
        return parts
    return [parts[index]] if 0 <= index < len(parts) else None


@define("indexof", "long", "text", "text", "integer?", "integer?", "integer?")
def _indexof(text: str, match: str, start: int = 0, length: int = -1, occurrence: int = 1) -> int | None:
    """Each occurrence is looked for in `length` characters from where the last one began."""
    if length < -1 or occurrence < 1:
        return None
    found = max(0, start + len(text)) - 1 if start < 0 else start - 1
    for _ in range(occurrence):
        end = len(text) if length == -1 else found + 1 + length
        found = text.find(match, found + 1, end)
        if found < 0:
            return -1
    return found


@define("hash_sha256", "string", "plain")
def _hash_sha256(text: str) -> str:
    """In hexadecimal; nothing has no hash."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest() if text else ""


@define("base64_encodestring", "string", "string")
def _base64_encode(text: str) -> str:
    return base64.b64encode(text.encode(errors="replace")).decode()


@define("base64_decodestring", "string", "string")
def _base64_decode(text: str) -> str:
    """What is not base64, or not UTF-8 in it, is empty."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


@special("isempty", "isnotempty")
def _isempty(arguments: Arguments) -> Node:
    arguments.count(1, 1)
    node = to_string(arguments.nodes[0])
    if arguments.name == "isempty":
        return total("boolean", lambda text: not text, node)
    return total("boolean", bool, node)


@special("countof")
def _countof(arguments: Arguments) -> Node:
    """Plain matches may overlap, those of a pattern do not."""
    arguments.count(2, 3)
    text, search = arguments.as_(0, "string"), arguments.as_(1, "string")
    kind = arguments.constant(2) if len(arguments.nodes) == 3 else "normal"
    if kind == "regex":
        pattern = compiled(arguments.constant(1), arguments.at(1))
        return lift("long", lambda value: sum(1 for _ in pattern.finditer(value)), text)
    if kind != "normal":
        raise KqlError("countof() knows the kinds normal and regex.", arguments.at(2))
    return lift("long", _occurrences, text, search)


def _occurrences(text: str, search: str) -> int:
    count, found = 0, text.find(search) if search else -1
    while found >= 0:
        count += 1
        found = text.find(search, found + 1)
    return count


@special("extract")
def _extract(arguments: Arguments) -> Node:
    """extract(pattern, group, text[, typeof(TYPE)])."""
    arguments.count(3, 4)
    pattern = compiled(arguments.constant(0), arguments.at(0))
    group, text = arguments.as_(1, "integer"), arguments.as_(2, "string")

    def find(value: str, number: int) -> str | None:
        match = pattern.search(value) if 0 <= number <= pattern.groups else None
        return match.group(number) if match else None

    if len(arguments.nodes) == 3:
        return lift("string", find, text, group)
    kind = arguments.call.arguments[3]
    if not isinstance(kind, TypeOf):
        raise KqlError("extract() takes typeof(TYPE) here.", arguments.at(3))
    return to_type(lift("string", find, text, group), kind.type, arguments.at(3))


@special("extract_all")
def _extract_all(arguments: Arguments) -> Node:
    """extract_all(pattern[, groups], text): what the group matched, or arrays of what the groups did."""
    arguments.count(2, 3)
    pattern = compiled(arguments.constant(0), arguments.at(0))
    if not 1 <= pattern.groups <= _MOST_GROUPS:
        raise KqlError(
            f"the pattern of extract_all() has 1 to {_MOST_GROUPS} groups, and here it has {pattern.groups}.",
            arguments.at(0),
        )
    chosen = _chosen(arguments, pattern) if len(arguments.nodes) == 3 else []
    groups = chosen or list(range(1, pattern.groups + 1))
    return lift("dynamic", _finder(pattern, groups), arguments.as_(len(arguments.nodes) - 1, "text"))


def _chosen(arguments: Arguments, pattern: Any) -> list[int]:
    """The groups that are asked for, by number or by name; those that the pattern has not are left out."""
    wanted = arguments.constant(1, "dynamic")
    if not isinstance(wanted, list):
        raise KqlError("extract_all() takes an array of groups here.", arguments.at(1))
    numbers = [pattern.groupindex.get(group, 0) if isinstance(group, str) else group for group in wanted]
    return [number for number in numbers if isinstance(number, int) and 1 <= number <= pattern.groups]


def _finder(pattern: Any, groups: list[int]) -> Callable[[str], list[Any] | None]:
    def find(text: str) -> list[Any] | None:
        if len(groups) == 1:
            return [match.group(groups[0]) or "" for match in pattern.finditer(text)] or None
        return [[match.group(group) or "" for group in groups] for match in pattern.finditer(text)] or None

    return find


@special("replace")
def _replace(arguments: Arguments) -> Node:
    """replace(pattern, rewrite, text); where the text comes first, replace(text, plain text, other)."""
    arguments.count(3, 3)
    first, second, third = (arguments.as_(index, "string") for index in range(3))
    if not first.fixed and second.fixed and third.fixed:
        plain, other = second.value, third.value
        return lift("string", lambda text: text.replace(plain, other) if plain else text, first)
    pattern = compiled(arguments.constant(0), arguments.at(0))
    rewrite = rewriter(arguments.constant(1), arguments.at(1), pattern.groups)
    return lift("string", lambda text: pattern.sub(rewrite, text), third)
