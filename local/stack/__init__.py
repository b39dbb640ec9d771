"""Starts and stops all of local Azure.

Rule: one supervisor, every part a process of its own with a log of its own; parts
are started in order, each when the one before is ready, and stopped in reverse.
Invariant: however the supervisor ends, SIGKILL included, no part is left running.

    process.py      a part: one process and its log
    tether.py       a part dies with its parent
    guard.py        ends what a killed supervisor leaves
    azurite.py      the storage part
    host.py         the functions host part, ours or Core Tools
    environment.py  what each part finds in its environment
    state.py        stack.json and the lock
    stack.py        all together
"""

from __future__ import annotations

from .process import PartDiedError, StackError, StoppedError
from .stack import Options, Stack
from .state import State

__all__ = ["Options", "PartDiedError", "Stack", "StackError", "State", "StoppedError"]
