"""What is known of a record's source, as a column.

Rule: facts come from the SourceFacts of the run and from the block; nothing is
looked up. Invariant: `record_id` is the same for the same record of the same
version of a source, whenever and by whomever it is read, and of no other record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..model import Block, SourceFacts
from .times import to_text


@dataclass(slots=True)
class Context:
    """What a run says of its source, for the columns that ask."""

    facts: SourceFacts
    captured: dict[str, str] = field(default_factory=dict)
    """Parts of a blob's path that the route's pattern captured."""
    member: str | None = None
    """Name of the file inside a zip; changes as reading goes on."""

    @property
    def modified(self) -> datetime:
        """When the source was last written, UTC."""
        return datetime.fromtimestamp(self.facts.modified, UTC)


def fact(name: str, route: str, context: Context) -> Callable[[Block], Sequence[Any]]:
    """The values of a fact for each record of a block.

    Args:
        name: see routes.declare.FACTS; or path.NAME.
        route: the route's name.
        context: of the run.
    """
    if name in _OF_A_RECORD:
        return _OF_A_RECORD[name](context)
    if name == "member":
        return lambda block: [context.member] * len(block.records)
    value = _of_the_source(name, route, context)
    return lambda block: [value] * len(block.records)


def _of_the_source(name: str, route: str, context: Context) -> str | None:
    facts = context.facts
    path = facts.path
    container = facts.name.partition("/")[0] if path else ""
    if name.startswith("path."):
        return context.captured.get(name.removeprefix("path."))
    return {
        "source": facts.name,
        "container": container or None,
        "path": path or None,
        "file": path.rpartition("/")[2] or None,
        "version": facts.version,
        "modified": to_text(context.modified),
        "received": to_text(datetime.fromtimestamp(facts.received, UTC)),
        "route": route,
    }[name]


def _lines(_: Context) -> Callable[[Block], Sequence[Any]]:
    return lambda block: [block.origin(index).line for index in range(len(block.records))]


def _ordinals(_: Context) -> Callable[[Block], Sequence[Any]]:
    return lambda block: list(block.ordinals)


def _record_ids(context: Context) -> Callable[[Block], Sequence[Any]]:
    facts = context.facts
    source = f"{facts.kind}\0{facts.name}\0{facts.version}".encode()
    prefix = hashlib.sha256(source).hexdigest()[:32]
    return lambda block: [f"{prefix}-{ordinal}" for ordinal in block.ordinals]


_OF_A_RECORD: dict[str, Callable[[Context], Callable[[Block], Sequence[Any]]]] = {
    "line": _lines,
    "ordinal": _ordinals,
    "record_id": _record_ids,
}
