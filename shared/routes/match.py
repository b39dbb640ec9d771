"""Whether a blob's path is one that a route takes, and what its parts say.

Rule: `**` crosses folders, `*` and `?` do not; `{NAME}` stands for one character or
more that are no slash, and captures them; case matters, as it does in blob names.
Invariant: whoever may drop a file chooses its path, so no path makes a route's glob
slow (globs.py).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..errors import writable
from .globs import CAPTURE, translate


def captures(pattern: str) -> list[str]:
    """Names of the parts of a path that a pattern captures, in order."""
    return CAPTURE.findall(pattern)


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> list[Any]:
    import re2  # noqa: PLC0415 - only who has a path to look at needs it

    return [re2.compile(translate(pattern)) for pattern in patterns]


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether any of `patterns` takes `path` (a blob's name, without its container)."""
    return captured(path, patterns) is not None


def captured(path: str, patterns: tuple[str, ...]) -> dict[str, str] | None:
    """What the first of `patterns` that takes `path` captures of it; None if none takes it."""
    text = writable(path)  # of a file here, whose name may be no UTF-8
    for pattern in _compiled(patterns):
        found = pattern.fullmatch(text)
        if found:
            return dict(found.groupdict())
    return None
