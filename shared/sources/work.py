"""The app's own queue: what has to be done later, or again.

Rule: a work message only says what to look at; how far that is stands in the
ledger. Invariants: a message that is put twice, or comes twice, does no harm; whoever
else may write on the queue can name nothing but blobs in containers that the settings
allow, and documents of the app's own below their own prefix. It never expires.
"""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING

import msgspec

from ..errors import BadMessage, Forbidden
from ..ledger.store import guarded
from .message import check as check_blob
from .message import leads_elsewhere

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient

_SHOWN = 200
"""Characters of what is wrong with a message; some of it may be the message's own."""
_LONGEST_ID = 1_000
"""Characters: with a prefix it is a blob's name, which has 1,024."""
LONGEST_DELAY = 600
LEFT_BEHIND = 1_800.0
"""Seconds; deferred work looks again within ten minutes, so after this long its message is lost."""


class BlobWork(msgspec.Struct, tag_field="do", tag="blob"):
    """Take this blob, or go on with it."""

    container: str
    name: str
    route: str | None = None


class PartWork(msgspec.Struct, tag_field="do", tag="part", omit_defaults=True):
    """Take one part of a blob that was cut in parts, or go on with it."""

    container: str
    name: str
    version: str
    """The version that was cut: the blob's ETag, without quotes."""
    part: int
    spare: bool = False
    """Whether there should be another message for it; this one was put in case that was lost."""


class HeldWork(msgspec.Struct, tag_field="do", tag="held"):
    """Take this message, which was put aside because Azure was not ready."""

    id: str


class ReplayWork(msgspec.Struct, tag_field="do", tag="replay", omit_defaults=True):
    """Take the records of a document of the dead letter again."""

    document: str
    by: str = ""
    """Who asked for it, as they call themselves; for the trace."""
    reason: str = ""
    """Only records with this reason; empty for all."""
    tries: int = 0
    since: float = 0.0
    """Epoch seconds: when it was first deferred."""


Work = BlobWork | PartWork | HeldWork | ReplayWork

_decoder: msgspec.json.Decoder[Work] = msgspec.json.Decoder(Work)
"""Made by the import, as in ledger/entry.py."""


def parse_work(text: bytes) -> Work:
    """A work message.

    Raises:
        BadMessage: it is none.
    """
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadMessage(f"no work of this app: {str(error)[:_SHOWN]}") from error


def check(work: Work, allowed: tuple[str, ...]) -> None:
    """Whether a message that came, or was kept, may be acted on.

    Args:
        work: what it says.
        allowed: containers that the settings allow.

    Raises:
        Forbidden: it names something that is none of the app's business.
        BadMessage: nothing can have that name.
    """
    if isinstance(work, BlobWork | PartWork):
        check_blob(work.container, work.name, allowed)
        return
    name = work.document if isinstance(work, ReplayWork) else work.id
    if leads_elsewhere(name):
        raise Forbidden("the message names a document by a path with . or .. in it")
    if not name or len(name) > _LONGEST_ID or "\0" in name:
        raise BadMessage(f"no document has this name: none, over {_LONGEST_ID} characters, or a NUL in it")


def backoff(attempt: int) -> int:
    """Seconds to wait before the n-th attempt: 15, 30, 60, ... up to ten minutes, with jitter."""
    return int(longest_backoff(attempt) * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, hides nothing


def longest_backoff(attempt: int) -> int:
    """Seconds that `backoff` says at most."""
    return min(15 << min(attempt, 10), LONGEST_DELAY)


class WorkQueue:
    """Puts work on the queue.

    Args:
        queue: made if it is not there.
    """

    def __init__(self, queue: QueueClient) -> None:
        self._queue = queue

    def put(self, work: Work, delay: float = 0) -> None:
        """Queue `work`, to be seen after `delay` seconds. Raises ServiceUnavailable."""
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError  # noqa: PLC0415

        text = msgspec.json.encode(work).decode()

        def send() -> None:
            try:
                self._queue.send_message(text, visibility_timeout=int(delay), time_to_live=-1)
            except ResourceNotFoundError:
                with contextlib.suppress(ResourceExistsError):
                    self._queue.create_queue()
                self._queue.send_message(text, visibility_timeout=int(delay), time_to_live=-1)

        guarded(send)
