"""How this process's memory is kept: Python's collector, and the C library's arenas.

Rule: set by the process itself, on every host alike, so that no setting has to be
carried along. Invariant: what cannot be set here (another C library) is left as it is.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time

YOUNG_OBJECTS = 50_000
"""Objects that may be made, beyond those that went, before the collector looks for cycles among them."""

ARENAS = 2
_M_ARENA_MAX = -8  # <malloc.h> of the GNU C library: a part of its ABI, see mallopt(3)

SPARE_SECONDS = 60.0
"""So often at most free memory is given back."""


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


class Spare:
    """Memory that the C library keeps though nobody uses it: given back now and then.

    A block's lines and records come and go between what stays, and by itself the library returns only what
    lies at the heap's end: so the heap would keep the most that was ever in work at once. malloc_trim(3) also
    returns the pages in its middle, in tens of milliseconds for a hundred MB, in which no other thread can
    allocate: hence not after each source.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since = time.monotonic()
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None

    def give_back(self) -> None:
        """Return free pages to the system, if SPARE_SECONDS have gone by and the C library can."""
        with self._lock:
            now = time.monotonic()
            if self._trim is None or now - self._since < SPARE_SECONDS:
                return
            self._since = now
        self._trim(0)
