"""routes.yaml: one declaration per kind of input, read, checked and explained.

Rule: this room turns text into frozen Route objects and knows nothing of storage
or HTTP. Invariant: a Routes object is always usable; anything wrong with the file
is a RoutesError that lists every mistake with its line, key, value and remedy.

    read.py     YAML to plain values, with the line of every key
    scalars.py  the place of each character of a text such as `transform`
    declare.py  what may be written, as types; the JSON Schema comes from them
    check.py    values to Routes, or every problem at once
    auditing.py the table of the app's own audit rows
"""

from __future__ import annotations

from pathlib import Path

from ..errors import RoutesError
from .check import check
from .declare import STREAMS_PER_RULE, Column, From, Route, Routes
from .read import Document, read

__all__ = ["STREAMS_PER_RULE", "Column", "From", "Route", "Routes", "document", "load", "loads"]


def loads(text: str, name: str = "routes.yaml") -> Routes:
    """Routes from YAML text.

    Args:
        text: the file's content.
        name: what to call the file in messages.

    Raises:
        RoutesError: with every problem of the text, a line each.
    """
    return check(read(text, name))


def document(path: Path) -> Document:
    """A routes file as plain values with their places, not checked yet.

    Raises:
        RoutesError: the file cannot be read, or is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise RoutesError(
            [f"{path}: cannot be read: {reason}. Name the file; the app reads its name in ROUTES_FILE."]
        ) from error
    return read(text, str(path))


def load(path: Path) -> Routes:
    """Routes from a file.

    Raises:
        RoutesError: the file cannot be read, or anything in it is wrong.
    """
    return check(document(path))
