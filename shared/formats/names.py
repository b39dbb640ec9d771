"""Names of columns, each of its own.

Rule: no name is lost and none is there twice; a name that is there as it is written is
nobody else's. Invariant: it takes time in proportion to the names, however often one
comes: where the search for a suffix ended is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST_COLUMNS = 10_000
"""More names than these are no header: every record and every checkpoint would have to carry them."""


def unique(names: Sequence[str]) -> list[str]:
    """A repeated name gets _2, _3, ..., an empty one its number."""
    given = [name or f"column_{number}" for number, name in enumerate(names, 1)]
    written, seen, next_of = set(given), dict[str, None](), dict[str, int]()
    for wanted in given:
        name, suffix = wanted, next_of.get(wanted, 2)
        while name in seen or (name != wanted and name in written):
            name, suffix = f"{wanted}_{suffix}", suffix + 1
        next_of[wanted] = suffix
        seen[name] = None
    return list(seen)
