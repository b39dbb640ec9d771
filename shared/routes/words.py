"""Words for what is wrong with a routes file, and places in it.

Rule: msgspec finds what does not fit; here its messages become sentences, and its
paths become keys. Nothing here knows what a route means.
"""

from __future__ import annotations

import difflib
import re
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from .read import KeyPath

_KEY_IN_PATH = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")


def inner_path(text: str) -> KeyPath:
    """msgspec's `.columns.x[0]` as keys; `[...]`, which names no key, as "..."."""
    found = _KEY_IN_PATH.finditer(text)
    return tuple(m[1] if m[1] is not None else int(m[2]) if m[2] is not None else "..." for m in found)


def remove(value: Any, path: KeyPath) -> bool:
    """Take the key at `path` out; False if it is not there."""
    if not path:
        return False
    for part in path[:-1]:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    try:
        del value[path[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def alternatives(type_: Any) -> list[Any]:
    """The types that a type stands for."""
    if get_origin(type_) is Annotated:
        return alternatives(get_args(type_)[0])
    if get_origin(type_) in {Union, UnionType}:
        return [one for part in get_args(type_) for one in alternatives(part)]
    return [type_]


def inner_types(type_: Any, path: KeyPath) -> list[Any]:
    """The types of what stands at a path in a value of a type."""
    found = alternatives(type_)
    for part in path:
        inner = [_member(one, part) for one in found]
        found = [one for member in inner if member is not None for one in alternatives(member)]
    return found


def _member(type_: Any, key: str | int) -> Any:
    if hasattr(type_, "__struct_fields__"):
        return next((f.type for f in msgspec.structs.fields(type_) if f.encode_name == key), None)
    return get_args(type_)[-1] if get_origin(type_) in {dict, list} else None


def key_names(types: list[Any]) -> list[str]:
    """The keys that a mapping of one of these types may have, as they are written."""
    structs = [one for one in types if hasattr(one, "__struct_fields__")]
    return [field.encode_name for one in structs for field in msgspec.structs.fields(one)]


def words_of(types: list[Any]) -> list[str]:
    """The words that a value of one of these types may be."""
    return [word for one in types if get_origin(one) is Literal for word in get_args(one)]


def did_you_mean(word: str, words: list[str]) -> str:
    """A question that ends the sentence it is put after, or ""."""
    close = difflib.get_close_matches(word, words, 1)
    return f"; did you mean {close[0]}?" if close else ""


_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
}
_EXPECTED = re.compile(r"Expected `(.*)`, got `(.*)`")
_BOUND = re.compile(r"Expected `(\w+)` ([<>]=?) (\S+)")
_BOUNDS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}


def plain(text: str, types: list[Any]) -> str:
    """msgspec's sentence in the words of the file's author.

    Args:
        text: the sentence.
        types: what may stand in this place.
    """
    missing = re.match(r"Object missing required field `(.*)`", text)
    if missing:
        return f"{missing[1]} is missing."
    if text.startswith("Invalid enum value 'guid'"):
        return "a stream has no guid type. Use string."
    if text.startswith("Invalid enum value"):
        word, words = text.removeprefix("Invalid enum value ").strip("'"), words_of(types)
        return f"no {word!r} here{did_you_mean(word, words) or '.'} There are: {', '.join(words)}."
    kinds = _EXPECTED.fullmatch(text)
    if kinds:
        wanted = list(
            dict.fromkeys(_KINDS.get(kind, kind) for kind in kinds[1].split(" | ") if kind != "null")
        )
        words = words_of(types)
        known = f" There are: {', '.join(words)}." if words else ""
        return f"this is {_KINDS.get(kinds[2], kinds[2])}; it must be {' or '.join(wanted)}.{known}"
    bound = _BOUND.fullmatch(text)
    if bound:
        return f"it must be {_KINDS.get(bound[1], bound[1])}, {_BOUNDS[bound[2]]} {bound[3]}."
    return text if text.endswith((".", "?")) else f"{text}."
