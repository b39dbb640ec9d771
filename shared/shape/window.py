"""Which TimeGenerated Azure Monitor keeps.

Rule: no clock is read here; whoever runs a source says what time it is. Azure
replaces a TimeGenerated more than 2 days old or more than 1 day ahead by the time
of receipt, without an error (Logs Ingestion API reference). Invariant: what this
window lets through is still inside Azure's when it arrives ten minutes later, or
when the two clocks differ by ten minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .times import to_text

PAST = timedelta(days=2)
FUTURE = timedelta(days=1)
MARGIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Window:
    """The times that stay as they are, and the one that stands in for the others."""

    oldest: datetime
    newest: datetime
    oldest_text: str
    newest_text: str
    stand_in: str
    """UTC text: when work on the source began."""


def window(now: float, received: float) -> Window:
    """The window at `now` for a source whose work began at `received` (both epoch seconds)."""
    moment = datetime.fromtimestamp(now, UTC)
    began = datetime.fromtimestamp(received, UTC)
    oldest, newest = moment - PAST + MARGIN, moment + FUTURE - MARGIN
    if not oldest < began < newest:
        began = moment
    return Window(oldest, newest, to_text(oldest)[:19], to_text(newest)[:19], to_text(began))
