"""Words for what is wrong with a routes file, and places in it.

Rule: msgspec finds what does not fit; here its messages become sentences, and its
paths become keys. Nothing here knows what a route means.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, get_args

import msgspec

from .declare import ColumnType
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


def key_names(type_: Any) -> list[str]:
    """The keys that a declaration may have, as they are written."""
    return (
        [field.encode_name for field in msgspec.structs.fields(type_)]
        if hasattr(type_, "__struct_fields__")
        else []
    )


def did_you_mean(word: str, words: list[str]) -> str:
    """A question that ends the sentence it is put after, or ""."""
    close = difflib.get_close_matches(word, words, 1)
    return f"; did you mean {close[0]}?" if close else ""


def plain(text: str) -> str:
    """msgspec's sentence in the words of the file's author."""
    missing = re.match(r"Object missing required field `(.*)`", text)
    if missing:
        return f"{missing[1]} is missing."
    types = ", ".join(get_args(ColumnType))
    if text.startswith("Invalid enum value 'guid'"):
        return "a stream has no guid type. Use string."
    if text.startswith("Invalid enum value"):
        return (
            f"{text[len('Invalid enum value ') :]} is not one of those possible here (column types: {types})."
        )
    return text if text.endswith((".", "?")) else f"{text}."
