"""The sender of a source that fills posts by itself.

Rule: threads of its own, so that it can have as many posts in flight as the rule
allows and as its window has room for. Invariant: after `close` no thread is left.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from ..model import Batch, Outcome
from .gate import Gate
from .uploader import Uploader


class Threads:
    """Sends one run's batches.

    Args:
        uploader: of this run alone.
        gate: the rule's.
        most: threads at most; they are begun as they are needed.
    """

    def __init__(self, uploader: Uploader, gate: Gate, most: int) -> None:
        self._uploader = uploader
        self._gate = gate
        self._pool = ThreadPoolExecutor(most, "logferry-post")
        gate.join()

    def begin(self, batch: Batch) -> Future[Outcome]:
        """Have a batch sent."""
        return self._pool.submit(self._uploader.send, batch)

    def room(self) -> int:
        """This run's share of what the rule takes at once."""
        return self._gate.share()

    def stop(self) -> None:
        """Give up what is being retried."""
        self._uploader.stop()

    def close(self) -> None:
        """Wait for the threads."""
        self._gate.part()
        self._pool.shutdown()
