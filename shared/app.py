"""The app, wired up: settings, routes, clients and rooms, once per process.

Rule: the only place where they are put together; what a trigger does with them
stands in handlers/. Invariant: an App that could be made can be used: settings and
routes are checked, and what is imported for the cloud's clients is imported when
first used, not before.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path

import msgspec

from . import settings
from .errors import ConfigError
from .heap import Spare, settle
from .ledger.claims import Ledger
from .ledger.deadletter import DeadLetter
from .ledger.store import Store
from .pipeline import Corridor
from .routes import load
from .settings import Settings
from .sources.storage import Storage
from .sources.work import WorkQueue
from .turns import Turns

_MARGIN = 90.0
_DEFAULT_TIMEOUT = 1_800.0


class App:
    """Logferry in this process.

    Args:
        config: the app settings.
        root: folder of host.json, and the one that ROUTES_FILE is relative to.
    """

    def __init__(self, config: Settings, root: Path) -> None:
        self.settings = config
        self.routes = load(root / config.routes_file)
        problems = settings.lacking(config, self.routes)
        if problems:
            raise ConfigError("\n".join(problems))
        self.budget = budget_seconds(root / "host.json")
        self.max_tries = max_tries(root / "host.json")
        self._turns = Turns(config.concurrent_blobs)
        self._spare = Spare()
        self.storage = Storage(config.drop_storage, config.read_bytes)
        self.corridor = Corridor(config, self.routes)

    @contextmanager
    def room_for(self, size: int) -> Iterator[bool]:
        """Whether a source of `size` bytes of text may be worked on now; a larger one waits for its turn.

        The host runs dozens of invocations at once, whatever memory there is.
        """
        try:
            with self._turns.take(size, self.settings.claim_seconds) as there_is_room:
                yield there_is_room
        finally:
            self._spare.give_back()

    @cached_property
    def state(self) -> Store:
        """The state container."""
        return Store(self.storage.blobs.get_container_client(self.settings.state_container))

    @cached_property
    def ledger(self) -> Ledger:
        """Entries of blobs."""
        return Ledger(self.state, self.settings.claim_seconds)

    @cached_property
    def dead_letter(self) -> DeadLetter:
        """The dead-letter container."""
        container = self.storage.blobs.get_container_client(self.settings.deadletter_container)
        return DeadLetter(Store(container))

    @cached_property
    def work(self) -> WorkQueue:
        """The app's own queue."""
        return WorkQueue(self.storage.queues.get_queue_client(self.settings.work_queue))


def budget_seconds(host_json: Path) -> float:
    """How long one invocation may work: functionTimeout less a margin for a last checkpoint.

    The default of a Flex Consumption plan is 30 minutes (Azure Functions host.json reference).
    """
    try:
        text = msgspec.json.decode(host_json.read_bytes()).get("functionTimeout", "")
    except (OSError, msgspec.DecodeError, AttributeError):
        text = ""
    match = re.fullmatch(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})", str(text))
    if not match:
        return _DEFAULT_TIMEOUT - _MARGIN
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    timeout = float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    return max(timeout - _MARGIN, timeout / 2)


def max_tries(host_json: Path) -> int:
    """How often the host gives out a queue message. Default 5 (Azure Functions host.json reference)."""
    try:
        queues = msgspec.json.decode(host_json.read_bytes())["extensions"]["queues"]
        return int(queues["maxDequeueCount"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError):
        return 5


_making = threading.Lock()


def app() -> App:
    """This process's App, made at the first call; who calls meanwhile waits for it.

    Raises:
        SettingsError, RoutesError, ConfigError: what is wrong, and the remedy.
    """
    with _making:  # lru_cache alone lets every thread of a cold start make one
        return _made()


@lru_cache(maxsize=1)
def _made() -> App:
    # One line a request with all its headers, at Information: the SDKs' idea of a default.
    logging.getLogger("azure").setLevel(logging.WARNING)
    made = App(settings.read(os.environ), Path(__file__).resolve().parent.parent)
    settle()
    return made
