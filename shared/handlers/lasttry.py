"""The last time that the host gives out a message.

Rule: what would fail for good goes to the dead letter while the reason is known,
instead of to a poison queue without it. Invariants: the message fails as it always
does as long as another try follows, or as its failure may pass (Transient); the
reason is an error's type and place, and never its text, which may hold a record's
values, unless the error is our own.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from .. import audit
from ..app import App
from ..errors import LogferryError, Transient
from ..model import SourceFacts
from . import audits
from .taken import place_of

logger = logging.getLogger("logferry.lasttry")


@contextmanager
def last_try(app: App, source: SourceFacts, text: bytes, tries: int) -> Iterator[None]:
    """Dead-letter a message that fails for the last time.

    Args:
        app: the app.
        source: `message` of the ingest queue, or `work`.
        text: the message.
        tries: how often the host has given it out, this time included.

    Raises:
        Exception: as it came, if it is given out again, or if what failed may be better later.
    """
    try:
        yield
    except Transient:
        raise
    except Exception as error:
        if tries < app.max_tries:
            raise
        bury(app, source, text, type(error).__name__, _detail(error, tries))
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("%s %s: %s\n%s", source.kind, source.name, type(error).__name__, frames)  # noqa: TRY400


def bury(app: App, source: SourceFacts, text: bytes, reason: str, detail: str) -> None:
    """Put a message in the dead letter as a whole, and say so. Raises ServiceUnavailable."""
    name = app.dead_letter.source(source, "", reason, detail, text)
    logger.error("%s %s: dead-lettered as %s: %s", source.kind, source.name, name, detail)
    row = audit.Audit(
        kind=source.kind,
        source=source.name,
        version=source.version,
        route="",
        table="",
        outcome="dead",
        reason=detail,
    )
    audits.post(app, row)
    audit.write(row)


def _detail(error: Exception, tries: int) -> str:
    said = str(error) if isinstance(error, LogferryError) else f"an unexpected error: {place_of(error)}"
    return f"failed {tries} times, the last time with: {said}"
