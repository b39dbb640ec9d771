"""One process of local Azure: started, watched, stopped.

Rule: a part runs in a session of its own, so that Ctrl-C reaches the supervisor
alone, which then stops its parts in order. Everything it prints goes to one log
file, where the line that says "ready" is found too: no pipe can fill up. Invariant:
after `stop` the process and all of its children are gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

TETHER = Path(__file__).with_name("tether.py")
POLL_SECONDS = 0.02


class StackError(Exception):
    """Local Azure cannot run; the message is for the one who started it."""


class PartDiedError(StackError):
    """A part ended on its own."""

    def __init__(self, part: Part) -> None:
        code = part.returncode
        how = f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
        super().__init__(f"{part.name} ended {how}. The end of {part.log_path}:\n{part.tail()}")
        self.part = part.name


class StoppedError(StackError):
    """Somebody asked to stop while local Azure was starting."""


class Part:
    """A running process.

    Args:
        name: what it is called in messages and in the log's name.
        command: program and arguments.
        environment: all of it; nothing is inherited.
        log_path: where stdout and stderr go; begun afresh.
        append: keep what the log already holds (a part that is started again).
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log_path: Path,
        cwd: Path | None = None,
        append: bool = False,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self.began = time.monotonic()
        self._begun = log_path.stat().st_size if append and log_path.exists() else 0
        tethered = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *command]
        with log_path.open("ab" if append else "wb") as log:
            self._process = subprocess.Popen(
                tethered,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(environment),
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id; the id of its process group too."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended, or None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    def printed(self) -> str:
        """What this process has written to its log."""
        with self.log_path.open("rb") as log:
            log.seek(self._begun)
            return log.read().decode("utf-8", "replace")

    def tail(self, lines: int = 20) -> str:
        """The last lines of its log, indented."""
        return "\n".join("    " + line for line in self.printed().splitlines()[-lines:]) or "    (empty)"

    def wait_for(
        self, find: Callable[[str], Found | None], seconds: float, stopping: threading.Event | None = None
    ) -> Found:
        """What `find` makes of the log, as soon as it is not None.

        Raises:
            PartDiedError: the process ended first.
            StackError: nothing was found in time.
            StoppedError: `stopping` was set first.
        """
        until = time.monotonic() + seconds
        while True:
            ended = self.returncode is not None
            found = find(self.printed())
            if found is not None:
                return found
            if stopping is not None and stopping.is_set():
                raise StoppedError("Stopped before it was ready.")
            if ended:
                raise PartDiedError(self)
            if time.monotonic() > until:
                raise StackError(
                    f"{self.name} was not ready after {seconds:g} s. "
                    f"The end of {self.log_path}:\n{self.tail()}"
                )
            time.sleep(POLL_SECONDS)

    def stop(self, seconds: float = 10.0) -> None:
        """Ask it to end, wait, insist; its children go with it. Calling it again does nothing."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
