"""Makes a program die with the one that started it: `tether.py PARENT_PID PROGRAM ARGUMENT...`.

Rule: standard library only, run with `-I -S`, so that it costs a few milliseconds.
Linux: the kernel kills this process when its parent is gone (PR_SET_PDEATHSIG stays
in force through exec). The kernel watches the *thread* that started it, so parts
are started from a thread that lives as long as they do. Elsewhere there is no such
call, and guard.py alone watches.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent and become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the tie was made
        sys.exit(1)
    os.execvp(program[0], program)  # noqa: S606 - that is what it is for


main()
