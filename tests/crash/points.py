"""The commit points: every place where durable state changes, and what kills the host there.

Rule: one table, POINTS, names what is wrapped; nothing else in the harness knows a
function of the app. Invariants: the real function runs, with its own arguments; the
wrapping is done in the process that is going to die, after the fork, so no hook is in
the app; "after" is passed only when the function has returned.
"""

from __future__ import annotations

import importlib
import inspect
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

SIDES = ("before", "after")


class Point(NamedTuple):
    """A commit point."""

    name: str
    target: str
    """module:attribute, or endpoint:side for what only the other end of a post can tell."""
    meaning: str
    when: Callable[[tuple[Any, ...]], bool] = lambda _: True
    """Whether a call with these arguments (self included) is a passage."""
    sides: tuple[str, ...] = SIDES


def _named(prefix: str) -> Callable[[tuple[Any, ...]], bool]:
    return lambda arguments: str(arguments[1]).startswith(prefix)


def _in_sweep(_: tuple[Any, ...]) -> bool:
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_globals.get("__name__") == "shared.handlers.sweep":
            return True
    return False


def _not_in_sweep(arguments: tuple[Any, ...]) -> bool:
    return not _in_sweep(arguments)


POINTS: tuple[Point, ...] = (
    Point("event queued", "local.functions_host.blobs:send", "a blob event is on the host's own queue; only then the webhook says yes"),
    Point("claim", "shared.ledger.claims:Ledger._take", "the entry says that a worker is on the source"),
    Point("post", "shared.upload.service:Service.post", "a batch is sent; after: it was answered with 204"),
    Point("post arrived", "endpoint:arrived", "the batch is at the endpoint, and not taken", sides=("after",)),
    Point("post taken", "endpoint:taken", "the batch is taken, and no answer goes out", sides=("after",)),
    Point("dead records", "shared.ledger.deadletter:DeadLetter.records", "a span's bad records are in the dead letter"),
    Point("dead source", "shared.ledger.deadletter:DeadLetter.source", "a source as a whole is in the dead letter"),
    Point("parts decided", "shared.handlers.parts:cut", "a large blob's entry says where it is cut, and its parts are on the work queue"),
    Point("parts closed", "shared.ledger.claims:Ledger.amend", "a blob's entry says that all of its parts are settled"),
    Point("parts forgotten", "shared.ledger.claims:Ledger.forget_parts", "the entries of its parts are removed"),
    Point("checkpoint", "shared.ledger.claims:Claim.save", "the entry's position moves, or shows a sign of life"),
    Point("entry finished", "shared.ledger.claims:Claim.finish", "the entry says what became of this run: done, deferred, dead"),
    Point("audit row", "shared.audit:write", "the run's counts are in the log"),
    Point("work queued", "shared.sources.work:WorkQueue.put", "what is left to do is on the work queue", _not_in_sweep),
    Point("held written", "shared.ledger.store:Store.put", "a message that Azure is not ready for is put aside whole", _named("held/")),
    Point("held removed", "shared.ledger.store:Store.remove", "a message that was put aside is settled", _named("held/")),
    Point("message deleted", "azure.storage.queue.aio:QueueClient.delete_message", "the host takes a settled message off its queue"),
    Point("sweep queued", "shared.sources.work:WorkQueue.put", "the sweep queues what was missed", _in_sweep),
    Point("sweep born", "shared.ledger.store:Store.put", "the first sweep writes down when the app was set up", _named("meta/born")),
    Point("timer status", "local.functions_host.timers:Timer._write", "the host writes down when the timer is due"),
)  # fmt: skip
"""In the order of a source's way."""
BY_NAME = {point.name: point for point in POINTS}
ENDPOINT = "endpoint"


class Shorter(NamedTuple):
    """A wait, or a number of tries, that no app setting shortens."""

    target: str
    value: Any
    meaning: str


def _one_second(_: int) -> int:
    return 1


SHORTER: tuple[Shorter, ...] = (
    Shorter("shared.handlers.taken:backoff", _one_second, "deferred files are looked at again after 1 s"),
    Shorter("shared.handlers.message:backoff", _one_second, "and so are deferred messages"),
    Shorter("shared.handlers.sweep:LEFT_BEHIND", 8.0, "deferred work without a message is queued after 8 s"),
    Shorter("shared.handlers.parts:LEFT_BEHIND", 8.0, "and so are deferred parts"),
    Shorter("shared.upload.uploader:FIRST_WAIT", 0.5, "the first pause before a post is tried again"),
    Shorter("shared.handlers.taken:MAX_CRASHES", 1_000_000, "a file is never given up for the crashes on it"),
)
"""Set in the host's process too. The ratios between them are the app's own: what is late stays late."""


class Trap(NamedTuple):
    """Where a life ends: at the n-th passage."""

    nth: int
    point: str = ""
    """Empty: any point but the endpoint's."""
    side: str = ""
    """Empty: either."""


def find(target: str) -> tuple[Any, str, Any]:
    """Owner, name and value of module:attribute. Raises ImportError, AttributeError."""
    module, _, path = target.partition(":")
    owner: Any = importlib.import_module(module)
    *above, name = path.split(".")
    for part in above:
        owner = getattr(owner, part)
    return owner, name, getattr(owner, name)


def shorten() -> None:
    """Set what SHORTER says, in this process."""
    for one in SHORTER:
        owner, name, _ = find(one.target)
        setattr(owner, name, one.value)


class Spy:
    """Counts passages in this process, and dies at the one that the trap names.

    Args:
        trap: None only counts.
        last_words: file for the point, side and passage that it died at.
    """

    def __init__(self, trap: Trap | None, last_words: Path) -> None:
        self._trap = trap
        self._left = trap.nth if trap else 0
        self._last_words = last_words
        self._lock = threading.Lock()

    def wrap(self) -> None:
        """Put it around every point of the table."""
        targets: dict[str, list[Point]] = {}
        for point in POINTS:
            targets.setdefault(point.target, []).append(point)
        for target, points in targets.items():
            if not target.startswith(f"{ENDPOINT}:"):
                owner, name, real = find(target)
                setattr(owner, name, self._around(real, points))

    def _around(self, real: Callable[..., Any], points: list[Point]) -> Callable[..., Any]:
        def passed(arguments: tuple[Any, ...], side: str) -> None:
            for point in points:
                if point.when(arguments):
                    self._pass(point.name, side)

        if inspect.iscoroutinefunction(real):

            @wraps(real)
            async def around_async(*arguments: Any, **named: Any) -> Any:
                passed(arguments, "before")
                result = await real(*arguments, **named)
                passed(arguments, "after")
                return result

            return around_async

        @wraps(real)
        def around(*arguments: Any, **named: Any) -> Any:
            passed(arguments, "before")
            result = real(*arguments, **named)
            passed(arguments, "after")
            return result

        return around

    def _pass(self, point: str, side: str) -> None:
        trap = self._trap
        if trap is None or trap.point not in {"", point} or trap.side not in {"", side}:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._last_words.write_text(f"{side} {point}")
                os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(60)  # nothing of this thread may happen after its own death
