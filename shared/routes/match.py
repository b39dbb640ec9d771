"""Whether a blob's path is one that a route takes, and what its parts say.

Rule: `**` crosses folders, `*` and `?` do not; `{NAME}` stands for one character or
more that are no slash, and captures them; case matters, as it does in blob names;
the same on every Python, which is why wcmatch does it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from wcmatch import glob

_FLAGS = glob.GLOBSTAR | glob.CASE | glob.DOTGLOB | glob.FORCEUNIX
_CAPTURE = re.compile(r"\{([A-Za-z][A-Za-z0-9_]*)\}")
_OPEN, _CLOSE = "\ue000", "\ue001"
"""Around a capture's name while wcmatch translates the rest: it leaves them alone, and no path has them."""


def captures(pattern: str) -> list[str]:
    """Names of the parts of a path that a pattern captures, in order."""
    return _CAPTURE.findall(pattern)


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> list[re.Pattern[str]]:
    marked = [_CAPTURE.sub(rf"{_OPEN}\1{_CLOSE}", pattern) for pattern in patterns]
    found = [glob.translate(pattern, flags=_FLAGS)[0][0] for pattern in marked]
    return [re.compile(re.sub(f"{_OPEN}(.*?){_CLOSE}", r"(?P<\1>[^/]+?)", regex)) for regex in found]


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether any of `patterns` takes `path` (a blob's name, without its container)."""
    return captured(path, patterns) is not None


def captured(path: str, patterns: tuple[str, ...]) -> dict[str, str] | None:
    """What the first of `patterns` that takes `path` captures of it; None if none takes it."""
    for pattern in _compiled(patterns):
        found = pattern.fullmatch(path)
        if found:
            return found.groupdict()
    return None
