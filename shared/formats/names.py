"""Names of columns, each of its own.

Rule: no name is lost and none is there twice. Invariant: it takes time in proportion to
the names, however often one comes: where the search for a suffix ended is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable

MOST_COLUMNS = 10_000
"""More names than these are no header: every record and every checkpoint would have to carry them."""


def unique(names: Iterable[str]) -> list[str]:
    """A repeated name gets _2, _3, ..., an empty one its number."""
    seen: dict[str, None] = {}
    next_of: dict[str, int] = {}
    for number, given in enumerate(names, 1):
        name = wanted = given or f"column_{number}"
        suffix = next_of.get(wanted, 2)
        while name in seen:
            name, suffix = f"{wanted}_{suffix}", suffix + 1
        next_of[wanted] = suffix
        seen[name] = None
    return list(seen)
