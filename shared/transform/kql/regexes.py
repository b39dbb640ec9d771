"""Regular expressions of a transform: RE2, the engine that Kusto has.

Rule: a pattern that stands in the text is compiled once and refused at once; one
that comes out of a row is compiled when it is met. Invariant: no text makes a
pattern slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

from .tree import KqlError

_REWRITE = re.compile(r"\\(\d|\\)")


class PatternError(ValueError):
    """A pattern that RE2 does not take; the message does not show it."""


@lru_cache(maxsize=256)
def of_text(pattern: str) -> Any:
    """A compiled pattern.

    Raises:
        PatternError: RE2 does not take it.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise PatternError("a pattern is not one that RE2 takes.") from error


def compiled(pattern: str, at: int) -> Any:
    """A compiled pattern that stands in the transform.

    Raises:
        KqlError: RE2 does not take it.
    """
    try:
        return of_text(pattern)
    except PatternError as error:
        cause = error.__cause__.args[0] if error.__cause__ and error.__cause__.args else ""
        why = cause.decode(errors="replace") if isinstance(cause, bytes) else str(cause)
        raise KqlError(f"the pattern is not one that RE2 takes: {why}.", at) from error


def rewriter(text: str, at: int, groups: int) -> str | Callable[[Any], str]:
    r"""What replace() puts in the place of a match: \0 is the match, \1 its first group.

    Raises:
        KqlError: a group is named that the pattern has not.
    """
    pieces = _REWRITE.split(text)
    if len(pieces) == 1:
        return lambda _: text
    numbers = [int(piece) for piece in pieces[1::2] if piece != "\\"]
    if numbers and max(numbers) > groups:
        raise KqlError(f"the rewrite names group {max(numbers)}, and the pattern has {groups}.", at)

    def rewrite(match: Any) -> str:
        found = list(pieces)
        for index in range(1, len(pieces), 2):
            found[index] = "\\" if pieces[index] == "\\" else match.group(int(pieces[index])) or ""
        return "".join(found)

    return rewrite
