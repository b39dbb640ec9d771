"""Whether a blob's path is one that a route takes.

Rule: `**` crosses folders, `*` and `?` do not; case matters, as it does in blob
names; the same on every Python, which is why wcmatch does it.
"""

from __future__ import annotations

from functools import lru_cache
from re import Pattern

from wcmatch import glob

_FLAGS = glob.GLOBSTAR | glob.CASE | glob.DOTGLOB | glob.FORCEUNIX


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> list[Pattern[str]]:
    import re  # noqa: PLC0415

    wanted, _ = glob.translate(list(patterns), flags=_FLAGS)
    return [re.compile(pattern) for pattern in wanted]


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether any of `patterns` takes `path` (a blob's name, without its container)."""
    return any(pattern.fullmatch(path) for pattern in _compiled(patterns))
