"""The last time that the host gives out a message.

Rule: what would fail for good goes to the dead letter while the reason is known,
instead of to a poison queue without it. Invariants: the message fails as it always
does as long as another try follows, or as its failure may pass (Transient); the
reason is an error's type and place, and never its text, which may hold a record's
values, unless the error is our own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .. import audit, logs
from ..app import App
from ..errors import LogferryError, Transient, kind_of, place_of, untold
from ..model import SourceFacts
from . import audits

logger = logs.logger("logferry.lasttry")


@contextmanager
def last_try(app: App, source: SourceFacts, text: bytes, tries: int) -> Iterator[None]:
    """Dead-letter a message that fails for the last time.

    Args:
        app: the app.
        source: `message` of the ingest queue, or `work`.
        text: the message.
        tries: how often the host has given it out, this time included.

    Raises:
        Exception: ours as it came, any other without its text, if it is given out again, or if what failed
            may be better later.
    """
    try:
        yield
    except Transient:
        raise
    except Exception as error:
        if tries < app.max_tries:
            raise untold(error) from None
        bury(app, source, text, kind_of(error), _detail(error, tries))
        logs.failed(logger, "%s %s", error, source.kind, source.name)


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
