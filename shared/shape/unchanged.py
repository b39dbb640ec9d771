"""Records that can pass as they are.

Rule: a route that only names the columns its records have needs no new objects:
the parser checks the types, and the source's own JSON text goes on. Invariant:
text passes only when every record of the block has none but declared fields, each
of its column's type, a TimeGenerated that Azure keeps, and no value that Azure
would cut. One odd record sends its block the long way, and no further.
"""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..model import Block
from ..routes.declare import EVERYTHING_ELSE, Route
from .values import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN
from .window import Window

LONGEST_VALUE = 65_536
"""Bytes; Azure cuts a longer field value without an error (Azure Monitor service limits)."""

_TYPES: dict[str, Any] = {
    "string": str,
    "int": Annotated[int, Meta(ge=INT_MIN, le=INT_MAX)],
    "long": Annotated[int, Meta(ge=LONG_MIN, le=LONG_MAX)],
    "real": float,
    "boolean": bool,
    "datetime": Annotated[datetime, Meta(tz=True)],
    "dynamic": Any,
}
_time = attrgetter("TimeGenerated")


def wanted(route: Route) -> type | None:
    """The type whose instances need no change under `route`; None if the route changes every record."""
    declared = {name: c for name, c in route.columns.items() if c.from_ != EVERYTHING_ELSE}
    plain = all(c.from_ == name and c.format in {None, "iso"} for name, c in declared.items())
    if not plain or route.keep or route.drop:
        return None
    fields = [(name, _TYPES[c.type] | None, None) for name, c in declared.items() if name != "TimeGenerated"]
    fields.insert(0, ("TimeGenerated", _TYPES["datetime"], msgspec.NODEFAULT))  # type: ignore[arg-type]
    return msgspec.defstruct("Unchanged", fields, forbid_unknown_fields=True, gc=False, kw_only=True)


def passes(block: Block, window: Window) -> bool:
    """Whether the block's own text can be sent."""
    if not block.typed or block.text is None or not block.records:
        return False
    times = list(map(_time, block.records))
    if min(times) < window.oldest or max(times) > window.newest:
        return False
    return max(map(len, block.text.split(b"\n"))) <= LONGEST_VALUE


def as_dicts(block: Block) -> list[Any]:
    """The block's records as dicts, whatever the parser made of them."""
    if not block.typed:
        return block.records
    return [{k: v for k, v in msgspec.structs.asdict(r).items() if v is not None} for r in block.records]
