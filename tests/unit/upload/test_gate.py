"""The gate of a rule: who waits there is told of what changes."""

from __future__ import annotations

import threading
import time

from shared.errors import Throttled
from shared.upload.gate import Gate
from shared.upload.limit import Limit


def test_who_gives_up_passes_the_word_on() -> None:
    """A place comes free while a pause begins: who cannot wait that long leaves, and the other sets out after the pause."""
    gate, entered, refused = Gate("r", Limit(64, first=1)), threading.Event(), threading.Event()
    flying = gate.enter(time.monotonic() + 60, lambda: False)

    def impatient() -> None:
        try:
            gate.enter(time.monotonic(), lambda: False)
        except Throttled:
            refused.set()

    def patient() -> None:
        gate.leave(gate.enter(time.monotonic() + 3_600, lambda: False), "accepted", 1)
        entered.set()

    threads = [threading.Thread(target=one, daemon=True) for one in (impatient, patient)]
    for thread in threads:
        thread.start()
        while len(gate._changed._waiters) < threads.index(thread) + 1:  # type: ignore[attr-defined]
            time.sleep(0.01)
    gate.shut(0.2, "429")
    gate.leave(flying, "trouble", 1)
    assert refused.wait(30)
    assert entered.wait(30)
