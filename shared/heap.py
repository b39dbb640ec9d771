"""How this process's memory is kept: Python's collector, and the C library's arenas.

Rule: set by the process itself, on every host alike, so that no setting has to be
carried along. Invariant: what cannot be set here (another C library) is left as it is.
"""

from __future__ import annotations

import ctypes
import gc
import sys

YOUNG_OBJECTS = 50_000
"""Objects that may be made, beyond those that went, before the collector looks for cycles among them."""

ARENAS = 2
_M_ARENA_MAX = -8  # <malloc.h> of the GNU C library: a part of its ABI, see mallopt(3)


def settle() -> None:
    """Have Python's collector leave alone what is there to stay, and look less often for what is not.

    A block makes thousands of lists and dicts, none in a cycle: at Python's own threshold of 700 much of the
    time goes into looking through them (`python -m benchmarks.formats --default-gc` shows how much).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)


def share_arenas() -> bool:
    """Have all threads that come share a few arenas; whether the C library could be told.

    The GNU C library gives a thread an arena of its own, up to eight for each core (mallopt(3), M_ARENA_MAX),
    and each keeps the most that it ever held: with dozens of threads that is memory which nobody uses. What
    sharing saves stands in docs/reliability.md, under the soak.

    Arenas that there are already stay, and once there are ten the library asks no more how many it may make:
    so this is called before threads begin. It is no app setting, as a Function App's worker process may have
    begun before it gets those.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS))
    except AttributeError:  # musl has none
        return False
