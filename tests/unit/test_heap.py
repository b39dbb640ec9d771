"""Memory of a process with many threads: what the C library keeps for them."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from shared import heap
from shared.heap import ARENAS, Spare

_PROGRAM = """
import ctypes, threading
{first}
together = threading.Barrier(12)
def take():
    together.wait()
    for _ in range(100):
        bytes(100_000)
    together.wait()
threads = [threading.Thread(target=take) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
ctypes.CDLL(None).malloc_stats()
"""


def _arenas(first: str) -> int:
    program = [sys.executable, "-c", _PROGRAM.format(first=first)]
    told = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60).stderr
    return told.count("Arena ")


_HOLES = """
from pathlib import Path
from shared import heap
heap.SPARE_SECONDS = {seconds}
spare = heap.Spare()
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
taken = [bytes(20_000) for _ in range(5_000)]
kept = taken[::50]
del taken
before = resident()
spare.give_back()
print(before - resident())
"""


def _given_back(seconds: float) -> int:
    program = [sys.executable, "-c", _HOLES.format(seconds=seconds)]
    return int(subprocess.run(program, capture_output=True, text=True, check=True, timeout=60).stdout)


_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="arenas are the GNU C library's")


@_glibc
def test_free_memory_in_the_middle_of_the_heap_is_given_back() -> None:
    """What is free between two things that stay goes back to the system, once it is time for it."""
    assert _given_back(0) > 50_000_000
    assert _given_back(60) < 1_000_000


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no malloc_trim (musl, macOS), nothing is given back and nothing fails."""
    monkeypatch.setattr(heap.sys, "platform", "darwin")
    monkeypatch.setattr(heap, "SPARE_SECONDS", 0)
    Spare().give_back()


@_glibc
def test_threads_share_a_few_arenas() -> None:
    """Once the app is loaded, a dozen threads have two between them; left alone, the C library makes more."""
    assert _arenas("import function_app") <= ARENAS < _arenas("")
