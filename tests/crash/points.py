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
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from types import FrameType
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


Arguments = tuple[Any, ...]


def _named(prefix: str, but: str = "\0") -> Callable[[Arguments], bool]:
    return lambda arguments: str(arguments[1]).startswith(prefix) and not str(arguments[1]).startswith(but)


def _is_dead_document(arguments: Arguments) -> bool:
    name = str(arguments[1])
    return name.endswith(".ndjson") and not name.startswith(("blobs/", "parts/", "held/", "replays/"))


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _within(module: str) -> Callable[[Arguments], bool]:
    return lambda _: any(frame.f_globals.get("__name__") == module for frame in _frames())


_in_sweep = _within("shared.handlers.sweep")


def _not_in_sweep(arguments: Arguments) -> bool:
    return not _in_sweep(arguments)


def _is_shared(_: Arguments) -> bool:
    """Whether the rows of several sources are in this post."""
    return any(f.f_code.co_name == "_travel" and len(f.f_locals["parts"]) > 1 for f in _frames())


def _of_split(arguments: Arguments) -> bool:
    return bool(arguments[1].state == "split")


def _says_split(arguments: Arguments) -> bool:
    return bool(arguments[1] == "split")


def _of_part(arguments: Arguments) -> bool:
    return bool(arguments[0].entry.part >= 0)


def _is_part(arguments: Arguments) -> bool:
    return type(arguments[1]).__name__ == "PartWork"


POINTS: tuple[Point, ...] = (
    Point("event queued", "local.functions_host.blobs:send", "a blob event is on the host's own queue; only then the webhook says yes"),
    Point("claim", "shared.ledger.claims:Ledger._put", "the entry says that a worker is on the source"),
    Point("parts decided", "shared.ledger.claims:Claim.finish", "a large blob's entry says where it is cut", _says_split),
    Point("part queued", "shared.sources.work:WorkQueue.put", "a part is on the work queue", _is_part),
    Point("post", "shared.upload.service:Service.post", "a batch is sent; after: it was answered with 204"),
    Point("post shared", "shared.upload.service:Service.post", "so are the rows of several sources in one post", _is_shared),
    Point("post arrived", "endpoint:arrived", "the batch is at the endpoint, and not taken", sides=("after",)),
    Point("post taken", "endpoint:taken", "the batch is taken, and no answer goes out", sides=("after",)),
    Point("dead records", "shared.ledger.deadletter:DeadLetter.records", "a span's bad records are in the dead letter"),
    Point("dead source", "shared.ledger.deadletter:DeadLetter.source", "a source as a whole is in the dead letter"),
    Point("checkpoint", "shared.ledger.claims:Claim.save", "the entry's position moves, or shows a sign of life"),
    Point("audit sent", "shared.handlers.audits:_send", "a source's row is in the audit table"),
    Point("audit put aside", "shared.ledger.store:Store.put", "or put aside, where Azure did not take it", _named("held/audit/")),
    Point("audit settled", "shared.ledger.store:Store.remove", "one that was put aside is in the table", _named("held/audit/")),
    Point("entry finished", "shared.ledger.claims:Claim.finish", "the entry says what became of this run: done, deferred, dead"),
    Point("part finished", "shared.ledger.claims:Claim.finish", "so does the entry of a part", _of_part),
    Point("parts closed", "shared.ledger.claims:Ledger.amend", "a blob's entry says that all of its parts are settled", _of_split),
    Point("parts forgotten", "shared.ledger.claims:Ledger.forget_parts", "the entries of its parts are removed"),
    Point("audit row", "shared.audit:write", "the run's counts are in the log"),
    Point("work queued", "shared.sources.work:WorkQueue.put", "what is left to do is on the work queue", _not_in_sweep),
    Point("held written", "shared.ledger.store:Store.put", "a message that Azure is not ready for is put aside whole", _named("held/", "held/audit/")),
    Point("held taken", "shared.ledger.store:Store.replace", "a worker is on a message that was put aside", _named("held/", "held/audit/")),
    Point("held removed", "shared.ledger.store:Store.remove", "a message that was put aside is settled", _named("held/", "held/audit/")),
    Point("message deleted", "azure.storage.queue.aio:QueueClient.delete_message", "the host takes a settled message off its queue"),
    Point("replay begun", "shared.ledger.hold:take", "a worker is on a document of the dead letter"),
    Point("replay written", "shared.ledger.store:Store.replace", "the document holds what was rejected again", _is_dead_document),
    Point("replay removed", "shared.ledger.store:Store.remove", "or is gone, since nothing is left in it", _is_dead_document),
    Point("trace written", "shared.ledger.trace:Trace.write", "what the replay did is written down"),
    Point("poison buried", "shared.ledger.deadletter:DeadLetter.source", "a message that the host gave up is in the dead letter", _within("shared.handlers.poison")),
    Point("poison deleted", "azure.storage.queue:QueueClient.delete_message", "and off the queue of what the host gave up"),
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
    Shorter("shared.handlers.message:backoff", _one_second, "so are deferred messages"),
    Shorter("shared.handlers.audits:backoff", _one_second, "audit rows"),
    Shorter("shared.handlers.replay:backoff", _one_second, "and replays"),
    Shorter("shared.handlers.sweep:LEFT_BEHIND", 8.0, "deferred work without a message is queued after 8 s"),
    Shorter("shared.handlers.parts:LEFT_BEHIND", 8.0, "and so are deferred parts"),
    Shorter("shared.upload.uploader:FIRST_WAIT", 0.5, "the first pause before a post is tried again"),
    Shorter("shared.handlers.poison:HIDDEN", 4, "what the host gave up is looked at again after 4 s"),
    Shorter("shared.handlers.taken:MAX_CRASHES", 1_000_000, "a file is never given up for the crashes on it"),
)
"""Set in the host's process too. What is kept of the app's own is the order, not the ratios: deferred work looks
again long before it is taken for left behind. The first and every later pause are the same here."""


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
