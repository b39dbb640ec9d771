"""The app's own queue: what has to be done later, or again.

Rule: a work message only says what to look at; how far that is stands in the
ledger. Invariant: a message that is put twice, or comes twice, does no harm. It
never expires.
"""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING

import msgspec

from ..errors import BadMessage
from ..ledger.store import guarded

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient

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
        raise BadMessage(f"no work of this app: {error}") from error


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
