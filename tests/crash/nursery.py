"""Forks hosts: `python -m tests.crash.nursery`, lines of JSON in and out.

Rule: everything is imported here once, so that a life begins in milliseconds; the host
itself (local.functions_host) runs in a fork of its own, which wraps the commit points,
and is killed from here or by its own hand. Invariants: this process has one thread, or
it would not fork; it kills only children that it has not yet waited for.

    in   {"life": {...}}   begin one; {"kill": pid} end that one with SIGKILL; {"stop": pid} with SIGTERM
    out  {"began": pid}, then {"ended": status, "words": "after checkpoint"}
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import importlib
import json
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_BEFORE = (
    "azure.functions",
    "azure.identity",
    "azure.identity.aio",
    "azure.monitor.ingestion",
    "azure.storage.blob.aio",
    "azure.storage.queue.aio",
    "azurefunctions.extensions.bindings.blob",
    "local.functions_host.__main__",
    "requests",
    "shared.app",
    "shared.decode",
    "shared.handlers.sweep",
    "shared.handlers.work",
)


class Life:
    """One host, from its fork to its end."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._words = Path(told["words"])
        self._words.unlink(missing_ok=True)
        self._ends = time.monotonic() + told["seconds"] if told.get("seconds") is not None else None
        self.pid = os.fork()
        if self.pid == 0:
            os._exit(_child(told))

    def over(self) -> dict[str, Any] | None:
        """How it ended; None while it lives. Kills it when its time has come."""
        if self._ends is not None and time.monotonic() >= self._ends:
            self._ends = None
            os.kill(self.pid, signal.SIGKILL)
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        words = self._words.read_text() if self._words.exists() else ""
        return {"ended": os.waitstatus_to_exitcode(status), "words": words}


def _child(told: dict[str, Any]) -> int:
    """Become the host."""
    from local.functions_host.__main__ import main  # noqa: PLC0415 - loaded already
    from tests.crash.points import Spy, Trap, shorten  # noqa: PLC0415

    _die_with_the_nursery()
    log = os.open(told["log"] + ".out", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    faulthandler.enable(2)
    os.environ.clear()
    os.environ.update(told["environment"])
    shorten()
    Spy(Trap(*told["trap"]) if told.get("trap") else None, Path(told["words"])).wrap()
    try:
        return main(told["arguments"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _die_with_the_nursery() -> None:
    """Where the kernel can (Linux); elsewhere the end of its standard input ends the nursery in good order."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Until nobody asks any more; a child goes with it."""
    for name in _BEFORE:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, threading.enumerate()
    _say(ready=True)
    told = os.fdopen(0, "rb", 0)  # unbuffered: what select does not see must not wait in a buffer
    life: Life | None = None
    try:
        while True:
            wait = None if life is None else 0.005
            readable, _, _ = select.select([told], [], [], wait)
            if readable:
                line = told.readline()
                if not line:
                    return
                life = _obey(json.loads(line), life)
            if life is not None and (over := life.over()) is not None:
                life = None
                _say(**over)
    finally:
        if life is not None:
            os.kill(life.pid, signal.SIGKILL)
            os.waitpid(life.pid, 0)


def _obey(told: dict[str, Any], life: Life | None) -> Life | None:
    if "life" in told:
        life = Life(told["life"])
        _say(began=life.pid)
    elif life is not None and life.pid in told.values():
        os.kill(life.pid, signal.SIGKILL if "kill" in told else signal.SIGTERM)
    return life


if __name__ == "__main__":
    main()
