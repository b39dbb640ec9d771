"""Requests that a file takes of its storage account, by its size: arithmetic, after the app's own code.

Invariant: where nothing goes wrong these are the requests that the app makes, and the
checkpoints as many as there can be; tests/faults/test_requests.py counts them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from shared.settings import SETTINGS
from shared.sources.blob import FIRST_BYTES


class Requests(NamedTuple):
    """What one file, or many, take of the storage account and of what hangs on it."""

    reads: float = 0
    writes: float = 0
    lists: float = 0
    others: float = 0
    queue: float = 0
    executions: float = 0
    """Invocations of the app."""

    def times(self, count: float) -> Requests:
        """As many of them."""
        return Requests(*(value * count for value in self))

    def plus(self, more: Requests) -> Requests:
        """Both together."""
        return Requests(*(a + b for a, b in zip(self, more, strict=True)))


class Sizes(NamedTuple):
    """Settings of the app that its requests follow from."""

    read: int
    part: int
    batch: int
    window: int


def defaults() -> Sizes:
    """As the app has them where nothing is set."""
    value = {setting.name: setting.default for setting in SETTINGS}
    names = ("READ_BYTES", "PART_BYTES", "BATCH_BYTES", "UPLOAD_WINDOW")
    return Sizes(*(int(value[name] or 0) for name in names))


def of_file(size: int, posted: int, sizes: Sizes, *, cut: bool = True) -> Requests:
    """What one new file takes, its event included, checkpoints as many as there can be.

    Args:
        size: its bytes, as they lie in storage.
        posted: bytes of JSON that come of it.
        sizes: the app's settings.
        cut: whether it is cut in parts, if it is large enough.
    """
    taken = Requests(reads=1, writes=2, queue=3, executions=1)  # the host's queue: put, get, delete
    if cut and size > 2 * sizes.part:
        return taken.plus(_in_parts(size, posted, sizes))
    came_along = min(size, sizes.read) <= FIRST_BYTES  # the first range came with the first look
    reads = _ranges(size, sizes) - came_along
    return taken.plus(Requests(reads=reads, writes=_checkpoints(posted, sizes)))


def _in_parts(size: int, posted: int, sizes: Sizes) -> Requests:
    """What a file takes that is cut, but for being taken and written down as cut."""
    count = round(size / sizes.part)
    one = Requests(
        reads=3 + _ranges(size / count, sizes),  # the blob's entry twice, and whether the part has one
        writes=2 + _checkpoints(posted / count, sizes),
        lists=1,  # are all parts settled?
        others=1,  # what the blob is
        queue=3,
        executions=1,
    )
    cutting = Requests(reads=count)  # where each but the first begins, and how the blob ends
    closing = Requests(
        reads=count + 1, writes=1, lists=1
    )  # every part's entry, the blob's; then they are removed
    return one.times(count).plus(cutting).plus(closing)


def _ranges(size: float, sizes: Sizes) -> int:
    return math.ceil(size / sizes.read)


def _checkpoints(posted: float, sizes: Sizes) -> int:
    """A checkpoint covers a quarter of the window at least (upload/flow.py); the last one is the end's."""
    return int(math.ceil(posted / sizes.batch) // math.ceil(sizes.window / 4))
