"""Ends what is left when the supervisor was killed: `guard.py STATE_FILE`, told what runs on stdin.

Rule: a line `+PID` names a process group that runs, `-PID` one that has ended. When
stdin ends, the supervisor is gone, whatever ended it: every group still named is
killed and the state file removed. A supervisor that stops in order has named all of
them as ended by then. It is in a session of its own, so Ctrl-C does not reach it.
Standard library only; works on every Unix.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """Listen until the supervisor is gone, then clear up."""
    running: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        running.add(pid) if line[0] == "+" else running.discard(pid)
    for pid in running:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    if running:
        Path(sys.argv[1]).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
