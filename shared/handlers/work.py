"""A message of the app's own queue.

Invariant: one that is none, or that names what the settings do not allow, is tried as
often as any other, and then dead-lettered; it can only come from somebody who may write
there, or from an app that had other settings.
"""

from __future__ import annotations

from ..app import App
from ..model import SourceFacts
from ..sources.work import BlobWork, PartWork, ReplayWork, check, parse_work
from . import audits, blob, message
from .lasttry import last_try


def take(app: App, body: bytes, message_id: str = "", inserted: float = 0.0, tries: int = 1) -> None:
    """Do what the message says.

    Args:
        app: the app.
        body: the message.
        message_id: the queue's id of it.
        inserted: epoch seconds when it was put on the queue.
        tries: how often the host has given it out, this time included.

    Raises:
        BadMessage, Forbidden: it is none of this app, and another try follows.
        ServiceUnavailable: storage does not answer; the message should come again.
    """
    facts = SourceFacts("work", message_id, message_id, inserted, inserted)
    with last_try(app, facts, body, tries):
        _take(app, body, tries)


def _take(app: App, body: bytes, tries: int) -> None:
    work = parse_work(body)
    check(work, app.settings.allowed_containers)
    if isinstance(work, BlobWork):
        blob.take(app, work.container, work.name, work.route, again=True)
    elif isinstance(work, PartWork):
        from . import parts  # noqa: PLC0415 - only large blobs have parts

        parts.take(app, work, tries)
    elif isinstance(work, ReplayWork):
        from . import replay  # noqa: PLC0415 - an operator asks for it, seldom

        replay.take(app, work)
    elif work.id.startswith(audits.HELD):
        audits.take_held(app, work.id)
    else:
        message.take_held(app, work.id, tries)
