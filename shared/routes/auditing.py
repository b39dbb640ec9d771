"""The table of audit rows, as a route.

Rule: its columns stand in audit.json, which Bicep reads too; `from` in it is a field of
the audit row. Invariant: the route takes nothing by itself, and no message can name it;
only the app's own rows go through it. It comes after all others, so that asking for the
table moves no other stream to another rule.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from ..formats import FORMATS
from .declare import Column, From, Route

AUDIT = "_audit"
"""Its name, which no route in a file can have."""


@cache
def audit_columns() -> dict[str, Column]:
    """The columns, in order."""
    text = Path(__file__).with_name("audit.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Column])


def audit_route(table: str, stream: str) -> Route:
    """The route into `table`. No row is too long for it: what Azure would refuse is cut."""
    return Route(
        name=AUDIT,
        takes=From(),
        format=FORMATS["ndjson"].options(),
        table=table,
        stream=stream,
        charset="utf-8",
        columns=audit_columns(),
        keep={},
        drop={},
        transform=None,
        on_bad_value="null",
        on_undeclared="drop",
        on_old_time="keep_in_extra",
        on_duplicate_key="last",
        on_long_value="cut",
        on_large_record="cut",
    )
