"""Tables on the Auxiliary plan, which take no post that spans more than half an hour.

Rule: only TimeGenerated is looked at; what cannot be read is nobody's business here.
Invariant: a post is refused as a whole, before a row of it is kept.

Source: Azure Monitor's Logs Ingestion API reference (errors of Auxiliary tables).
"""

from __future__ import annotations

import datetime as dt

import msgspec

from .ingestion import Refusal

SPAN = dt.timedelta(minutes=30)


class _Timed(msgspec.Struct):
    TimeGenerated: dt.datetime | None = None


class Plans:
    """Which tables are on the Auxiliary plan; none at first."""

    def __init__(self) -> None:
        self.auxiliary: frozenset[str] = frozenset()

    def refusal(self, table: str, raw: bytes | None) -> Refusal | None:
        """400 for a post whose times are too far apart for its table."""
        if raw is None or table not in self.auxiliary:
            return None
        try:
            rows = msgspec.json.decode(raw, type=list[_Timed])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        times = sorted(row.TimeGenerated for row in rows if row.TimeGenerated is not None)
        if not times or times[-1] - times[0] <= SPAN:
            return None
        why = "The TimeGenerated values of the records span more than 30 minutes."
        return Refusal(400, "RecordsTimeRangeIsMoreThan30Minutes", why)
