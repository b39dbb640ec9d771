"""What a server is told.

Rule: plain, frozen values; a wrong one is a ValueError before anything starts.
Invariant: a stream belongs to one rule, stream k to rule k // 10, since a rule
holds ten streams (Azure Monitor's data collection rule limits).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .throttle import BYTES_PER_MINUTE, MINUTE, REQUESTS_PER_MINUTE

STREAMS_PER_RULE = 10
RESULT_ROWS = 500_000
"""Rows of one answer. Source: Azure Monitor service limits, Log Analytics query API."""
COLUMN_TYPES = frozenset({"string", "int", "long", "real", "boolean", "datetime", "dynamic"})
WORKSPACE_ID = "00000000-0000-0000-0000-000000000000"
_RULE = re.compile(r"dcr-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One stream of a data collection rule: what may be posted, and where it lands."""

    stream: str
    table: str
    columns: Mapping[str, str]
    """Name to stream type (string, int, long, real, boolean, datetime, dynamic), in order."""
    transform: str | None = None
    """KQL from `source`, as the rule's transformKql."""

    def __post_init__(self) -> None:
        for name, kind in self.columns.items():
            if kind not in COLUMN_TYPES:
                raise ValueError(
                    f"{self.stream}: column {name} has type {kind!r}, which a stream cannot declare."
                )


@dataclass(frozen=True, slots=True)
class Config:
    """A server's settings."""

    streams: tuple[StreamSpec, ...]
    rules: tuple[str, ...]
    """Immutable ids, `dcr-` and 32 hexadecimal digits; one for every ten streams."""
    identity_header: str
    """The secret that a caller of the identity endpoint must show."""
    port: int = 0
    database: str = ":memory:"
    keep: bool = True
    """False: check and count, but store nothing. For benchmarks."""
    limits: bool = True
    """Whether the limits per minute are enforced."""
    limit_bytes: int = BYTES_PER_MINUTE
    """Raw bytes that a rule takes a minute."""
    limit_requests: int = REQUESTS_PER_MINUTE
    """Requests that a rule takes a minute."""
    limit_minute: float = MINUTE
    """Seconds of such a minute; less for simulations."""
    retry_after: bool = True
    """Whether a post that is over a limit is told how long to wait."""
    token_lifetime: float = 86_400.0
    """Seconds."""
    arc_keys: Path | None = None
    """Folder for the keys of the identity endpoint in Azure Arc's form."""
    audience: str = "https://monitor.azure.com"
    result_rows: int = RESULT_ROWS
    """Rows that one query gives at most."""
    by_stream: Mapping[tuple[str, str], StreamSpec] = field(init=False, repr=False)
    """(rule, stream) to its spec."""

    def __post_init__(self) -> None:
        for rule in self.rules:
            if not _RULE.fullmatch(rule):
                raise ValueError(f"rule {rule!r}: an immutable id is dcr- and 32 hexadecimal digits.")
        if min(self.limit_bytes, self.limit_requests, self.limit_minute, self.result_rows) <= 0:
            raise ValueError("a limit is more than 0; `limits` switches them off.")
        needed = -(-len(self.streams) // STREAMS_PER_RULE)
        if len(self.rules) < max(needed, 1):
            raise ValueError(
                f"{len(self.streams)} streams need {needed} rules, {len(self.rules)} were given."
            )
        placed = {
            (self.rules[k // STREAMS_PER_RULE], spec.stream): spec for k, spec in enumerate(self.streams)
        }
        if len(placed) != len(self.streams):
            raise ValueError("a stream is declared twice.")
        object.__setattr__(self, "by_stream", placed)

    def streams_of(self, rule: str) -> list[str]:
        """The streams that a rule holds, in order."""
        return [stream for owner, stream in self.by_stream if owner == rule]


def specs_from_routes(routes: Any) -> tuple[StreamSpec, ...]:
    """One StreamSpec for each distinct stream of a `shared.routes.Routes`, in the order of `streams()`."""
    found: dict[str, StreamSpec] = {}
    for route in routes.in_order():
        columns = {name: str(column.type) for name, column in route.columns.items()}
        found.setdefault(route.stream, StreamSpec(route.stream, route.table, columns, route.transform))
    return tuple(found.values())
