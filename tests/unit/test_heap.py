"""Memory of a process with many threads: what the C library keeps for them."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from shared.heap import ARENAS

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="arenas are the GNU C library's")
def test_threads_share_a_few_arenas() -> None:
    """Once the app is loaded, a dozen threads have two between them; left alone, the C library makes more."""
    assert _arenas("import function_app") <= ARENAS < _arenas("")
