"""A message of the app's own queue.

Invariant: one that is none is logged and left to the host's poison queue; it can
only come from somebody who may write there.
"""

from __future__ import annotations

from ..app import App
from ..sources.work import BlobWork, PartWork, ReplayWork, parse_work
from . import blob, message


def take(app: App, body: bytes) -> None:
    """Do what the message says.

    Raises:
        BadMessage: it is none of this app.
        ServiceUnavailable: storage does not answer; the message should come again.
    """
    work = parse_work(body)
    if isinstance(work, BlobWork):
        blob.take(app, work.container, work.name, work.route)
    elif isinstance(work, PartWork):
        from . import parts  # noqa: PLC0415 - only large blobs have parts

        parts.take(app, work)
    elif isinstance(work, ReplayWork):
        from . import replay  # noqa: PLC0415 - an operator asks for it, seldom

        replay.take(app, work)
    else:
        message.take_held(app, work.id)
