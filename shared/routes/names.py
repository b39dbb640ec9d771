"""Column names that Azure Monitor takes.

Rule: a legal name begins with a letter, goes on with letters, digits and _, has 2 to
45 characters, and is none of Azure Monitor's own, whatever the case. Source: Azure
Monitor's table and data collection rule references.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

RESERVED = frozenset(
    {"id", "BilledSize", "IsBillable", "InvalidTimeGenerated", "TenantId", "Title", "Type", "UniqueId"}
    | {"_ItemId", "_ResourceGroup", "_ResourceId", "_SubscriptionId", "_TimeReceived"}
)
LONGEST_NAME = 45
_RESERVED = frozenset(name.casefold() for name in RESERVED)
_LEGAL = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,44}")
_WORD = re.compile(r"[A-Za-z0-9]+")
_INSIDE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_legal(name: str) -> bool:
    """Whether a column may be called so, apart from what is reserved."""
    return _LEGAL.fullmatch(name) is not None


def is_reserved(name: str) -> bool:
    """Whether the name is one of Azure Monitor's own, in any case."""
    return name.casefold() in _RESERVED


def legal(name: str, taken: Iterable[str] = ()) -> str:
    """A legal column name for a key of a record: `id.orig_h` becomes IdOrigH.

    Args:
        name: any text.
        taken: names that are in use; compared without regard to case, as tables do.
    """
    words = [word for part in _WORD.findall(name) for word in _INSIDE.split(part)]
    found = "".join(word[:1].upper() + word[1:] for word in words)
    if not found or not found[0].isalpha():
        found = f"C{found}"
    if len(found) < 2 or is_reserved(found):
        found = f"{found}Value"
    used = {other.casefold() for other in taken}
    return next(
        candidate
        for number in range(1, len(used) + 2)
        if (candidate := _numbered(found, number)).casefold() not in used
    )


def _numbered(name: str, number: int) -> str:
    suffix = "" if number == 1 else f"_{number}"
    return name[: LONGEST_NAME - len(suffix)] + suffix
